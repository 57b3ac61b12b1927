"""Events that wait for a slow program."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Any, Deque, Optional

#: Beyond so many the oldest are lost, and counted in the next one's ``lost``.
BACKLOG_EVENTS = 1024


class Backlog:
    """A bounded queue that drops the oldest. Not for several threads at once."""

    def __init__(self) -> None:
        self._events: Deque[Any] = deque()
        self._lost = 0

    def __len__(self) -> int:
        return len(self._events)

    def push(self, event: Any) -> None:
        """Adds the newest."""
        self._events.append(event)
        if len(self._events) > BACKLOG_EVENTS:
            dropped = self._events.popleft()
            if hasattr(dropped, "lost"):
                self._lost += 1 + dropped.lost

    def pop(self) -> Optional[Any]:
        """Takes the oldest; None: there is none."""
        if not self._events:
            return None
        event = self._events.popleft()
        if self._lost and hasattr(event, "lost"):
            event = dataclasses.replace(event, lost=event.lost + self._lost)
            self._lost = 0
        return event

    def clear(self) -> None:
        """Drops what waits."""
        self._events.clear()
