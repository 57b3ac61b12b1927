"""Slots that a program writes frames to."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping, Optional, Protocol, Type

from .connection import Connection
from .errors import HoldfastError
from .image import array_of, freeze, planes_of, thaw
from .mapping import PoolMapping
from .pool_info import Grant

if TYPE_CHECKING:
    from .image import Array

#: Errors that say that the producer has the slot no more, and nothing to give up.
SLOT_IS_GONE = frozenset({"POOL_UNKNOWN", "POOL_GONE", "LEASE_UNKNOWN", "LEASE_FOREIGN", "LEASE_KIND"})


class HeldGrant:
    """A slot to write to, and the connection on which it was granted, with which it ends."""

    def __init__(self, grant: Grant, connection: Connection) -> None:
        self.slot = grant.slot
        self.lease = grant.lease
        self.epoch = grant.epoch
        self.connection = connection


class Producer(Protocol):
    """What a frame asks of its pool."""

    def publish(self, grant: HeldGrant, fields: Mapping[str, Any], asks_for_next: bool) -> int:
        """Answers the frame's number."""

    def give_up(self, grant: HeldGrant) -> None:
        """Never raises."""

    def ended(self, frame: WritableFrame) -> None:
        """The program has no use of the frame any more."""


class WritableFrame:
    """A slot that this program writes a frame to. Leaving its scope unpublished gives it up.

    What is stored into ``data`` or ``array`` after ``publish`` would be seen by those who read the frame. So ``data`` is released then, and
    ``array`` made read-only; views that the program has made of them can't be taken from it, and are not to be stored into.
    """

    def __init__(self, producer: Producer, grant: HeldGrant, mapping: PoolMapping) -> None:
        """For the pool."""
        self._producer = producer
        self._grant = grant
        self._layout = mapping.layout
        self._payload: Optional[memoryview] = mapping.payload(grant.slot, mapping.layout.bytes)
        self._data: Optional[memoryview] = None
        self._arrays: Optional[list[Array]] = None
        self._array: Optional[Array] = None

    @property
    def slot(self) -> int:
        """Its number in the pool."""
        return self._grant.slot

    @property
    def data(self) -> memoryview:
        """What the slot holds, to be written; as it was left by whoever had it before.

        :raises HoldfastError: ``FRAME_RELEASED``
        """
        payload = self._writable
        if self._data is None:
            self._data = payload[:]
        return self._data

    @property
    def array(self) -> Array:
        """The same as an array of numpy, to be written: (height, width, values) of an image, as OpenCV has it.

        :raises HoldfastError: ``FRAME_RELEASED``
        :raises ValueError: no single array has all planes: use ``planes``
        """
        payload = self._writable
        if self._array is None:
            self._array = array_of(payload, self._layout)
        return self._array

    @property
    def planes(self) -> list[Array]:
        """The planes of an image as arrays, to be written.

        :raises HoldfastError: ``FRAME_RELEASED``
        :raises ValueError: the format has no planes
        """
        payload = self._writable
        if self._arrays is None:
            self._arrays = planes_of(payload, self._layout)
        return self._arrays

    def publish(
        self,
        *,
        bytes: Optional[int] = None,
        timestamp_ns: Optional[int] = None,
        meta: Optional[Mapping[str, Any]] = None,
        last: bool = False,
    ) -> int:
        """Hands the frame to the consumers, and answers its number in the pool, from 1.

        Should the supervisor refuse what is said of the frame (``BAD_FIELD``, ``LIMIT_META``), the slot is still there to be published
        otherwise.

        :param bytes: of the slot that are used; default: all of them, which is the whole image
        :param timestamp_ns: when it was captured, CLOCK_MONOTONIC (``time.monotonic_ns()``); default: now
        :param meta: anything small, for the consumers
        :param last: no slot is asked for with it for the next ``produce``: it is long until then, or never
        :raises HoldfastError: ``FRAME_TOO_LONG``, ``FRAME_RELEASED``, ``POOL_GONE``, ``BAD_FIELD``, ``LIMIT_META``; ``DISCONNECTED``: the
            slot is lost
        """
        payload = self._writable
        length = self._layout.bytes if bytes is None else bytes
        if length > self._layout.bytes:
            message = f"the frame has {length} bytes, and a slot of the pool holds {self._layout.bytes}"
            details = {"field": "bytes", "bytes": length, "capacity": self._layout.bytes}
            raise HoldfastError("FRAME_TOO_LONG", message, details)
        if not self._grant.connection.is_alive:
            self._give_up()
            raise HoldfastError("DISCONNECTED", "the connection has been lost, and the slot with it")
        self._close_views()
        self._payload = None
        try:
            fields = {"bytes": length, "timestamp_ns": timestamp_ns, "meta": meta}
            number = self._producer.publish(self._grant, fields, not last)
        except HoldfastError as error:
            self._payload = payload
            if error.code in SLOT_IS_GONE or error.code == "DISCONNECTED":
                self._give_up()
            else:
                self._open_views()
            raise
        except BaseException:
            # Whether it was published is not known, and nothing may be stored any more. If it was not, it never will be.
            self._grant.connection.send("slot.abort", {"lease": self._grant.lease})
            self._producer.ended(self)
            raise
        self._producer.ended(self)
        return number

    def abort(self) -> None:
        """Gives the slot up: no frame is made of it.

        :raises HoldfastError: ``FRAME_RELEASED``
        """
        self._writable
        self._give_up()

    def __enter__(self) -> WritableFrame:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if self._payload is not None:
            self._give_up()

    def _give_up(self) -> None:
        """Never raises."""
        self._close_views()
        self._payload = None
        self._producer.give_up(self._grant)
        self._producer.ended(self)

    def _close_views(self) -> None:
        if self._data is not None:
            release(self._data)
            self._data = None
        for array in (self._array, *(self._arrays or ())):
            freeze(array)

    def _open_views(self) -> None:
        for array in (self._array, *(self._arrays or ())):
            thaw(array)

    @property
    def _writable(self) -> memoryview:
        if self._payload is None:
            raise released(f"slot {self._grant.slot}", "has been published or given up")
        return self._payload


def release(view: memoryview) -> None:
    """Takes a view from who has kept it, unless it has been handed on: then the memory stays, and only its content is another's."""
    try:
        view.release()
    except BufferError:
        pass


def released(what: str, how: str) -> HoldfastError:
    """What is raised at who touches memory that it has given back."""
    return HoldfastError("FRAME_RELEASED", f"{what} {how}, and its memory may not be touched any more")
