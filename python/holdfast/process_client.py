"""One client for a whole process."""

from __future__ import annotations

import os
import threading
from typing import Callable, Optional

from .client import Client


class ProcessClient:
    """Connected when it is first asked for; and again in a process that was forked, which can't use the connection of the other."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._client: Optional[Client] = None
        self._pid = 0

    def get(self) -> Client:
        """The client of this process.

        :raises HoldfastError: as ``connect``
        """
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client = self._connect()
                self._pid = os.getpid()
            return self._client

    def close(self) -> None:
        """Ends the connection. Who asks again gets a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()
