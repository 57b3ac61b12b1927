"""Several gpiozero programs at once, each in a process of its own, as they are started on a board."""

import signal
import threading
from types import SimpleNamespace

import holdfast
import pytest
from gpiozero import LED, PWMLED, Button, GPIOPinInUse
from holdfast.gpiozero import HoldfastFactory
from holdfast.gpiozero.settling import Settling
from program import Program
from supervisor import eventually

LIKE_A_USER = {"GPIOZERO_PIN_FACTORY": "holdfast"}

BUTTON = """
    from gpiozero import Button
    button = Button(4, bounce_time={bounce})
    button.when_pressed = lambda: print("pressed")
    button.when_released = lambda: print("released")
    print("ready")
    input()
"""

LAMP = """
    from gpiozero import LED
    lamp = LED({pin})
    lamp.on()
    print("on")
    input()
"""


def test_two_programs_have_the_same_button(supervisor):
    supervisor.drive("GPIO4", 1)
    # Both say how long its contacts bounce; one that says nothing takes it as it is.
    codes = [BUTTON.format(bounce=bounce) for bounce in (0.001, 0.001, None)]
    programs = [Program(supervisor, code, **LIKE_A_USER) for code in codes[:1]]
    assert programs[0].line() == "ready"
    programs += [Program(supervisor, code, **LIKE_A_USER) for code in codes[1:]]
    for program in programs[1:]:
        assert program.line() == "ready"
    for level, told in ((0, "pressed"), (1, "released")):
        supervisor.drive("GPIO4", level)
        assert [program.line() for program in programs] == [told] * 3
    programs[0].kill()
    supervisor.drive("GPIO4", 0)
    assert [program.line() for program in programs[1:]] == ["pressed"] * 2
    for program in programs[1:]:
        program.tell()
        assert program.end() == []


def test_a_lamp_has_one_program_and_another_is_told_which(supervisor):
    with Program(supervisor, LAMP.format(pin=17), **LIKE_A_USER) as program:
        assert program.line() == "on"
        with pytest.raises(GPIOPinInUse, match=rf"GPIO17 is held by .*{program.pid}") as refused:
            LED(17, pin_factory=HoldfastFactory(supervisor.socket))
        assert isinstance(refused.value.__cause__, holdfast.HoldfastError)
        with pytest.raises(GPIOPinInUse, match=str(program.pid)):
            Button(17, pin_factory=HoldfastFactory(supervisor.socket))


def test_programs_that_both_say_so_drive_the_same_lamp(supervisor):
    sharing = {**LIKE_A_USER, "HOLDFAST_SHARE": "1"}
    with Program(supervisor, LAMP.format(pin=17), **sharing) as one, HoldfastFactory(supervisor.socket, share=True) as factory:
        assert one.line() == "on"
        lamp = LED(17, pin_factory=factory)
        # It begins as it was told to: off.
        assert supervisor.level("GPIO17") == 0
        lamp.on()
        one.tell()
        one.end()
        # The lamp of the program that has ended is still that of this one.
        assert (lamp.value, supervisor.level("GPIO17")) == (1, 1)
        lamp.close()


def test_a_button_settles_for_as_long_as_each_program_says_whoever_was_first(supervisor, client):
    with HoldfastFactory(supervisor.socket) as quick, HoldfastFactory(supervisor.socket) as slow:
        told = {"quick": [], "slow": []}
        first, second = Button(4, pin_factory=quick), Button(4, pin_factory=slow, bounce_time=1)
        for name, button in (("quick", first), ("slow", second)):
            button.when_pressed = lambda name=name: told[name].append("pressed")
            button.when_released = lambda name=name: told[name].append("released")
        # It bounces, in less than that time on a busy machine too, and then stays.
        for level in (0, 1, 0, 1, 0):
            supervisor.drive("GPIO4", level)
        eventually("it has settled", lambda: told["slow"])
        all_of_it = ["pressed", "released", "pressed", "released", "pressed"]
        eventually("the quick one has seen all of it", lambda: told == {"quick": all_of_it, "slow": ["pressed"]})
        assert client.status().pins[0].settings.debounce_us == 0
        # When it had settled, not when it was first touched.
        settled_for = second.active_time
        assert first.active_time - settled_for > 0.95
        supervisor.drive("GPIO4", 1)
        eventually("it is released", lambda: told["slow"] == ["pressed", "released"])
        first.close()
        second.close()


class Moments:
    """Stands in for the modules `time` and `threading`: time passes when a test says so."""

    Lock = threading.Lock

    def __init__(self):
        self._now_s = 0.0
        self._timers = []

    def monotonic(self):
        return self._now_s

    def Timer(self, seconds, act):  # noqa: N802
        return SimpleNamespace(start=lambda: self._timers.append((self._now_s + seconds, act)))

    def pass_until(self, then_s):
        while self._timers and self._timers[0][0] <= then_s:
            self._now_s, act = self._timers.pop(0)
            act()
        self._now_s = then_s


