"""gpiozero with the pins of another board."""

import hashlib
import time
from types import SimpleNamespace

import pytest
from gpiozero import LED, Button, Device, PinUnsupported, SPISoftwareFallback
from holdfast.gpiozero import HoldfastFactory
from program import Program
from supervisor import Supervisor, eventually

TOKEN = "of the desk"

CONFIG = f"""
[listen.tcp]
port = 0

[access.desk]
token = "sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}"
command = ["GPIO17", "GPIO18"]
watch = ["GPIO4"]
"""


@pytest.fixture
def board():
    """A supervisor that is reached over the network, too."""
    with Supervisor(CONFIG) as supervisor:
        supervisor.url = f"holdfast+tcp://127.0.0.1:{supervisor.ports['tcp']}"
        yield supervisor


def test_devices_are_those_of_the_other_board_as_far_as_the_token_goes(board):
    with HoldfastFactory(board.url, token=TOKEN) as factory:
        lamp, button = LED(17, pin_factory=factory), Button(4, pin_factory=factory)
        lamp.source = button
        board.drive("GPIO4", 0)
        eventually("the lamp follows the button", lambda: board.level("GPIO17") == 1)
        with pytest.raises(PinUnsupported, match="FORBIDDEN"):
            LED(27, pin_factory=factory)
        lamp.close()
        button.close()


def test_a_program_is_told_by_its_environment(board):
    code = """
        from gpiozero import LED
        lamp = LED(17)
        lamp.on()
        print(lamp.value)
        input()
    """
    where = {"GPIOZERO_PIN_FACTORY": "holdfast", "HOLDFAST_URL": board.url, "HOLDFAST_TOKEN": TOKEN}
    with Program(board, code, **where) as program:
        assert (program.line(), board.level("GPIO17")) == ("1", 1)


def test_the_spi_of_the_kernel_is_not_that_of_the_other_board(board, monkeypatch):
    with HoldfastFactory(board.url, token=TOKEN) as factory:
        # Where gpiozero 1 takes the pins of SPI in software from, whoever asks.
        monkeypatch.setattr(Device, "pin_factory", factory)
        # It is played on the pins of the other board, to which this token gives no right.
        with pytest.warns(SPISoftwareFallback, match="another machine"), pytest.raises(PinUnsupported, match="FORBIDDEN"):
            factory.spi(port=0, device=0)


def test_the_other_boards_clock_is_learnt():
    factory = HoldfastFactory("holdfast://elsewhere")
    ahead_ns = 3_600_000_000_000
    factory.learn_clock(SimpleNamespace(timestamp_ns=lambda: time.monotonic_ns() + ahead_ns))
    assert factory.ticks_diff(factory.ticks(), time.monotonic_ns()) == pytest.approx(3600, abs=1)
    # That of this machine is read as exactly as it is.
    factory = HoldfastFactory("holdfast://here")
    factory.learn_clock(SimpleNamespace(timestamp_ns=time.monotonic_ns))
    before, now, after = time.monotonic_ns(), factory.ticks(), time.monotonic_ns()
    assert before <= now <= after
