"""The programs of docs/pigpio.md, as they stand there, with its configuration."""

import re
from pathlib import Path

import pytest
from supervisor import Supervisor, eventually

PAGE = Path(__file__).parents[2] / "docs" / "pigpio.md"


@pytest.fixture
def supervisor():
    [config] = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    with Supervisor(config.replace("[listen.pigpio]\n", "[listen.pigpio]\nport = 0\n")) as running:
        yield running


def test_a_dimmer_and_a_stopwatch_have_the_same_button(supervisor, client, started):
    here = {"PIGPIO_ADDR": "127.0.0.1", "PIGPIO_PORT": str(supervisor.ports["pigpio"])}
    dimmer = started("dimmer.py", GPIOZERO_PIN_FACTORY="pigpio", **here)
    presses = started("presses.py", **here)
    supervisor.press_until("GPIO4", "the dimmer has seen it", lambda: dimmer.has_told("lamp at 0.25"))
    supervisor.press_until("GPIO4", "the stopwatch has, too", presses.has_said)
    us = re.fullmatch(r"pressed for (\d+) us", presses.line())[1]
    assert 40_000 < int(us) < 40_000_000
    # The button is left pressed.
    eventually("the servo has turned", lambda: client.read("GPIO17").value == pytest.approx(0.1))
    assert client.read("GPIO18").value >= 0.25
