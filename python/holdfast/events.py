"""Edges, and changes of state, as they come: as a stream to iterate over, or by a callback."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Callable, Generic, Iterator, Mapping, Optional, Type, TypeVar

from .background import Background, logger
from .backlog import Backlog
from .connection import Connection
from .errors import HoldfastError
from .names import from_wire
from .parsed import parsed
from .replies import Edge, Level, PinState, Silence, StateChange

E = TypeVar("E")

_classes: Mapping[str, Type[Any]] = {"edge": Edge, "silence": Silence, "state": StateChange}


class Watching:
    """A subscription to what happens at a pin. Leaving its scope ends it."""

    def __init__(self, op: str, fields: Mapping[str, Any], leave: Callable[[Any], None]) -> None:
        """For the client."""
        self.op = op
        self.fields = fields
        self._leave = leave
        self._backlog = Backlog()
        self._changed = threading.Condition()
        self._is_over = False
        self._failure: Optional[HoldfastError] = None
        #: The level when it began, and of a group those of its lines; of an observation None.
        self.level: Optional[Level] = None
        self.levels: Optional[list[Level]] = None
        #: Of an observation: the state when it began.
        self.state: Optional[PinState] = None

    def close(self) -> None:
        """Ends the subscription. What has come and was not taken is dropped."""
        with self._changed:
            was_over, self._is_over = self._is_over, True
            self._backlog.clear()
            self._failure = None
            self._changed.notify_all()
        if not was_over:
            self._leave(self)

    def __enter__(self: W) -> W:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def begun(self, reply: Mapping[str, Any]) -> None:
        """For the client."""
        self.level, self.levels, self.state = reply.get("level"), reply.get("levels"), reply.get("state")

    def push(self, event: Mapping[str, Any], _connection: Connection) -> None:
        """For the client."""
        cls = _classes.get(event["ev"])
        if cls is None:
            return
        with self._changed:
            if self._is_over:
                return
            self._backlog.push(parsed(cls, from_wire(event)))
            self._changed.notify_all()
        self._came()

    def finish(self, failure: Optional[HoldfastError]) -> None:
        """For the client."""
        with self._changed:
            if self._is_over:
                return
            self._is_over = True
            self._failure = failure
            self._changed.notify_all()
        self._came()

    def _came(self) -> None:
        """There is something in the backlog, or nothing will be there any more."""


W = TypeVar("W", bound=Watching)


class EventStream(Watching, Generic[E]):
    """Events in order, to iterate over. One that reads too slowly loses the oldest, and is told how many in ``lost``."""

    def get(self, timeout_ms: Optional[float] = None) -> Optional[E]:
        """The next event; None: the subscription is over, as it should be.

        :raises TimeoutError: none has come within ``timeout_ms``
        :raises HoldfastError: why it has ended, unless that was as it should be: ``DISCONNECTED``, ``LINE_LOST``, ``HOLD_LOST``
        """
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        with self._changed:
            while len(self._backlog) == 0:
                if self._failure is not None:
                    raise self._failure
                if self._is_over:
                    return None
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise TimeoutError(f"no event has come within {timeout_ms:g} ms")
                self._changed.wait(remaining)
            return self._backlog.pop()

    def __next__(self) -> E:
        event = self.get()
        if event is None:
            raise StopIteration
        return event

    def __iter__(self) -> Iterator[E]:
        return self


class Watch(Watching):
    """Events for a callback, which is called in order, on the background thread of the client."""

    def __init__(
        self,
        op: str,
        fields: Mapping[str, Any],
        leave: Callable[[Any], None],
        background: Background,
        callback: Callable[[Any], None],
        on_end: Optional[Callable[[Optional[HoldfastError]], None]],
    ) -> None:
        """For the client."""
        super().__init__(op, fields, leave)
        self._background = background
        self._callback = callback
        self._on_end = on_end
        #: How often the background thread is still to call.
        self._calls = 0

    def stop(self) -> None:
        """No more events: none is begun with when this has returned."""
        self._on_end = None
        self.close()

    def _came(self) -> None:
        with self._changed:
            # One call for each event that waits, and one for the end.
            if self._calls >= len(self._backlog) + self._is_over:
                return
            self._calls += 1
        self._background.post(self._call)

    def _call(self) -> None:
        """Calls the program with one event, so that those of several watches come in the order in which they happened."""
        with self._changed:
            self._calls -= 1
            event = self._backlog.pop()
            has_ended = event is None and self._is_over
            on_end, failure = self._on_end, self._failure
            if has_ended:
                self._on_end = None
        if event is not None:
            self._callback(event)
        elif has_ended and on_end is not None:
            on_end(failure)
        elif has_ended and failure is not None:
            logger.warning("%s of %s has ended: %s", self.op, self.fields.get("pin"), failure)
