"""Pools of frames."""

from __future__ import annotations

import threading
import weakref
from types import TracebackType
from typing import Any, Mapping, Optional, Type

from .errors import HoldfastError
from .frame_stream import FrameStream
from .mapping import Access, PoolMapping
from .parsed import parsed
from .pool_info import Grant, Policy, PoolLayout
from .session import Session
from .writable_frame import SLOT_IS_GONE, HeldGrant, WritableFrame

#: How many other files than that of its grant a producer may meet before it gives up.
_MOST_FILES = 3


class FramePool:
    """A pool of frames, whose memory is mapped. Leaving its scope closes this object; the pool stays."""

    def __init__(self, session: Session, layout: PoolLayout) -> None:
        """For the client."""
        self._session = session
        self._layout = layout
        self._lock = threading.Lock()
        #: Of the file that ``_layout`` describes.
        self._mappings: dict[Access, PoolMapping] = {}
        self._streams: weakref.WeakSet[FrameStream] = weakref.WeakSet()
        #: Slots that the program writes to.
        self._written: list[WritableFrame] = []
        #: The grant that the last publish brought.
        self._next: Optional[HeldGrant] = None
        #: A publish is under way that will bring one.
        self._is_next_asked = False
        #: Grants of lost connections, of slots that nobody writes to any more: to be given up when there is a connection again.
        self._orphans: list[HeldGrant] = []
        self._is_closed = False
        session.attend(self)

    def __repr__(self) -> str:
        return f"<FramePool {self.name} {self._layout.fourcc} {self._layout.slots} slots{' closed' if self._is_closed else ''}>"

    @property
    def name(self) -> str:
        """The pool's."""
        return self._layout.pool

    @property
    def layout(self) -> PoolLayout:
        """How its file is laid out. Another file, of the same geometry, may take its place: ``epoch`` and ``path`` change then."""
        return self._layout

    def produce(self, *, wait_ms: Optional[float] = None) -> WritableFrame:
        """A slot to write a frame to: the one that came with the last publish, or else a new grant.

        :param wait_ms: how long to wait for a slot; default: no longer than the groups with policy block may demand
        :raises HoldfastError: ``SLOT_NONE``, ``POOL_GONE``, ``POOL_UNKNOWN``, ``DISCONNECTED``; ``PERMISSION_DENIED``, ``MEMORY_FAILED``
        """
        self._give_up_orphans()
        for _ in range(_MOST_FILES):
            grant = self._take_next() or self._acquire(wait_ms)
            frame = self._frame_for(grant)
            if frame is not None:
                return frame
        message = f"pool {self.name} has got another file each time that a slot was granted"
        raise HoldfastError("POOL_GONE", message, {"pool": self.name})

    def frames(
        self,
        *,
        group: Optional[str] = None,
        policy: Optional[Policy] = None,
        depth: Optional[int] = None,
        deadline_ms: Optional[float] = None,
        max_hold_ms: Optional[float] = None,
        start_with_latest: Optional[bool] = None,
    ) -> FrameStream:
        """The frames that are published from now on.

        :param group: consumers of one group share its frames; default: a group of its own
        :param policy: what becomes of frames that come too fast; default: the latest takes the place of the one that waits
        :param depth: how many may wait
        :param deadline_ms: with ``block``, which needs it: how long a producer may be kept waiting
        :param max_hold_ms: a frame that is held for longer is revoked
        :param start_with_latest: begin with the latest frame that there is
        :raises HoldfastError: ``POOL_UNKNOWN``, ``POOL_SLOTS``, ``GROUP_CONFLICT``, ``BAD_FIELD``
        """
        self._assert_open()
        fields: dict[str, Any] = {
            "pool": self.name,
            "group": group,
            "policy": policy,
            "depth": depth,
            "deadline_ms": deadline_ms,
            "max_hold_ms": max_hold_ms,
            "start_with_latest": start_with_latest,
        }
        stream = FrameStream(self._session, fields, self._mapping_to_read)
        self._streams.add(stream)
        return stream

    def remove(self) -> None:
        """Deletes the pool, whoever made it. Frames that are held stay readable.

        :raises HoldfastError: ``POOL_UNKNOWN``
        """
        self._session.request("pool.remove", {"pool": self.name})

    def close(self) -> None:
        """Ends the use of this object, and the loops over its frames; the pool stays. Frames that the program has in its hands stay good."""
        if self._is_closed:
            return
        self._is_closed = True
        for stream in list(self._streams):
            stream.end()
        following = self._take_next()
        if following is not None:
            self.give_up(following)
        self._dismiss_when_done()

    def __enter__(self) -> FramePool:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def map(self) -> FramePool:
        """For the client. Maps the file, so that what is wrong with it is found before the first frame."""
        self._mappings.setdefault("read", PoolMapping(self._layout, "read"))
        return self

    def end(self) -> None:
        """For the session, which is about to close: a slot that nobody writes to any more need not be quarantined."""
        for frame in list(self._written):
            frame.__exit__(None, None, None)
        self.close()

    def restore(self) -> None:
        """For the session, which is connected again."""
        with self._lock:
            following, self._next = self._next, None
            if following is not None:
                self._orphans.append(following)
        self._give_up_orphans()
        self._dismiss_when_done()

    def publish(self, grant: HeldGrant, fields: Mapping[str, Any], asks_for_next: bool) -> int:
        """For a slot's frame."""
        with self._lock:
            # One grant is enough to keep: another would be a slot that nobody uses.
            asks = asks_for_next and not (self._is_next_asked or self._next is not None or self._is_closed)
            self._is_next_asked = self._is_next_asked or asks

        def arrived(reply: Mapping[str, Any]) -> None:
            if not reply.get("next"):
                return
            following = HeldGrant(parsed(Grant, reply["next"]), grant.connection)
            with self._lock:
                is_wanted = not self._is_closed
                if is_wanted:
                    self._next = following
            if not is_wanted:
                grant.connection.send("slot.abort", {"lease": following.lease})

        try:
            request = {**fields, "lease": grant.lease, "acquire": True if asks else None}
            pending = grant.connection.begin("slot.publish", request, arrived, arrived)
            return int(pending.wait(self._session.patience_of({}))["seq"])
        finally:
            if asks:
                self._is_next_asked = False

    def give_up(self, grant: HeldGrant) -> None:
        """For a slot's frame. Never raises.

        A slot that was granted on a connection that has gone is quarantined: this process may free it from its new connection, when the
        supervisor is still the one that granted it.
        """
        try:
            if not grant.connection.is_alive:
                # Another supervisor has other files, and its own leases with the same numbers.
                if self._session.request("pool.open", {"pool": self.name})["epoch"] != grant.epoch:
                    return
            self._session.request("slot.abort", {"lease": grant.lease})
        except (HoldfastError, TimeoutError) as error:
            # What could not be given up for another reason is tried again.
            if not isinstance(error, HoldfastError) or error.code not in SLOT_IS_GONE:
                with self._lock:
                    self._orphans.append(grant)

    def ended(self, frame: WritableFrame) -> None:
        """For a slot's frame: the program has no use of it any more."""
        with self._lock:
            self._written = [each for each in self._written if each is not frame]
        self._dismiss_when_done()

    def _take_next(self) -> Optional[HeldGrant]:
        """The kept grant, when it still is one."""
        with self._lock:
            following, self._next = self._next, None
            if following is not None and not following.connection.is_alive:
                self._orphans.append(following)
                return None
            return following

    def _acquire(self, wait_ms: Optional[float]) -> HeldGrant:
        self._assert_open()
        connection = self._session.connection

        def unwanted(reply: Mapping[str, Any]) -> None:
            connection.send("slot.abort", {"lease": reply["lease"]})

        fields = {"pool": self.name, "wait_ms": wait_ms}
        # Without a time of its own it may take as long as the groups demand.
        patience_ms = None if wait_ms is None else self._session.patience_of(fields)
        reply = connection.begin("slot.acquire", fields, None, unwanted).wait(patience_ms)
        return HeldGrant(parsed(Grant, reply), connection)

    def _frame_for(self, grant: HeldGrant) -> Optional[WritableFrame]:
        """The frame to be written; None: the pool has another file by now, and the grant has been given up."""
        try:
            mapping = self._mapping_of(grant.epoch, "write")
            if not grant.connection.is_alive:
                raise HoldfastError("DISCONNECTED", "the connection has been lost, and the slot with it")
            if mapping is not None:
                frame = WritableFrame(self, grant, mapping)
                with self._lock:
                    self._written.append(frame)
                return frame
        except BaseException:
            self.give_up(grant)
            raise
        self.give_up(grant)
        return None

    def _mapping_to_read(self, epoch: int) -> Optional[PoolMapping]:
        return self._mapping_of(epoch, "read")

    def _mapping_of(self, epoch: int, access: Access) -> Optional[PoolMapping]:
        """The file with this epoch, in memory; None: the pool has another one by now."""
        with self._lock:
            layout, mapping = self._layout, self._mappings.get(access)
        if layout.epoch != epoch:
            layout, mapping = parsed(PoolLayout, self._session.request("pool.open", {"pool": self.name})), None
        if layout.epoch == epoch and mapping is None:
            mapping = PoolMapping(layout, access)
        with self._lock:
            if layout.epoch != self._layout.epoch:
                self._layout = layout
                self._mappings.clear()
            if mapping is not None:
                self._mappings[access] = mapping
        return mapping if layout.epoch == epoch else None

    def _give_up_orphans(self) -> None:
        with self._lock:
            orphans, self._orphans = self._orphans, []
        for grant in orphans:
            self.give_up(grant)

    def _assert_open(self) -> None:
        if self._is_closed:
            raise HoldfastError("DISCONNECTED", f"this program has closed pool {self.name}", {"pool": self.name})

    def _dismiss_when_done(self) -> None:
        """A closed pool still has slots to give up, as long as the program writes to them or there is no connection."""
        if self._is_closed and not self._written and not self._orphans:
            self._session.dismiss(self)
            self._mappings.clear()
