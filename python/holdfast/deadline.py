"""Until when something is waited for."""

from __future__ import annotations

import math
import threading
import time
from numbers import Real
from typing import Optional

from .errors import HoldfastError


class Deadline:
    """So long from now; without a time of its own, never."""

    def __init__(self, timeout_ms: Optional[float]) -> None:
        """
        :raises HoldfastError: ``BAD_FIELD``
        """
        if not _is_time(timeout_ms):
            raise HoldfastError("BAD_FIELD", "timeout_ms: must be a number of milliseconds, or None", {"field": "timeout_ms"})
        self._ends_s = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000

    @property
    def has_passed(self) -> bool:
        """It is over."""
        return self._ends_s is not None and time.monotonic() >= self._ends_s

    def remaining_s(self) -> Optional[float]:
        """How long a lock may be waited for until then, as Python's locks want it; None: for ever."""
        if self._ends_s is None:
            return None
        return max(0.0, min(self._ends_s - time.monotonic(), threading.TIMEOUT_MAX))


def _is_time(timeout_ms: object) -> bool:
    return timeout_ms is None or (isinstance(timeout_ms, Real) and not math.isnan(timeout_ms))
