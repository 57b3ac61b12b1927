"""The client of holdfast: one process holds the hardware fast, and everyone else talks to it.

    with holdfast.connect() as client, client.output("GPIO17") as led:
        led.blink(on_ms=100, off_ms=400, n=10, ack="done")
"""

from __future__ import annotations

from .client import Client, connect
from .errors import HoldfastError
from .events import EventStream, Watch
from .pins import InputPin, OutputPin, PinName
from .replies import CommandReply, Edge, PinInfo, Reading, Silence, StateChange, Status

__all__ = [
    "Client",
    "CommandReply",
    "Edge",
    "EventStream",
    "HoldfastError",
    "InputPin",
    "OutputPin",
    "PinInfo",
    "PinName",
    "Reading",
    "Silence",
    "StateChange",
    "Status",
    "Watch",
    "connect",
]
