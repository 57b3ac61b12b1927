"""The client has every operation of the protocol, every field of each, and every field of what is answered: docs/protocol.md says which."""

import dataclasses
import inspect
import pathlib
import re
import threading
import typing

import holdfast
import pytest
from holdfast import actors, cameras, pool_info, processes, replies, topics, user_actors
from holdfast.client import Client
from holdfast.names import camel, snake
from holdfast.pins import InputPin, OutputPin
from holdfast.session import Session
from holdfast.wire import FrameReader, encode

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text()

#: What says that a class of the client is for a rule of the page.
CLASSES = {
    "status-reply": replies.Status,
    "command-reply": replies.CommandReply,
    "read-reply": replies.Reading,
    "edge-event": replies.Edge,
    "silence-event": replies.Silence,
    "state-event": replies.StateChange,
    "pin-info": replies.PinInfo,
    "holder": replies.Holder,
    "line-settings": replies.LineSettings,
    "client-info": replies.ClientInfo,
    "counters": replies.Counters,
    "pool-info": pool_info.PoolInfo,
    "slot-info": pool_info.SlotInfo,
    "slot-holder": pool_info.SlotHolder,
    "group-info": pool_info.GroupInfo,
    "consumer": pool_info.Consumer,
    "dropped": pool_info.Dropped,
    "pool-layout": pool_info.PoolLayout,
    "plane": pool_info.Plane,
    "grant": pool_info.Grant,
    "message-event": topics.Message,
    "topic-info": topics.TopicInfo,
    "process-info": processes.ProcessInfo,
    "process-end": processes.ProcessEnd,
    "camera-info": cameras.CameraInfo,
    "camera-part-info": cameras.CameraPartInfo,
    "camera-counters": cameras.CameraCounters,
    "camera-fault": cameras.CameraFault,
    "camera.snapshot-reply": cameras.CameraSnapshot,
    "actor-info": actors.ActorInfo,
    "accepted-event": actors.AcceptedEvent,
    "actor.describe-reply": actors.ActorDescription,
    "transition-event": actors.Transition,
    "user-actor-info": user_actors.UserActorInfo,
    "user-actor-end": user_actors.UserActorEnd,
}

#: Choices of texts, by the rule of the page.
CHOICES = {
    "mode": replies.Mode,
    "edge": replies.EdgeFilter,
    "bias": replies.Bias,
    "drive": replies.Drive,
    "on-disconnect": replies.OnDisconnect,
    "close-level": replies.CloseLevel,
    "pin-state": replies.PinState,
    "policy": pool_info.Policy,
    "slot-state": pool_info.SlotState,
    "process-state": processes.ProcessState,
    "camera-state": cameras.CameraState,
    "camera-format": cameras.CameraFormat,
    "kind": actors.Kind,
}


def rules():
    """The rules of the page: of each the fields of its map."""
    found = re.findall(r"^([\w.-]+) = \{\n(.*?)^\}", PAGE, re.MULTILINE | re.DOTALL)
    return {name: set(re.findall(r"^  \??\s?(\w+): ", body, re.MULTILINE)) for name, body in found}


RULES = rules()
OPERATIONS = {name[: -len("-request")]: fields - {"id", "op"} for name, fields in RULES.items() if name.endswith("-request")}


class Everything:
    """A supervisor that grants all that it is asked for, and remembers the fields."""

    def __init__(self, folder):
        self.asked = {}
        self._folder = folder
        self._reader = FrameReader()
        self._replies = bytearray()
        self._came = threading.Condition()
        self._is_over = False

    def sendall(self, data):
        for message in self._reader.read(data):
            self.asked.setdefault(message["op"], set()).update(message.keys() - {"id", "op"})
            with self._came:
                self._replies += encode({"id": message["id"], "ok": True, **self._answer(message)})
                self._came.notify()

    def recv(self, _most):
        with self._came:
            self._came.wait_for(lambda: self._replies or self._is_over)
            taken = bytes(self._replies)
            self._replies.clear()
            return taken

    def shutdown(self, _how):
        with self._came:
            self._is_over = True
            self._came.notify()

    def close(self):
        pass

    def _answer(self, message):
        grant = {"slot": 0, "generation": 1, "lease": 1, "epoch": 1}
        if message["op"] in ("pool.open", "pool.create"):
            return {"pool": "p", "path": str(self._folder / "p"), "slots": 2, "bytes": 64, "fourcc": "RAW", "planes": [], "epoch": 1,
                    "headerOffset": 4096, "headerStride": 128, "payloadOffset": 8192, "payloadStride": 4096}
        if message["op"] == "slot.publish":
            return {"seq": 1, "next": grant}
        if message["op"] == "slot.acquire":
            return grant
        return {"pin": "GPIO1", "state": "idle", "queued": 0, "command": 1, "cancelled": 0, "sub": 1, "pins": [], "pools": [], "valid": True, "topics": [], "subscribers": 0, "processes": [], "actors": [], "accepts": [], "cameras": [],
                "client": 1, "protocol": 1}


