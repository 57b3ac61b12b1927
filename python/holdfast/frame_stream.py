"""The frames of one consumer, in order."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from types import TracebackType
from typing import Any, Callable, Iterator, Mapping, Optional, Type

from .connection import Connection
from .deadline import Deadline
from .errors import HoldfastError
from .frame import Delivery, Frame
from .mapping import PoolMapping
from .session import Session

#: What a frame is not shown for, and the next one may be. Its file has gone: so has the pool, of which the subscription's end tells, or it
#: will get another file. Or the connection has: then the stream ends, or goes on over the next one.
_PASSING = frozenset({"POOL_GONE", "POOL_UNKNOWN", "DISCONNECTED"})


class FrameInbox:
    """What has come for a stream. Not the stream itself, so that one which nobody refers to any more can be ended."""

    op = "frames.subscribe"

    def __init__(self, session: Session, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self._session = session
        self._changed = threading.Condition()
        #: Frames that have come and were not taken.
        self._arrived: list[Delivery] = []
        self._taken: Optional[Delivery] = None
        #: Frames that came and were not shown, since the one before.
        self.unshown = 0
        self._is_over = False
        self._is_left = False
        self._failure: Optional[HoldfastError] = None

    def begun(self, reply: Mapping[str, Any]) -> None:
        """For the session."""

    def push(self, event: Mapping[str, Any], connection: Connection) -> None:
        """For the session."""
        with self._changed:
            if event["ev"] == "revoked":
                for delivery in (self._taken, *self._arrived):
                    if delivery is not None and delivery.event["lease"] == event["lease"]:
                        delivery.is_revoked = True
            elif event["ev"] == "frame" and not self._is_left:
                self._arrived.append(Delivery(event, connection))
                self._changed.notify_all()
            elif event["ev"] == "frame":
                self.release_unseen(Delivery(event, connection))

    def finish(self, failure: Optional[HoldfastError]) -> None:
        """For the session."""
        with self._changed:
            if not self._is_over:
                self._failure = failure
            self._is_over = True
            self._changed.notify_all()

    def take(self, deadline: Deadline) -> Optional[Delivery]:
        """The next one; None: no frames come any more.

        :raises HoldfastError: why no more come, unless that is as it should be
        :raises TimeoutError: none has come in time
        """
        with self._changed:
            while not self._arrived:
                if self._failure is not None:
                    raise self._failure
                if self._is_over:
                    return None
                if deadline.has_passed:
                    raise TimeoutError("no frame has come in time")
                self._changed.wait(deadline.remaining_s())
            self._taken = self._arrived.pop(0)
            return self._taken

    def is_shown(self, delivery: Delivery) -> bool:
        """Whether it is still the program's, and wanted."""
        return not delivery.is_revoked and delivery.connection.is_alive and not self._is_left

    def release_unseen(self, delivery: Delivery) -> None:
        """Nobody will see it. Never waits."""
        self.unshown += 1
        delivery.connection.send("slot.release", {"lease": delivery.event["lease"]})

    def release(self, delivery: Delivery, waits: bool) -> bool:
        """Gives a frame back. False: its lease was over before; or, without waiting, nobody knows."""
        if not waits:
            delivery.connection.send("slot.release", {"lease": delivery.event["lease"]})
            return False
        if not delivery.connection.is_alive:
            return False
        try:
            reply = delivery.connection.begin("slot.release", {"lease": delivery.event["lease"]}).wait(self._session.patience_of({}))
            return bool(reply["valid"])
        except HoldfastError as error:
            if error.code == "DISCONNECTED":
                return False
            raise

    def give_up(self, delivery: Delivery) -> None:
        """Gives a frame back that nobody refers to any more, unless that has been done. Never waits."""
        if not delivery.is_released:
            delivery.is_released = True
            self.release(delivery, waits=False)

    def leave(self) -> None:
        """The program wants no more. A frame that has come and was not taken is released."""
        with self._changed:
            self._is_left = True
            was_over = self._is_over
        if not was_over:
            self._session.leave(self)
        self.finish(None)
        with self._changed:
            self._failure = None
            unseen, self._arrived = self._arrived, []
        for delivery in unseen:
            self.release_unseen(delivery)


class FrameStream:
    """The frames of one consumer, to iterate over. It holds one at a time: the one before is released when the next is asked for.

    Leaving its scope ends the subscription, and so does losing the stream, as one does who breaks out of a loop over it.
    """

    #: Until it is subscribed.
    _is_closed = True

    def __init__(self, session: Session, fields: Mapping[str, Any], mapping_of: Callable[[int], Optional[PoolMapping]]) -> None:
        """For the pool.

        :param mapping_of: the file with an epoch; None: the pool has another one by now
        """
        self._session = session
        self._mapping_of = mapping_of
        self._inbox = FrameInbox(session, fields)
        #: What was taken last. Of the frame itself the program may have lost sight, and then it may lose the stream.
        self._taken: Optional[Delivery] = None
        self._frame: Callable[[], Optional[Frame]] = lambda: None
        session.subscribe(self._inbox)
        self._is_closed = False

    def get(self, timeout_ms: Optional[float] = None) -> Optional[Frame]:
        """The next frame; None: no more come, as it should be. One reader at a time.

        :raises TimeoutError: none has come within ``timeout_ms``
        :raises HoldfastError: ``POOL_GONE`` when the pool has been removed; ``DISCONNECTED``, ``PERMISSION_DENIED``, ``MEMORY_FAILED``
        """
        deadline = Deadline(timeout_ms)
        self._let_go()
        while True:
            delivery = self._inbox.take(deadline)
            if delivery is None:
                return None
            frame = self._shown(delivery)
            if frame is not None:
                self._taken, self._frame = delivery, weakref.ref(frame)
                return frame

    def close(self) -> None:
        """Ends the subscription, and releases the frame that was taken last."""
        self._let_go()
        self.end()

    def end(self) -> None:
        """Ends the subscription. The frame that was taken last stays the program's."""
        if not self._is_closed:
            self._is_closed = True
            self._inbox.leave()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame = self.get()
        if frame is None:
            raise StopIteration
        return frame

    def __enter__(self) -> FrameStream:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        # The collector may come at any moment, also while this thread holds a lock: what may have to wait is done elsewhere.
        if not self._is_closed:
            self._session.background.post(partial(_abandon, self._inbox, self._taken))

    def _let_go(self) -> None:
        frame = self._frame()
        if frame is not None:
            frame.let_go()
        elif self._taken is not None:
            self._inbox.give_up(self._taken)
        self._taken = None

    def _shown(self, delivery: Delivery) -> Optional[Frame]:
        """The frame for the program; None: it is not to be had any more, and was released."""
        inbox = self._inbox
        inbox.unshown += delivery.event["lost"]
        try:
            mapping = self._mapping_of(delivery.event["epoch"]) if inbox.is_shown(delivery) else None
            if mapping is not None and inbox.is_shown(delivery):
                frame = Frame(delivery, mapping, inbox.unshown, inbox.release, self)
                inbox.unshown = 0
                return frame
        except HoldfastError as error:
            inbox.release_unseen(delivery)
            if error.code in _PASSING:
                return None
            self.close()
            raise
        inbox.release_unseen(delivery)
        return None


def _abandon(inbox: FrameInbox, taken: Optional[Delivery]) -> None:
    """The program has lost the stream."""
    if taken is not None:
        inbox.give_up(taken)
    inbox.leave()
