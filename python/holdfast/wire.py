"""Messages as bytes: a length of four bytes, then one CBOR map (docs/protocol.md)."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Iterator, Mapping, Optional, cast

import cbor2

from .errors import HoldfastError
from .names import snake

#: What a client takes from its supervisor, which it trusts: lists of pins and clients are long.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

#: How deep maps and lists may be nested, the message counted, unless the supervisor is configured otherwise.
MAX_DEPTH = 8

_LENGTH_BYTES = 4

#: How an alert of TLS begins (RFC 8446, 5.1): the answer to who comes without TLS where TLS is spoken.
_TLS_ALERT = 0x1503


def encode(message: Mapping[str, Any], limit: Optional[int] = None) -> bytes:
    """The frame of a request.

    The supervisor can't say which request was at fault when its bytes break the profile of the protocol. So this is found here.

    :param limit: the most bytes of CBOR
    :raises HoldfastError: ``BAD_FIELD``, ``LIMIT_DEPTH``, ``LIMIT_MESSAGE``
    """
    body: bytes = cbor2.dumps({name: _plain(value, name, 2) for name, value in message.items()})
    if limit is not None and len(body) > limit:
        raise HoldfastError("LIMIT_MESSAGE", f"a message has at most {limit} bytes, not {len(body)}", {"limit": limit})
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class FrameReader:
    """Makes messages of bytes as they come."""

    def __init__(self) -> None:
        self._received = bytearray()

    def read(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The messages that are whole now.

        :raises HoldfastError: ``BAD_LENGTH``, ``LIMIT_MESSAGE``, ``BAD_CBOR``, ``TLS_FAILED``: nothing behind it can be read
        """
        received = self._received
        received += chunk
        start = 0
        while len(received) - start >= _LENGTH_BYTES:
            begin = start + _LENGTH_BYTES
            end = begin + _checked_length(int.from_bytes(received[start:begin], "big"))
            if len(received) < end:
                break
            yield _decode(bytes(received[begin:end]))
            start = end
        del received[:start]


def _checked_length(length: int) -> int:
    if length == 0:
        raise HoldfastError("BAD_LENGTH", "the supervisor has sent a frame without a length")
    if length >> 16 == _TLS_ALERT:
        raise HoldfastError("TLS_FAILED", "the supervisor speaks TLS there: its address is written holdfast://host:port")
    if length > MAX_MESSAGE_BYTES:
        raise HoldfastError("LIMIT_MESSAGE", f"the supervisor has sent a message of {length} bytes", {"limit": MAX_MESSAGE_BYTES})
    return length


def _decode(body: bytes) -> dict[str, Any]:
    try:
        message = cbor2.loads(body)
    except Exception as error:  # cbor2 lets errors of Python's own through, too.
        raise HoldfastError("BAD_CBOR", f"the supervisor has sent what is no CBOR: {error}") from error
    if not isinstance(message, dict):
        raise HoldfastError("BAD_CBOR", "the supervisor has sent what is no map")
    return cast("dict[str, Any]", message)


def _plain(value: Any, field: str, depth: int) -> Any:
    """The value, of types that the profile has: numpy's numbers become Python's."""
    if value is None or isinstance(value, (bool, bytes)):
        return value
    if isinstance(value, str):
        return _text(value, field)
    if isinstance(value, Integral):
        return _integer(int(value), field)
    if isinstance(value, Real):
        if _is_ns(field):
            raise _bad(field, "must be an integer")
        if not math.isfinite(value):
            raise _bad(field, "must be a finite number")
        return float(value)
    if depth > MAX_DEPTH:
        message = f"{snake(field)}: is nested deeper than {MAX_DEPTH} levels"
        raise HoldfastError("LIMIT_DEPTH", message, {"limit": MAX_DEPTH, "field": snake(field)})
    if isinstance(value, (list, tuple)):
        return [_plain(inner, f"{field}.{index}", depth + 1) for index, inner in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(name, field): _plain(inner, f"{field}.{name}", depth + 1) for name, inner in value.items()}
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise _bad(field, f"a {type(value).__name__} can't be sent")


def _key(name: Any, field: str) -> str:
    if not isinstance(name, str) or name == "__proto__":
        raise _bad(field, f"its keys must be text, and {name!r} is none that can be sent")
    return _text(name, field)


def _text(text: str, field: str) -> str:
    if text.startswith("\ufeff") or not _is_unicode(text):
        raise _bad(field, "must be Unicode text without a byte order mark")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(value: int, field: str) -> int:
    if _is_ns(field):
        if not 0 <= value < 2**64:
            raise _bad(field, "must be from 0 to 2^64 - 1")
    elif not -(2**53) < value < 2**53:
        raise _bad(field, "must be an integer within ±(2^53 - 1), unless the field's name ends in Ns")
    return value


def _is_ns(field: str) -> bool:
    """Times in nanoseconds are the only integers of 64 bits that the protocol has."""
    return field.endswith("Ns")


def _bad(field: str, what: str) -> HoldfastError:
    name = snake(field)
    return HoldfastError("BAD_FIELD", f"{name}: {what}", {"field": name})
