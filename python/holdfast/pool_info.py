"""What the supervisor answers and tells of pools and their frames: the messages of docs/protocol.md as classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

Policy = Literal["latest", "drop-oldest", "drop-newest", "block"]
SlotState = Literal["free", "writing", "quarantined", "ready", "reading", "retired"]


@dataclass(frozen=True)
class SlotHolder:
    """The writer of a slot, or one of its readers."""

    lease: int
    client: int
    name: str
    pid: Optional[int]
    held_ms: float


@dataclass(frozen=True)
class SlotInfo:
    """A slot of a pool."""

    slot: int
    state: SlotState
    generation: int
    seq: Optional[int]
    age_ms: Optional[float]
    holders: list[SlotHolder]


@dataclass(frozen=True)
class Consumer:
    """One of a group of consumers."""

    client: int
    name: str
    pid: Optional[int]
    sub: int
    #: The one that it holds.
    slot: Optional[int]
    #: Of the file of that slot.
    epoch: Optional[int]
    held_ms: Optional[float]
    delivered: int
    revoked: int


@dataclass(frozen=True)
class Dropped:
    """How many frames a group has dropped, by reason."""

    stale: int
    full: int
    reclaimed: int
    removed: int


@dataclass(frozen=True)
class GroupInfo:
    """A group of consumers."""

    group: str
    policy: Policy
    depth: int
    deadline_ms: Optional[float]
    published: int
    delivered: int
    dropped: Dropped
    queued: int
    fps: float
    age_ms: Optional[float]
    consumers: list[Consumer]


@dataclass(frozen=True)
class Plane:
    """Where the lines of a plane are in a payload."""

    offset: int
    stride: int


@dataclass(frozen=True)
class PoolLayout:
    """How the file of a pool is laid out."""

    pool: str
    path: str
    #: Of the file: another file has another one.
    epoch: int
    slots: int
    #: What a slot holds.
    bytes: int
    header_offset: int
    header_stride: int
    payload_offset: int
    payload_stride: int
    fourcc: str
    width: Optional[int]
    height: Optional[int]
    stride: Optional[int]
    planes: list[Plane]


@dataclass(frozen=True)
class PoolInfo:
    """A pool, with its slots and who holds them."""

    pool: str
    layout: PoolLayout
    published: int
    #: Given up by their producers.
    aborted: int
    #: Acquires for which no slot came free in time.
    refused: int
    #: Producers that wait for a slot.
    waiting: int
    #: Published a second, of late.
    fps: float
    slots: list[SlotInfo]
    groups: list[GroupInfo]


@dataclass(frozen=True)
class Grant:
    """A slot to write to."""

    slot: int
    #: Odd while it is written.
    generation: int
    #: Never given twice.
    lease: int
    epoch: int
