"""Frames that a program reads."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Type

from .connection import Connection
from .image import array_of, planes_of
from .mapping import PoolMapping
from .writable_frame import release, released

if TYPE_CHECKING:
    from .image import Array


class Delivery:
    """A frame that the supervisor has sent to a stream."""

    def __init__(self, event: Mapping[str, Any], connection: Connection) -> None:
        #: As it is on the wire.
        self.event = event
        #: The connection that it came on, with which its lease ends.
        self.connection = connection
        #: The supervisor has taken it away.
        self.is_revoked = False
        #: The program has given it back.
        self.is_released = False


class Frame:
    """A frame that this program reads. Leaving its scope releases it, without waiting for the answer.

    Its memory is the pool's own, and can't be stored to. After the release ``data`` is released as well, and ``array`` is not to be looked
    at any more: somebody else writes there.
    """

    def __init__(
        self, delivery: Delivery, mapping: PoolMapping, lost: int, give_back: Callable[[Delivery, bool], bool], stream: object
    ) -> None:
        """For the stream.

        :param lost: frames lost since the one before
        :param give_back: releases it; waits for the answer, or does not
        :param stream: what has to live for as long as the frame does
        """
        self._stream = stream
        event = delivery.event
        self.slot: int = event["slot"]
        #: Of the slot's content.
        self.generation: int = event["generation"]
        self.lease: int = event["lease"]
        #: Of the pool's file.
        self.epoch: int = event["epoch"]
        #: Counts the frames of the pool from 1.
        self.seq: int = event["seq"]
        #: The length of ``data``.
        self.bytes: int = event["bytes"]
        #: When it was captured, CLOCK_MONOTONIC, ns.
        self.timestamp_ns: int = event["timestampNs"]
        self.fourcc: str = event["fourcc"]
        #: In pixels; None: RAW.
        self.width: Optional[int] = event["width"]
        self.height: Optional[int] = event["height"]
        #: Bytes from one line of the first plane to the next; None: RAW, or compressed.
        self.stride: Optional[int] = event["stride"]
        #: What the producer has said of it.
        self.meta: Mapping[str, Any] = event.get("meta") or {}
        #: Frames that the group has dropped since the one before.
        self.lost = lost
        self._delivery = delivery
        self._give_back = give_back
        self._mapping: Optional[PoolMapping] = mapping
        self._data = mapping.payload(self.slot, self.bytes)
        self._array: Optional[Array] = None
        self._arrays: Optional[list[Array]] = None

    def __repr__(self) -> str:
        return f"<Frame {self.seq} {self.fourcc} {self.width}x{self.height}{' released' if self.is_released else ''}>"

    @property
    def is_released(self) -> bool:
        """It has been given back."""
        return self._delivery.is_released

    @property
    def is_revoked(self) -> bool:
        """The supervisor has taken the frame away, because it was held for longer than ``max_hold_ms``: its content may change."""
        return self._delivery.is_revoked

    @property
    def data(self) -> memoryview:
        """Its bytes.

        :raises HoldfastError: ``FRAME_RELEASED``
        """
        self._held
        return self._data

    @property
    def array(self) -> Array:
        """The frame as an array of numpy: (height, width, values) of an image, as OpenCV has it; bytes in a row of what is compressed or RAW.

        :raises HoldfastError: ``FRAME_RELEASED``
        :raises ValueError: the frame has fewer bytes than an image; no single array has all planes: use ``planes``
        """
        layout = self._held.layout
        if self._array is None:
            self._array = array_of(self._data[:], layout)
        return self._array

    @property
    def planes(self) -> list[Array]:
        """The planes of an image as arrays.

        :raises HoldfastError: ``FRAME_RELEASED``
        :raises ValueError: the format has no planes
        """
        layout = self._held.layout
        if self._arrays is None:
            self._arrays = planes_of(self._data[:], layout)
        return self._arrays

    def intact(self) -> bool:
        """Whether nothing has been written over what was read so far. On ARM it is a good guess, and what ``release`` says is the answer.

        :raises HoldfastError: ``FRAME_RELEASED``
        """
        return self._held.has_generation(self.slot, self.generation)

    def release(self) -> bool:
        """Gives the slot back.

        False: the lease was over before, revoked or lost with the connection, and what was read may be torn.

        :raises HoldfastError: ``FRAME_RELEASED``
        """
        self._held
        return self._end(waits=True)

    def __enter__(self) -> Frame:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Releases it unless that has been done, without waiting for the answer."""
        if not self.is_released:
            self._end(waits=False)

    def _end(self, waits: bool) -> bool:
        self._mapping = None
        self._delivery.is_released = True
        # Those that were made for arrays keep the memory itself where it is.
        release(self._data)
        return self._give_back(self._delivery, waits)

    @property
    def _held(self) -> PoolMapping:
        if self._mapping is None:
            raise released(f"frame {self.seq}", "has been released")
        return self._mapping
