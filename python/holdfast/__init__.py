"""The client of holdfast: one process holds the hardware fast, and everyone else talks to it.

    with holdfast.connect() as client, client.output("GPIO17") as led:
        led.blink(on_ms=100, off_ms=400, n=10, ack="done")
"""

from __future__ import annotations

from .actors import ActorDescription, ActorInfo, Transition
from .cameras import CameraCounters, CameraFault, CameraInfo, CameraPartInfo, CameraSnapshot
from .client import Client, connect
from .errors import HoldfastError
from .events import EventStream, Watch
from .frame import Frame
from .frame_stream import FrameStream
from .held_pin import PinName
from .pins import InputPin, OutputPin
from .pool import FramePool
from .pool_info import PoolInfo, PoolLayout
from .replies import CommandReply, Edge, PinInfo, Reading, Silence, StateChange, Status
from .processes import ProcessEnd, ProcessInfo
from .topics import NO_VALUE, Message, TopicInfo
from .user_actors import UserActorEnd, UserActorInfo
from .writable_frame import WritableFrame

__all__ = [
    "NO_VALUE",
    "ActorDescription",
    "ActorInfo",
    "CameraCounters",
    "CameraFault",
    "CameraInfo",
    "CameraPartInfo",
    "CameraSnapshot",
    "Client",
    "CommandReply",
    "Edge",
    "EventStream",
    "Frame",
    "FramePool",
    "FrameStream",
    "HoldfastError",
    "InputPin",
    "Message",
    "OutputPin",
    "PinInfo",
    "PinName",
    "PoolInfo",
    "PoolLayout",
    "ProcessEnd",
    "ProcessInfo",
    "Reading",
    "Silence",
    "StateChange",
    "Status",
    "TopicInfo",
    "Transition",
    "UserActorEnd",
    "UserActorInfo",
    "Watch",
    "WritableFrame",
    "connect",
]
