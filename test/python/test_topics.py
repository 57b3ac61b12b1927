"""What programs tell each other on topics."""

import threading

import holdfast
import pytest
from holdfast import NO_VALUE
from supervisor import PATIENCE_S, eventually

PATIENCE_MS = PATIENCE_S * 1000


def test_messages_go_to_those_whose_filter_fits(supervisor, client):
    door = supervisor.connect(name="door")
    with client.topic("door/+") as doors:
        assert door.publish("door/front", {"open": True, "angleDegrees": 12.5}) == 1
        assert door.publish("door/front/state", "rattles") == 0
        assert door.publish("door/back", b"\x01\xff") == 1
        first, second = doors.get(PATIENCE_MS), doors.get(PATIENCE_MS)
    assert (first.topic, first.value, first.by, first.retained, first.lost) == (
        "door/front",
        {"open": True, "angleDegrees": 12.5},
        "door",
        False,
        0,
    )
    assert second.value == b"\x01\xff" and second.timestamp_ns >= first.timestamp_ns > 0
    eventually("the subscription has ended", lambda: client.publish("door/front") == 0)


def test_a_topic_keeps_its_last_value_until_it_is_taken_away(supervisor, client):
    client.publish("door", "open", retain=True)
    client.publish("light", None, retain=True)
    assert [(kept.topic, kept.bytes, kept.subscribers) for kept in client.topics()] == [("door", 5, 0), ("light", 1, 0)]
    with supervisor.connect().topic("#") as everything:
        client.publish("door", retain=True)
        messages = [everything.get(PATIENCE_MS) for _ in range(3)]
    assert [(each.topic, each.value, each.retained) for each in messages] == [
        ("door", "open", True),
        ("light", None, True),
        ("door", NO_VALUE, False),
    ]
    assert [kept.topic for kept in client.topics()] == ["light"]


def test_a_callback_is_called_in_order(client):
    heard, is_whole = [], threading.Event()

    def hear(message):
        heard.append(message.value)
        if len(heard) == 100:
            is_whole.set()

    with client.on_message("count", hear):
        for number in range(100):
            client.publish("count", number)
        assert is_whole.wait(PATIENCE_S)
    assert heard == list(range(100))


def test_what_is_wrong_is_named(client):
    for act in (lambda: client.publish("door/#"), lambda: client.topic("door#"), lambda: client.publish("door", [float("nan")])):
        with pytest.raises(holdfast.HoldfastError) as refused:
            act()
        assert refused.value.code == "BAD_FIELD"


def test_a_client_that_reconnects_is_told_again(supervisor):
    states = []
    client = supervisor.connect(reconnect=True, on_connection=states.append)
    with client.topic("door") as door:
        supervisor.kill()
        supervisor.start()
        eventually("it is back", lambda: "back" in states)
        supervisor.outside.publish("door", "open")
        assert door.get(PATIENCE_MS).value == "open"
