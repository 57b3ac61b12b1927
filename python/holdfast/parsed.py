"""From a message to the class that describes it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Callable, Mapping, Type, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def parsed(cls: Type[T], message: Mapping[str, Any]) -> T:
    """A message of which the names are Python's, as its class. Fields that a later supervisor has added are left out."""
    return cls(*[parse(message.get(name)) for name, parse in _plan(cls)])  # type: ignore[arg-type]


@lru_cache(maxsize=None)
def _plan(cls: Any) -> list[tuple[str, Callable[[Any], Any]]]:
    hints = get_type_hints(cls)
    return [(field.name, _parser(hints[field.name])) for field in fields(cls)]


def _parser(hint: Any) -> Callable[[Any], Any]:
    if is_dataclass(hint):
        return lambda value: None if value is None else parsed(hint, value)
    if get_origin(hint) is Union:
        return _parser(get_args(hint)[0])
    if get_origin(hint) is list and is_dataclass(get_args(hint)[0]):
        return lambda values: [parsed(get_args(hint)[0], value) for value in values or ()]
    return lambda value: value