def test_contacts_that_still_bounce_have_not_settled(monkeypatch):
    moments, settled = Moments(), []
    monkeypatch.setattr("holdfast.gpiozero.settling.time", moments)
    monkeypatch.setattr("holdfast.gpiozero.settling.threading", moments)
    settling = Settling(0.05, lambda level, at_ns: settled.append((level, at_ns)))
    for level, at_s in ((1, 0), (0, 0.03), (1, 0.06)):
        moments.pass_until(at_s)
        settling.edge(level, round(at_s * 1e9))
    moments.pass_until(0.109)
    assert settled == []
    moments.pass_until(0.111)
    assert settled == [(1, 110_000_000)]


def test_pulls_that_differ_are_refused_with_the_holders_name(supervisor):
    with Program(supervisor, BUTTON.format(bounce=0.001), **LIKE_A_USER) as program:
        assert program.line() == "ready"
        with pytest.raises(GPIOPinInUse, match=str(program.pid)):
            Button(4, pull_up=False, pin_factory=HoldfastFactory(supervisor.socket))


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL, None])
def test_the_end_of_a_program_turns_its_lamp_off_however_it_ends(supervisor, client, kill):
    lamp_and_relay = LAMP.format(pin=17) + "\n" + LAMP.format(pin="18, active_high=False").replace("lamp", "relay")
    with Program(supervisor, lamp_and_relay, **LIKE_A_USER) as program:
        assert (program.line(), program.tell(), program.line()) == ("on", None, "on")
        assert (supervisor.level("GPIO17"), supervisor.level("GPIO18")) == (1, 1)
        assert client.read("GPIO18").level == 1
        watching = HoldfastFactory(supervisor.socket)
        wire = Button(27, pull_up=None, active_state=True, pin_factory=watching)
        supervisor.wire("GPIO18", "GPIO27")
        assert not wire.is_pressed
        if kill is None:
            program.tell()
            program.end()
        else:
            program.signal(kill)
        eventually("both are closed", lambda: client.status().pins[0].pin == "GPIO27" and len(client.status().pins) == 1)
        assert supervisor.level("GPIO17") == 0
        eventually("the relay is off: its pin is high", lambda: wire.is_pressed)
        watching.close()


def test_a_lamp_that_was_left_on_by_hand_is_taken_over(supervisor):
    supervisor.run("on", "GPIO17")
    supervisor.run("on", "GPIO18")
    with HoldfastFactory(supervisor.socket) as factory:
        with LED(17, pin_factory=factory, initial_value=None) as lamp:
            assert lamp.is_lit
            lamp.off()
            assert supervisor.level("GPIO17") == 0
        # And one that is to be an input now.
        with Button(18, pin_factory=factory) as button:
            assert not button.is_pressed


def test_who_has_called_low_active_still_shares_the_button(supervisor, client):
    with client.input("GPIO4", active_low=True, bias="pull-up") as button, HoldfastFactory(supervisor.socket) as factory:
        seen = []
        same = Button(4, pin_factory=factory)
        same.when_pressed = lambda: seen.append("pressed")
        supervisor.drive("GPIO4", 0)
        eventually("it is pressed", lambda: seen == ["pressed"])
        assert (same.is_pressed, same.pin.state, button.read().level) == (True, 0, 1)
        same.close()


def test_programs_go_on_when_the_supervisor_has_been_restarted(supervisor):
    with HoldfastFactory(supervisor.socket) as factory:
        button, lamp, dimmed = Button(4, pin_factory=factory), LED(17, pin_factory=factory), PWMLED(18, pin_factory=factory)
        seen = []
        button.when_pressed = lambda: seen.append("pressed")
        lamp.on()
        dimmed.value = 0.3
        supervisor.kill()
        supervisor.start()
        # They wait until it is back, and all is as it was.
        eventually("the lamp is lit", lambda: lamp.value == 1)
        eventually("so is the other", lambda: dimmed.value == 0.3)
        lamp.off()
        assert supervisor.level("GPIO17") == 0

        def press():
            supervisor.drive("GPIO4", 1)
            supervisor.drive("GPIO4", 0)
            return seen

        eventually("the button is watched again", press)
        # And without any, a program can end.
        supervisor.kill()
        for device in (button, lamp, dimmed):
            device.close()


def test_without_a_supervisor_a_program_is_told_what_to_do(tmp_path):
    with pytest.raises(holdfast.HoldfastError, match="NOT_RUNNING"):
        LED(17, pin_factory=HoldfastFactory(str(tmp_path / "none.sock")))


FORKS = """
    import os
    import sys
    from gpiozero import Button, GPIOPinInUse, LED
    button, lamp = Button(4), LED(17)
    child = os.fork()
    if child == 0:
        # What it got from its parent, and what it makes itself.
        print("child", button.is_pressed, Button(5).is_pressed)
        try:
            lamp.on()
        except GPIOPinInUse as error:
            print("GPIOPinInUse")
        sys.exit()
    os.waitpid(child, 0)
    print("parent", button.is_pressed, lamp.value)
    lamp.on()
    print("parent", lamp.value)
"""


@pytest.mark.parametrize(
    ("share", "told"),
    [
        ("0", ["child True False", "GPIOPinInUse", "parent True 0", "parent 1"]),
        ("1", ["child True False", "parent True 1", "parent 1"]),
    ],
)
def test_a_forked_process_has_the_devices_of_its_parent_as_another_program_would(supervisor, share, told):
    supervisor.drive("GPIO4", 0)
    with Program(supervisor, FORKS, HOLDFAST_SHARE=share, **LIKE_A_USER) as program:
        assert program.end() == told
