"""Programs that run for months outlive their supervisor."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

from .errors import HoldfastError

T = TypeVar("T")

#: How long a program waits for its supervisor to be back, in s. gpiozero gives its own threads 10 s to end.
_PATIENCE_S = 5.0

#: How often it asks meanwhile, in s.
_PAUSE_S = 0.05

#: The connection is lost, or there is one again and the pin is not open yet.
_PASSING = frozenset({"DISCONNECTED", "PIN_NOT_OPEN"})


def through_restarts(ask: Callable[[], T]) -> T:
    """Asks again for a while when the supervisor has gone: only for what may be done twice.

    :raises HoldfastError: what the supervisor answers; ``DISCONNECTED`` when it does not come back
    """
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ask()
        except HoldfastError as error:
            if error.code not in _PASSING or time.monotonic() > deadline_s:
                raise
        # Waiting to be told of the connection would be in vain in the thread of the callbacks, which is the one that is told.
        time.sleep(_PAUSE_S)
