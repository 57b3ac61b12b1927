"""The thread on which a program's callbacks run, so that a slow one does not keep the connection waiting."""

from __future__ import annotations

import itertools
import logging
import os
import queue
import sys
import threading
from typing import Callable, Optional

logger = logging.getLogger("holdfast")


class Background:
    """One thread for all callbacks of a client: begun with the first one, and ended with the client."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Optional[Callable[[], None]]] = queue.SimpleQueue()
        self._pid = os.getpid()
        self._posts = itertools.count()

    def post(self, callback: Callable[[], None]) -> None:
        """Calls it soon, after those that wait already. What it throws is logged. Never waits: the collector may call this, too.

        When the program ends, and in a child that it forks, nothing is called any more: no thread begins then, and who waited for one would
        wait for ever.
        """
        if sys.is_finalizing() or os.getpid() != self._pid:
            return
        self._waiting.put(callback)
        # Without a lock: the collector may come while this thread holds it, and call this again.
        if next(self._posts) == 0:
            threading.Thread(target=self._run, name="holdfast-callbacks", daemon=True).start()

    def end(self) -> None:
        """Ends the thread when it has called what waits."""
        self._waiting.put(None)

    def _run(self) -> None:
        while True:
            callback = self._waiting.get()
            if callback is None:
                return
            try:
                callback()
            except BaseException:  # Whoever says sys.exit() here can't mean this thread.
                logger.exception("a callback has failed")
