"""Requests that await their reply."""

from __future__ import annotations

import threading
from typing import Any, Callable, Mapping, Optional

from .deadline import Deadline
from .errors import HoldfastError
from .names import from_wire

#: What is called with a reply, in the thread that reads: it must not wait for anything.
ReplyTaker = Callable[[Any], None]


class PendingReply:
    """A request without a reply yet."""

    def __init__(self, lock: threading.Lock, op: str, arrived: Optional[ReplyTaker], unwanted: Optional[ReplyTaker]) -> None:
        #: The connection's.
        self._lock = lock
        self._op = op
        self._arrived = arrived
        self._unwanted = unwanted
        self._settled = threading.Lock()
        self._settled.acquire()
        self._reply: Any = None
        self._error: Optional[HoldfastError] = None
        self._is_settling = False
        self._is_settled = False
        self._is_left = False

    def wait(self, timeout_ms: Optional[float] = None) -> Any:
        """The reply.

        :raises HoldfastError: what the supervisor has answered; ``DISCONNECTED``
        :raises TimeoutError: no reply within ``timeout_ms``: what the request does is not known
        """
        try:
            remaining_s = Deadline(timeout_ms).remaining_s()
            in_time = self._settled.acquire(timeout=-1 if remaining_s is None else remaining_s)
        except BaseException:
            self.abandon()
            raise
        if not in_time:
            if self._leave():
                raise TimeoutError(f"the supervisor has not answered the request {self._op} within {timeout_ms:g} ms")
            # The reply has come in the very moment in which the time was up.
            self._settled.acquire()
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                # Its traceback has this frame. One that had it would keep all that the program has in its own until the collector comes.
                del error
        return self._reply

    def abandon(self) -> None:
        """The program was interrupted: nobody takes the reply, also if it has come by now."""
        if self._leave():
            return
        if not self._is_settled:
            self._settled.acquire()
        if self._error is None and self._unwanted is not None and self._unwanted is not self._arrived:
            self._unwanted(self._reply)

    def settle(self, reply: Mapping[str, Any]) -> None:
        """The reply has come. For the connection, which calls this or ``fail``, once."""
        is_wanted = self._begin_to_settle()
        try:
            if reply["ok"]:
                self._reply = {name: value for name, value in from_wire(dict(reply)).items() if name not in ("id", "ok")}
                taker = self._arrived if is_wanted else self._unwanted
                if taker is not None:
                    taker(self._reply)
            else:
                self._error = HoldfastError.from_wire(reply["error"])
        except Exception as error:
            self._error = HoldfastError("DISCONNECTED", f"the reply can't be understood: {error!r}")
            raise
        finally:
            self._end()

    def fail(self, error: HoldfastError) -> None:
        """No reply comes any more."""
        self._begin_to_settle()
        # Each waiter gets an error of its own: a traceback belongs to one thread.
        self._error = HoldfastError(error.code, error.message, error.details)
        self._end()

    def _end(self) -> None:
        self._is_settled = True
        self._settled.release()

    def _begin_to_settle(self) -> bool:
        """False: nobody waits any more."""
        with self._lock:
            self._is_settling = True
            return not self._is_left

    def _leave(self) -> bool:
        """Nobody waits any more. False: it is just being settled."""
        with self._lock:
            self._is_left = not self._is_settling
            return self._is_left
