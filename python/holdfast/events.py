"""Edges, and changes of state, as they come: as a stream to iterate over, or by a callback."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Callable, Generic, Iterator, Mapping, Optional, Protocol, Type, TypeVar

from .actors import Transition
from .background import Background, logger
from .backlog import Backlog
from .connection import Connection
from .deadline import Deadline
from .errors import HoldfastError
from .names import from_wire
from .parsed import parsed
from .replies import Edge, Level, Silence, StateChange
from .topics import NO_VALUE, Message

E = TypeVar("E")

_classes: Mapping[str, Type[Any]] = {"edge": Edge, "silence": Silence, "state": StateChange, "message": Message, "transition": Transition}


class Subscribing(Protocol):
    """What begins and ends subscriptions, and has a thread for callbacks: the session."""

    background: Background

    def subscribe(self, subscriber: Any, /) -> None: ...
    def leave(self, subscriber: Any, /) -> None: ...


class EventInbox:
    """What has come of one subscription. Not the stream itself, so that one which nobody refers to any more can be ended."""

    def __init__(self, session: Subscribing, op: str, fields: Mapping[str, Any]) -> None:
        self.op = op
        self.fields = fields
        self.reply: Mapping[str, Any] = {}
        self.changed = threading.Condition()
        self.backlog = Backlog()
        self.is_over = False
        self.failure: Optional[HoldfastError] = None
        self._session = session

    def begun(self, reply: Mapping[str, Any]) -> None:
        """For the session."""
        self.reply = reply

    def push(self, event: Mapping[str, Any], _connection: Connection) -> None:
        """For the session."""
        cls = _classes.get(event["ev"])
        if cls is None:
            return
        with self.changed:
            if self.is_over:
                return
            self.backlog.push(parsed(cls, {"value": NO_VALUE, **from_wire(event)}))
            self.changed.notify_all()
        self.came()

    def finish(self, failure: Optional[HoldfastError]) -> None:
        """For the session."""
        with self.changed:
            if self.is_over:
                return
            self.is_over = True
            self.failure = failure
            self.changed.notify_all()
        self.came()

    def came(self) -> None:
        """There is something in the backlog, or nothing will come any more."""

    def take(self, timeout_ms: Optional[float]) -> Any:
        """The next event; None: the subscription is over, as it should be."""
        deadline = Deadline(timeout_ms)
        with self.changed:
            while len(self.backlog) == 0:
                if self.failure is not None:
                    raise self.failure
                if self.is_over:
                    return None
                if deadline.has_passed:
                    raise TimeoutError(f"no event has come within {timeout_ms:g} ms")
                self.changed.wait(deadline.remaining_s())
            return self.backlog.pop()

    def leave(self) -> None:
        """The program wants no more. What has come and was not taken is dropped."""
        with self.changed:
            was_over, self.is_over = self.is_over, True
            self.backlog.clear()
            self.failure = None
            self.changed.notify_all()
        if not was_over:
            self._session.leave(self)

    def leave_soon(self) -> None:
        """The same. Never waits."""
        self._session.background.post(self.leave)


class Subscription:
    """A subscription to what happens at a pin or to an actor, or is said on topics. Leaving its scope ends it."""

    def __init__(self, inbox: EventInbox) -> None:
        self._inbox = inbox

    @property
    def level(self) -> Optional[Level]:
        """The level when it began; None: the lines of a group differ, or it is an observation."""
        return self._inbox.reply.get("level")

    @property
    def levels(self) -> Optional[list[Level]]:
        """Of a group: the levels of its lines when it began."""
        return self._inbox.reply.get("levels")

    @property
    def state(self) -> Optional[str]:
        """Of an observation: the state when it began."""
        return self._inbox.reply.get("state")

    def close(self) -> None:
        """Ends the subscription. What has come and was not taken is dropped."""
        self._inbox.leave()

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()


S = TypeVar("S", bound=Subscription)


class EventStream(Subscription, Generic[E]):
    """Events in order, to iterate over. One that reads too slowly loses the oldest, and is told how many in ``lost``.

    Losing the stream ends the subscription too, as one does who breaks out of a loop over it.
    """

    def __init__(self, session: Subscribing, op: str, fields: Mapping[str, Any]) -> None:
        """For the client."""
        super().__init__(EventInbox(session, op, fields))
        session.subscribe(self._inbox)

    def get(self, timeout_ms: Optional[float] = None) -> Optional[E]:
        """The next event; None: the subscription is over, as it should be.

        :raises TimeoutError: none has come within ``timeout_ms``
        :raises HoldfastError: why it has ended, unless that was as it should be: ``DISCONNECTED``, ``LINE_LOST``, ``HOLD_LOST``
        """
        event: Optional[E] = self._inbox.take(timeout_ms)
        return event

    def __next__(self) -> E:
        event = self.get()
        if event is None:
            raise StopIteration
        return event

    def __iter__(self) -> Iterator[E]:
        return self

    def __del__(self) -> None:
        # The collector may come at any moment, also while this thread holds a lock: what may have to wait is done elsewhere.
        inbox = getattr(self, "_inbox", None)
        if inbox is not None and not inbox.is_over:
            inbox.leave_soon()


class Watch(Subscription):
    """Events for a callback, which is called in order, on the background thread of the client."""

    def __init__(
        self,
        session: Subscribing,
        op: str,
        fields: Mapping[str, Any],
        callback: Callable[[Any], None],
        on_end: Optional[Callable[[Optional[HoldfastError]], None]],
    ) -> None:
        """For the client."""
        self._calls = _Calls(session, op, fields, callback, on_end)
        super().__init__(self._calls)
        session.subscribe(self._calls)

    def stop(self) -> None:
        """No more events: none is begun with when this has returned."""
        self.close()

    def close(self) -> None:
        """The same."""
        self._calls.on_end = None
        super().close()


class _Calls(EventInbox):
    """Calls a program with what comes."""

    def __init__(
        self,
        session: Subscribing,
        op: str,
        fields: Mapping[str, Any],
        callback: Callable[[Any], None],
        on_end: Optional[Callable[[Optional[HoldfastError]], None]],
    ) -> None:
        super().__init__(session, op, fields)
        self.on_end = on_end
        self._callback = callback
        self._background = session.background
        #: How often the background thread is still to call.
        self._posted = 0

    def came(self) -> None:
        with self.changed:
            # One call for each event that waits, and one for the end.
            if self._posted >= len(self.backlog) + self.is_over:
                return
            self._posted += 1
        self._background.post(self._call)

    def _call(self) -> None:
        """Calls the program with one event, so that those of several watches come in the order in which they happened."""
        with self.changed:
            self._posted -= 1
            event = self.backlog.pop()
            has_ended = event is None and self.is_over
        if event is not None:
            self._callback(event)
        elif has_ended and self.on_end is not None:
            self.on_end(self.failure)
        elif has_ended and self.failure is not None:
            logger.warning("%s of %s has ended: %s", self.op, self.fields.get("pin", self.fields.get("topic")), self.failure)
