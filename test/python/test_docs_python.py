"""The programs of docs/python.md, as they stand there."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_blink_ends_when_it_has_blinked(supervisor, started):
    assert started("blink.py").end() == []
    counters = supervisor.outside.status().counters
    assert (counters.accepted, counters.done) == (1, 1)


def test_button_tells_when_it_is_pressed(supervisor, started):
    button = started("button.py")
    supervisor.press_until("GPIO4", "it is told", button.has_said)
    assert re.fullmatch(r"pressed at [\d.]+ s", button.line())


def test_lamp_blinks_when_the_button_is_pressed(supervisor, started):
    started("lamp.py")
    supervisor.press_until("GPIO4", "the lamp blinks", lambda: supervisor.outside.read("GPIO17").state == "blinking")


def test_press_tells_of_each_stroke_and_of_who_is_in_the_way(supervisor, started):
    lines = started("press.py").end()
    assert [line.split(",")[0] for line in lines] == [f"stroke {number}: done" for number in (1, 2, 3)]
    other = supervisor.connect(name="conveyor").output("GPIO17")
    refused = started("press.py")
    line = refused.line()
    assert line.startswith("the press is in use: ") and "conveyor" in line
    other.close()


def test_the_page_names_nothing_that_is_not_there():
    import holdfast
    from holdfast.client import Client
    from holdfast.pins import InputPin, OutputPin

    table = PAGE.read_text().split("## All that there is")[1].split("\n##")[0]
    for name in re.findall(r"client\.(\w+)\(", table):
        assert hasattr(Client, name), name
    for name in re.findall(r"(?:pin|led|`|, `)\.(\w+)\(", table):
        assert any(hasattr(each, name) for each in (Client, OutputPin, InputPin)), name
    assert callable(holdfast.connect)
