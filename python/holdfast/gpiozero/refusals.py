"""What holdfast refuses, in gpiozero's words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, Mapping, Type

from gpiozero import (
    GPIOPinInUse,
    GPIOZeroError,
    PinInvalidBounce,
    PinInvalidPin,
    PinInvalidPull,
    PinPWMUnsupported,
    PinUnsupported,
)

from ..errors import HoldfastError

_BY_CODE: Mapping[str, Type[GPIOZeroError]] = {
    "PIN_BUSY": GPIOPinInUse,
    "PIN_CONFLICT": GPIOPinInUse,
    "PIN_CLOSING": GPIOPinInUse,
    "LINE_BUSY": GPIOPinInUse,
    "PIN_UNKNOWN": PinInvalidPin,
    "PIN_AMBIGUOUS": PinInvalidPin,
    "LINE_UNSUPPORTED": PinUnsupported,
    "FORBIDDEN": PinUnsupported,
}

#: What is asked wrongly, or for too much, by the field of the request that says it.
_BY_FIELD: Mapping[str, Type[GPIOZeroError]] = {
    "bias": PinInvalidPull,
    "debounce_us": PinInvalidBounce,
    "frequency_hz": PinPWMUnsupported,
}


@contextmanager
def as_gpiozero() -> Iterator[None]:
    """Throws gpiozero's exceptions in place of those of holdfast that it has something like; they are the cause."""
    try:
        yield
    except HoldfastError as error:
        kind = _BY_CODE.get(error.code)
        if error.code in ("BAD_FIELD", "LINE_UNSUPPORTED"):
            kind = _BY_FIELD.get(str(error.details.get("field")), kind)
        if kind is None:
            raise
        raise kind(str(error)) from error
