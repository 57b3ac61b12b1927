"""The programs of docs/gpiozero.md, as they stand there."""

import re
import time
from pathlib import Path

import pytest
from program import Program
from supervisor import eventually

PAGE = Path(__file__).parents[2] / "docs" / "gpiozero.md"


@pytest.fixture
def started(supervisor, tmp_path):
    """Starts a program of the page: writes it to a file of its name, and runs that."""
    programs = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL))
    running = []

    def start(name, *module, **environment):
        (tmp_path / name).write_text(programs[name])
        running.append(Program(supervisor, command=[*module, str(tmp_path / name)], **environment))
        return running[-1]

    yield start
    for program in running:
        program.kill()


def press_until(supervisor, what, is_so):
    """Presses the button until something is so: when a program has begun to listen is not seen from outside."""

    def attempt():
        for level in (1, 0):
            supervisor.drive("GPIO4", level)
            # For longer than its contacts bounce.
            time.sleep(0.05)
        return is_so()

    eventually(what, attempt)


def test_a_doorbell_and_a_counter_of_visitors_have_the_same_button(supervisor, client, started):
    started("doorbell.py", GPIOZERO_PIN_FACTORY="holdfast")
    visitors = started("visitors.py", GPIOZERO_PIN_FACTORY="holdfast")
    press_until(supervisor, "both have seen it", lambda: supervisor.level("GPIO17") == 1 and visitors.has_said())
    assert visitors.line() == "visitor 1"
    eventually("somebody stays at the door", lambda: (client.read("GPIO18").value or 0) > 0)
    supervisor.drive("GPIO4", 1)
    eventually("nobody is there", lambda: supervisor.level("GPIO17") == 0 and client.read("GPIO18").value == 0)


def test_two_old_scripts_have_the_same_button_and_the_same_lamp(supervisor, client, started):
    started("switch.py", "-m", "holdfast.RPi")
    timer = started("timer.py", "-m", "holdfast.RPi")
    press_until(supervisor, "both have seen it", lambda: supervisor.level("GPIO17") == 1 and timer.has_said())
    assert timer.line() == "channel 7 was pressed"
    (lamp,) = (pin for pin in client.status().pins if pin.pin == "GPIO17")
    assert sorted(holder.name for holder in lamp.holders) == ["switch.py", "timer.py"]
