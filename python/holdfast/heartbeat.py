"""Signs of life on a connection over the network."""

from __future__ import annotations

import threading

from .connection import Connection
from .errors import HoldfastError

#: A connection is asked for a sign of life so often within the time that it may be silent.
_BEATS = 3


class Heartbeat:
    """Keeps a connection alive, and notices when the other side has gone without a word.

    Turns are counted, not time: what has come while this process was busy or stopped is read between two of them. It goes on for as long as
    this process runs, whatever the program does: it is no sign of life for pins that were opened with a heartbeat of their own.
    """

    def __init__(self, connection: Connection, heartbeat_ms: float) -> None:
        """:param heartbeat_ms: for how long either side may be silent"""
        self._connection = connection
        self._heartbeat_ms = heartbeat_ms
        threading.Thread(target=self._run, name="holdfast-heartbeat", daemon=True).start()

    def _run(self) -> None:
        connection, quiet_turns = self._connection, 0
        received = connection.received
        while not connection.ended.wait(self._heartbeat_ms / _BEATS / 1000):
            quiet_turns = quiet_turns + 1 if connection.received == received else 1
            received = connection.received
            if quiet_turns > _BEATS:
                why = f"the supervisor has been silent for more than {self._heartbeat_ms:g} ms"
                connection.cut(HoldfastError("DISCONNECTED", why))
                return
            connection.send("ping", {"link": True})