#: Values that the parameters of methods get: any that can be sent.
VALUES = {"steps": [([0, 1], 1)], "callback": print, "on_end": print, "meta": {"a": 1}, "levels": [1], "bytes": 8, "last": False}


def call(method):
    """Calls a method with a value for every parameter that it has."""
    return method(**{name: VALUES.get(name, 1) for name in inspect.signature(method).parameters})


def pool_file(folder):
    """What is mapped as a pool."""
    (folder / "p").write_bytes(b"HOLDFAST" + (1).to_bytes(4, "little") * 2 + (1).to_bytes(8, "little") + bytes(8192 - 24 + 2 * 4096))


@pytest.fixture
def asked(tmp_path):
    """The fields with which each operation was asked for, by all methods of the client."""
    supervisor = Everything(tmp_path)
    pool_file(tmp_path)
    session = Session(
        lambda: supervisor, name="n", token="t", reconnect=False, timeout_ms=10_000, on_connection=None, on_given_up=None
    )
    client = Client(session)
    for name in "read observe on_state ping pins pools status sim_set sim_wire shutdown create_pool publish topic on_message topics processes start_process stop_process restart_process actors describe_actor send ask observe_actor trace cameras start_camera stop_camera pause_camera resume_camera set_camera_fps preview_camera save_camera snapshot_camera create_camera remove_camera start_actor stop_actor restart_actor reload".split():
        call(getattr(client, name))
    output, button = call(client.output), call(client.input)
    for name in "on off toggle write value blink pulse pattern set_mode cancel read edges on_edge configure to_input".split():
        call(getattr(output, name))
    for name in "configure to_output close".split():
        call(getattr(button, name))
    pool = client.pool("p")
    call(pool.frames)
    frame = call(pool.produce)
    call(frame.publish)
    pool.produce().abort()
    pool.remove()
    output.edges().close()
    session.connection.send("ping", {"link": True})
    session.request("slot.release", {"lease": 1})
    session.request("camera.attach", {"camera": "c", "part": "capture"})
    report = {"order": 1, "state": "paused", "snapshot": {}, "counters": {}, "error": {}}
    session.request("camera.report", {"camera": "c", "part": "capture", **report})
    client.close()
    return supervisor.asked


def test_the_page_has_been_understood():
    assert len(OPERATIONS) > 30 and OPERATIONS["blink"] >= {"pin", "onMs", "offMs", "n", "ack"}
    assert set(CLASSES) <= set(RULES)


def test_every_operation_can_be_asked_for_with_every_field(asked):
    assert asked == OPERATIONS


def test_every_method_of_a_client_has_been_tried():
    tried = set("""read observe on_state ping pins pools status sim_set sim_wire shutdown create_pool pool output input close request
        publish topic on_message topics processes start_process stop_process restart_process actors describe_actor send ask observe_actor trace cameras start_camera stop_camera pause_camera resume_camera set_camera_fps preview_camera save_camera snapshot_camera create_camera remove_camera start_actor stop_actor restart_actor reload""".split())
    assert {name for name in vars(Client) if not name.startswith("_")} == tried
    pins = set("""on off toggle write value blink pulse pattern set_mode cancel configure to_input to_output""".split())
    assert {name for each in (OutputPin, InputPin) for name in vars(each) if not name.startswith("_")} == pins


@pytest.mark.parametrize(("rule", "cls"), CLASSES.items())
def test_what_is_answered_has_a_class_with_the_same_fields(rule, cls):
    of_the_envelope = {"id", "ok", "sub", "ev"} if rule.endswith(("-reply", "-event")) else set()
    assert {camel(field.name) for field in dataclasses.fields(cls)} == RULES[rule] - of_the_envelope


@pytest.mark.parametrize(("rule", "choice"), CHOICES.items())
def test_choices_are_those_of_the_page(rule, choice):
    (texts,) = re.findall(rf"^{rule} = (\".*\")$", PAGE, re.MULTILINE)
    assert set(typing.get_args(choice)) == set(re.findall(r'"([^"]+)"', texts))


def test_every_name_of_the_protocol_has_one_of_python_and_back():
    names = {name for fields in RULES.values() for name in fields}
    assert {camel(snake(name)) for name in names} == names
    assert len({snake(name) for name in names}) == len(names)


def test_errors_are_no_less_than_the_page_of_errors_says():
    """The client has no list of codes: whatever the supervisor says arrives as it was said."""
    error = holdfast.HoldfastError.from_wire({"code": "SOMETHING_NEW", "message": "was said", "retryMs": 5, "field": "onMs"})
    assert (error.code, str(error), error.details) == ("SOMETHING_NEW", "SOMETHING_NEW: was said", {"retry_ms": 5, "field": "on_ms"})
