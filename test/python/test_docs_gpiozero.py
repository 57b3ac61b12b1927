"""The programs of docs/gpiozero.md, as they stand there."""

from pathlib import Path

from supervisor import eventually

PAGE = Path(__file__).parents[2] / "docs" / "gpiozero.md"


def test_a_doorbell_and_a_counter_of_visitors_have_the_same_button(supervisor, client, started):
    started("doorbell.py", GPIOZERO_PIN_FACTORY="holdfast")
    visitors = started("visitors.py", GPIOZERO_PIN_FACTORY="holdfast")
    supervisor.press_until("GPIO4", "the counter has seen it", lambda: visitors.has_told("visitor 1"))
    supervisor.press_until("GPIO4", "the doorbell has, too", lambda: supervisor.level("GPIO17") == 1)
    eventually("somebody stays at the door", lambda: (client.read("GPIO18").value or 0) > 0)
    supervisor.drive("GPIO4", 1)
    eventually("nobody is there", lambda: supervisor.level("GPIO17") == 0 and client.read("GPIO18").value == 0)


def test_two_old_scripts_have_the_same_button_and_the_same_lamp(supervisor, client, started):
    started("switch.py", run_by=["-m", "holdfast.RPi"])
    timer = started("timer.py", run_by=["-m", "holdfast.RPi"])
    supervisor.press_until("GPIO4", "both have seen it", lambda: supervisor.level("GPIO17") == 1 and timer.has_said())
    assert timer.line() == "channel 7 was pressed"
    (lamp,) = (pin for pin in client.status().pins if pin.pin == "GPIO17")
    assert sorted(holder.name for holder in lamp.holders) == ["switch.py", "timer.py"]
