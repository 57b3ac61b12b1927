"""What the supervisor answers and tells of pins, clients and itself: the messages of docs/protocol.md as classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from .pool_info import PoolInfo
from .cameras import CameraInfo
from .processes import ProcessInfo
from .user_actors import UserActorInfo

Level = Literal[0, 1]
Mode = Literal["wait", "nowait"]
PinState = Literal["idle", "on", "blinking", "pulsing", "watching", "closing", "closed"]
Bias = Literal["as-is", "disabled", "pull-up", "pull-down"]
Drive = Literal["push-pull", "open-drain", "open-source"]
OnDisconnect = Literal["close", "stay"]
CloseLevel = Literal["off", "on", "keep"]
Ack = Literal["accepted", "started", "done"]
EdgeFilter = Literal["rising", "falling", "both"]


@dataclass(frozen=True)
class CommandReply:
    """What has become of a command: at once, or, with ``ack``, when it has started or ended."""

    state: PinState
    queued: int
    #: Its number on this pin.
    command: int
    #: With ``ack`` started or done; else None.
    outcome: Optional[Literal["started", "done", "cancelled"]]
    #: Why it was cancelled.
    reason: Optional[str]
    #: By how much the wave ended late.
    late_ms: Optional[float]


@dataclass(frozen=True)
class Reading:
    """A line, as it is now."""

    #: The canonical name.
    pin: str
    #: None: the lines of a group differ.
    level: Optional[Level]
    #: Of a group: those of its lines, all read at once.
    levels: Optional[list[Level]]
    #: The duty commanded; None: not an output, or a wave runs, or the lines of a group differ.
    value: Optional[float]
    state: PinState
    #: CLOCK_MONOTONIC, ns.
    timestamp_ns: int


@dataclass(frozen=True)
class Edge:
    """A line has changed."""

    pin: str
    #: After the edge.
    level: Level
    #: The kernel's, CLOCK_MONOTONIC, ns.
    timestamp_ns: int
    #: Counts the edges of this watch from 1, lost ones included.
    seq: int
    #: Edges lost since the one before, because this program was slow or the kernel's buffer full.
    lost: int
    #: Of a group: the line whose edge it is, its place, from 0, and the count of its edges.
    member: Optional[str]
    index: Optional[int]
    member_seq: Optional[int]


@dataclass(frozen=True)
class Silence:
    """No edge of a watch has come for as long as it has said."""

    pin: str
    silence_ms: float
    #: When that time was up, CLOCK_MONOTONIC, ns.
    timestamp_ns: int


@dataclass(frozen=True)
class StateChange:
    """An observed pin has another state, or another command."""

    pin: str
    state: PinState
    #: None: closed, or a wave runs, or the lines of a group differ.
    level: Optional[Level]
    levels: Optional[list[Level]]
    value: Optional[float]
    #: The command that holds the line.
    command: Optional[int]
    #: The name of the client that gave it.
    by: Optional[str]
    lost: int


@dataclass(frozen=True)
class Holder:
    """A client that holds a pin."""

    client: int
    name: str
    #: Where on the network it is; None: on this machine.
    address: Optional[str]
    pid: Optional[int]
    uid: Optional[int]
    held_ms: float
    share: bool
    on_disconnect: OnDisconnect
    heartbeat_ms: Optional[float]


@dataclass(frozen=True)
class LineSettings:
    """How an open line is set. What is for the other direction is None."""

    active_low: bool
    bias: Bias
    drive: Optional[Drive]
    close_level: Optional[CloseLevel]
    #: Of PWM.
    frequency_hz: Optional[float]
    #: The channel of hardware PWM that the pin is configured to be.
    pwm: Optional[str]
    max_on_ms: Optional[float]
    debounce_us: Optional[int]


@dataclass(frozen=True)
class PinInfo:
    """A line, or an open group of lines."""

    pin: str
    #: ``chip-label:offset``
    line: str
    names: list[str]
    group: Optional[str]
    members: Optional[list[str]]
    state: PinState
    direction: Optional[Literal["out", "in"]]
    level: Optional[Level]
    levels: Optional[list[Level]]
    value: Optional[float]
    mode: Optional[Mode]
    queued: int
    command: Optional[int]
    holders: list[Holder]
    #: Open and held by nobody: the next open adopts it.
    unowned: bool
    #: The program outside holdfast, or the kernel driver, that has the line.
    used_by: Optional[str]
    settings: Optional[LineSettings]


@dataclass(frozen=True)
class ClientInfo:
    """A client of the supervisor."""

    client: int
    name: str
    transport: str
    #: Where on the network it is; None: on this machine.
    address: Optional[str]
    state: Literal["connected", "leaving"]
    pid: Optional[int]
    uid: Optional[int]
    connected_ms: float
    pins: list[str]
    subscriptions: int
    pending: int


@dataclass(frozen=True)
class Counters:
    """What the supervisor has counted since its start."""

    clients: int
    requests: int
    errors: int
    accepted: int
    done: int
    cancelled: int
    edges: int
    lost_events: int
    skipped_cycles: int
    frames_published: int
    frames_delivered: int
    frames_dropped: int
    leases_revoked: int
    slots_quarantined: int
    holds_lost: int
    messages_published: int
    messages_told: int


@dataclass(frozen=True)
class Status:
    """The supervisor, and all that it has to do with."""

    state: Literal["starting", "running", "draining", "stopped"]
    version: str
    pid: int
    uptime_ms: float
    backend: str
    #: The revision code of the Raspberry Pi that the lines are on; None: another machine.
    board_revision: Optional[int]
    #: How the kernel runs the thread that plays waves; None: there is none, or not yet.
    waves: Optional[Literal["real-time", "normal"]]
    counters: Counters
    clients: list[ClientInfo]
    #: The open ones.
    pins: list[PinInfo]
    pools: list[PoolInfo]
    #: For clients with the right ``admin``.
    processes: list[ProcessInfo]
    cameras: list[CameraInfo]
    #: Users' actors, for clients with the right ``admin``.
    actors: list[UserActorInfo]
