"""What the supervisor is made of, by addresses (docs/addresses.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Mapping, Optional, Union

Kind = Literal["supervisor", "pin", "pool", "slot", "process", "camera", "client", "actor"]

#: What an actor is sent: the type of an event, or all of it as the actor takes it: ``{"type": "on", "durationMs": 500}``.
ActorEvent = Union[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ActorInfo:
    """One actor."""

    #: The canonical one.
    address: str
    kind: Kind
    #: The address of the actor that it is a part of; None: the root.
    parent: Optional[str]
    state: str


@dataclass(frozen=True)
class AcceptedEvent:
    """One event that an actor takes."""

    type: str
    #: Its other fields, as JSON Schema.
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ActorDescription:
    """What an actor is."""

    #: The canonical one.
    address: str
    kind: Kind
    #: Its definition, as XState's ``createMachine`` takes it, with names in the place of functions; None: it is no machine.
    machine: Optional[Mapping[str, Any]]
    accepts: list[AcceptedEvent]


@dataclass(frozen=True)
class Transition:
    """An actor is in this state now."""

    #: Of the actor.
    address: str
    #: What it was told; None: this is what it was found in, or its time was up.
    event: Optional[str]
    #: Its state before; None: nothing has been told of it yet.
    from_: Optional[str]
    #: ``gone``: there is no such actor any more.
    state: str
    #: What its kind has to show.
    data: Mapping[str, Any]
    #: When it was told, CLOCK_MONOTONIC, ns.
    timestamp_ns: int
    #: Events lost since the one before, because this program was slow.
    lost: int


def whole(event: ActorEvent) -> Mapping[str, Any]:
    """An event as it is sent."""
    return event if isinstance(event, Mapping) else {"type": event}
