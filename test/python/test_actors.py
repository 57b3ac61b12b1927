"""Actors at their addresses."""

import holdfast
import pytest
from supervisor import PATIENCE_S

PATIENCE_MS = PATIENCE_S * 1000


def test_an_event_does_what_the_operation_does_and_is_followed(supervisor, client):
    with client.output("GPIO17"), supervisor.connect().observe_actor("pin/BOARD11") as doings:
        assert doings.state == "idle"
        client.send("pin/GPIO17", "on")
        assert client.ask("pin/GPIO17", "read")["level"] == 1
        client.send("pin/GPIO17", {"type": "off", "durationMs": 5})
        found, turned_on, turned_off, ended = (doings.get(PATIENCE_MS) for _ in range(4))
    assert (found.event, found.from_, found.state) == (None, None, "idle")
    assert (turned_on.event, turned_on.from_, turned_on.state, turned_on.data["value"]) == ("on", "idle", "on", 1)
    assert (turned_off.event, turned_off.from_, turned_off.state, turned_off.data["command"]) == ("off", "on", "idle", 2)
    assert (ended.event, ended.from_, ended.state, ended.address) == ("ended", "idle", "idle", "pin/GPIO17")


def test_a_trace_tells_of_edges_too(client):
    with client.trace("pin/GPIO17") as trace, client.output("GPIO17") as led:
        led.blink(on_ms=5, off_ms=5, n=1, ack="done")
        seen = [trace.get(PATIENCE_MS) for _ in range(6)]
    edges = [event.level for event in seen if isinstance(event, holdfast.Edge)]
    states = [event.state for event in seen if isinstance(event, holdfast.Transition)]
    assert (edges, states) == ([1, 0], ["closed", "idle", "blinking", "idle"])


def test_what_there_is_and_what_it_takes(client):
    client.create_pool("cam0", slots=2, bytes=16)
    shown = {actor.address: (actor.kind, actor.parent, actor.state) for actor in client.actors()}
    assert shown["pool/cam0/slot/1"] == ("slot", "pool/cam0", "free") and shown["supervisor"] == ("supervisor", None, "running")
    described = client.describe_actor("pin/GPIO17")
    assert described.machine["id"] == "pin"
    (blink,) = [event for event in described.accepts if event.type == "blink"]
    assert blink.schema["required"] == ["onMs", "offMs"]


def test_refusals_say_what_there_is(client):
    with pytest.raises(holdfast.HoldfastError) as refused:
        client.send("pin/GPIO17", "fly")
    assert (refused.value.code, refused.value.details["field"]) == ("EVENT_UNKNOWN", "event.type")
    with pytest.raises(holdfast.HoldfastError) as refused:
        client.observe_actor("process/none")
    assert refused.value.code == "ACTOR_UNKNOWN"
