"""Bouncing contacts of a line that other programs have too, so that this one can't have the kernel see to them."""

from __future__ import annotations

import threading
import time
from typing import Optional

from ..physical_line import EdgeTaker


class Settling:
    """Tells of a level once it has held for a while, as the kernel would."""

    def __init__(self, hold_s: float, taker: EdgeTaker) -> None:
        """:param taker: told of each level that has held, with when it had: not in the thread of the edges"""
        self._hold_s = hold_s
        self._taker = taker
        self._lock = threading.Lock()
        self._level = 0
        self._told: Optional[int] = None
        self._changed_ns = 0
        self._due_s = 0.0
        self._is_waiting = False

    def edge(self, level: int, timestamp_ns: int) -> None:
        """The line has changed."""
        with self._lock:
            self._level, self._changed_ns = level, timestamp_ns
            self._due_s = time.monotonic() + self._hold_s
            if not self._is_waiting:
                self._is_waiting = True
                self._wait(self._hold_s)

    def _wait(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._look)
        timer.daemon = True
        timer.start()

    def _look(self) -> None:
        with self._lock:
            remaining_s = self._due_s - time.monotonic()
            if remaining_s > 0:
                self._wait(remaining_s)
                return
            self._is_waiting = False
            level, had_held_ns = self._level, self._changed_ns + round(self._hold_s * 1e9)
            is_news, self._told = level != self._told, level
        if is_news:
            self._taker(level, had_held_ns)
