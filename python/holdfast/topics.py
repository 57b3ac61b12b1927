"""What programs tell each other on topics (docs/topics.md)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class NoValue(enum.Enum):
    """Of a message without a value. None is a value."""

    NO_VALUE = "no value"

    def __repr__(self) -> str:
        return self.name


NO_VALUE = NoValue.NO_VALUE


@dataclass(frozen=True)
class Message:
    """Somebody has published on a topic, or the topic has kept it."""

    #: The name that it was published on.
    topic: str
    #: Anything that CBOR carries; ``NO_VALUE``: it has none.
    value: Any
    #: It was kept, and published before the subscription was there.
    retained: bool
    #: When it was published, CLOCK_MONOTONIC, ns.
    timestamp_ns: int
    #: The name of the client that has published it.
    by: str
    #: Messages lost since the one before, because this program was slow.
    lost: int


@dataclass(frozen=True)
class TopicInfo:
    """A topic that keeps its last value."""

    topic: str
    #: Of the value, as CBOR.
    bytes: int
    #: When it was published, CLOCK_MONOTONIC, ns.
    timestamp_ns: int
    #: The name of the client that has published it.
    by: str
    #: Subscriptions to it.
    subscribers: int
