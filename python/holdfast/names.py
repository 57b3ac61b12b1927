"""The names of the protocol and those of Python: ``durationMs`` is ``duration_ms``. Here, and nowhere else, one becomes the other."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from typing import Any, Mapping

#: The only fields of requests that may be null: ``sim.set`` lets go of a wire with it, and a topic is told it. All others are left out when
#: they are None.
_NULLABLE = (("sim.set", "level"), ("topic.publish", "value"))

#: What a program has said of a frame, or on a topic, and what an actor is, shows and answers, is its own, names and all.
_PROGRAMS_OWN = ("meta", "value", "data", "reply", "machine", "schema")


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """``timestampNs`` → ``timestamp_ns``; ``from``, which is a word of the language, → ``from_``."""
    return f"{name}_" if keyword.iskeyword(name) else re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[0].lower()}", name)


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """``timestamp_ns`` → ``timestampNs``."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name.rstrip("_"))


def to_wire(op: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request as the protocol has them, without those that are None."""
    return {camel(name): value for name, value in fields.items() if value is not None or (op, name) in _NULLABLE}


def from_wire(value: Any) -> Any:
    """A reply, with all that is in it, as Python has it."""
    if isinstance(value, dict):
        return {snake(name): inner if name in _PROGRAMS_OWN else from_wire(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [from_wire(inner) for inner in value]
    return value
