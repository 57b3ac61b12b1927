"""One connection to a supervisor: requests and replies, and the thread that reads them."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from typing import Any, Callable, Mapping, Optional, Protocol

from .deadline import Deadline
from .errors import HoldfastError
from .names import from_wire, to_wire
from .wire import FrameReader, encode

#: How long a connection that was ended in order may take to be over, in s: what was sent before still arrives.
_LAST_READ_S = 1.0

_CHUNK_BYTES = 65536

#: What is called with a reply, in the thread that reads: it must not wait for anything.
ReplyTaker = Callable[[Any], None]


class Stream(Protocol):
    """A socket, or what is like one. One thread reads, others write and end it."""

    def recv(self, most: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class Listener(Protocol):
    """What a connection tells its client, in the thread that reads: nothing here may wait."""

    def event(self, event: Mapping[str, Any], connection: Connection) -> None:
        """An event has come, as it is on the wire."""

    def lost(self, connection: Connection, error: HoldfastError) -> None:
        """The connection is over."""


class PendingReply:
    """A request without a reply yet."""

    def __init__(self, connection: Connection, op: str, arrived: Optional[ReplyTaker], unwanted: Optional[ReplyTaker]) -> None:
        self._connection = connection
        self._op = op
        self._arrived = arrived
        self._unwanted = unwanted
        self._settled = threading.Lock()
        self._settled.acquire()
        self._reply: Any = None
        self._error: Optional[HoldfastError] = None
        self._is_settling = False
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
            self._leave()
            raise
        if not in_time:
            if self._leave():
                raise TimeoutError(f"the supervisor has not answered the request {self._op} within {timeout_ms:g} ms")
            # The reply has come in the very moment in which the time was up.
            self._settled.acquire()
        if self._error is not None:
            raise self._error
        return self._reply

    def settle(self, reply: Mapping[str, Any]) -> None:
        """The reply has come. For the connection, which calls this or ``fail``, once."""
        is_wanted = self._begin_to_settle()
        if reply["ok"]:
            self._reply = {name: value for name, value in from_wire(dict(reply)).items() if name not in ("id", "ok")}
            taker = self._arrived if is_wanted else self._unwanted
            if taker is not None:
                taker(self._reply)
        else:
            self._error = HoldfastError.from_wire(reply["error"])
        self._settled.release()

    def fail(self, error: HoldfastError) -> None:
        """No reply comes any more."""
        self._begin_to_settle()
        # Each waiter gets an error of its own: a traceback belongs to one thread.
        self._error = HoldfastError(error.code, error.message, error.details)
        self._settled.release()

    def _begin_to_settle(self) -> bool:
        """False: nobody waits any more."""
        with self._connection.lock:
            self._is_settling = True
            return not self._is_left

    def _leave(self) -> bool:
        """Nobody waits any more. False: it is just being settled."""
        with self._connection.lock:
            self._is_left = not self._is_settling
            return self._is_left


class Connection:
    """Requests may come from any thread, and need not wait for each other's replies."""

    def __init__(self, stream: Stream, listener: Listener) -> None:
        self.lock = threading.Lock()
        self._stream = stream
        self._listener = listener
        self._pid = os.getpid()
        self._ids = itertools.count(1)
        self._pending: dict[int, PendingReply] = {}
        self._sending = threading.Lock()
        #: How many times something has come.
        self.received = 0
        #: Nothing comes any more.
        self.ended = threading.Event()
        #: Why no request can be sent any more.
        self._over: Optional[HoldfastError] = None
        #: Why it ends, when that is known before it has ended.
        self._reason: Optional[HoldfastError] = None
        self._reader = threading.Thread(target=self._read, name="holdfast-reader", daemon=True)
        _connections.add(self)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether requests can be sent, as far as is known."""
        return self._over is None and self._pid == os.getpid()

    def begin(
        self, op: str, fields: Mapping[str, Any], arrived: Optional[ReplyTaker] = None, unwanted: Optional[ReplyTaker] = None
    ) -> PendingReply:
        """Sends a request. Its fields have Python's names.

        :param arrived: called with the reply in the thread that reads, before anything that follows it is read
        :param unwanted: called in its place when nobody waits for the reply any more
        :raises HoldfastError: ``DISCONNECTED``, ``BAD_FIELD``
        """
        pending = PendingReply(self, op, arrived, unwanted)
        number = next(self._ids)
        frame = encode({"id": number, "op": op, **to_wire(op, fields)})
        self._assert_own()
        with self.lock:
            if self._over is not None:
                raise HoldfastError(self._over.code, self._over.message, self._over.details)
            self._pending[number] = pending
        self._write(frame)
        return pending

    def send(self, op: str, fields: Mapping[str, Any]) -> None:
        """Sends a request whose reply nobody needs. Never waits for it, and never fails: a connection that is over has nobody to tell."""
        if self.is_alive:
            self._write(encode({"id": next(self._ids), "op": op, **to_wire(op, fields)}))

    def close(self) -> None:
        """Ends the connection; what was sent before still arrives."""
        if self._pid != os.getpid():
            return
        self.end(HoldfastError("DISCONNECTED", "this client has closed"))
        if threading.current_thread() is not self._reader:
            self._reader.join(_LAST_READ_S)
            self._shut(2)

    def end(self, reason: HoldfastError) -> None:
        """Says that no more requests come; the supervisor ends the connection then."""
        with self.lock:
            self._reason = self._reason or reason
            self._over = self._over or reason
        self._shut(1)

    def cut(self, reason: HoldfastError) -> None:
        """Ends the connection at once, without waiting for the supervisor."""
        with self.lock:
            self._reason = self._reason or reason
        self._shut(2)

    def leave_to_parent(self) -> None:
        """In a child after a fork: the connection is the parent's, and its end must be seen when the parent ends."""
        self._stream.close()

    def _assert_own(self) -> None:
        if self._pid != os.getpid():
            raise HoldfastError("DISCONNECTED", "this process was forked from the one that has connected: connect again, in this one")

    def _write(self, frame: bytes) -> None:
        try:
            with self._sending:
                self._stream.sendall(frame)
        except (OSError, ValueError):
            # The reader finds the connection ended and tells everybody: also who waits for this reply.
            self._shut(2)

    def _shut(self, how: int) -> None:
        try:
            self._stream.shutdown(how)
        except (OSError, ValueError):
            pass

    def _read(self) -> None:
        reader = FrameReader()
        try:
            while True:
                chunk = self._stream.recv(_CHUNK_BYTES)
                if not chunk:
                    reason = HoldfastError("DISCONNECTED", "the supervisor has closed the connection")
                    break
                self.received += 1
                for message in reader.read(chunk):
                    self._take(message)
        except HoldfastError as error:
            reason = error
        except Exception as error:  # Whatever it is: those who wait must hear of it.
            reason = HoldfastError("DISCONNECTED", f"the connection failed: {error}")
        self._finish(reason)

    def _take(self, message: Mapping[str, Any]) -> None:
        if "ev" in message:
            self._listener.event(message, self)
            return
        number = message.get("id")
        if number is None:
            # The supervisor is about to end the connection, and says why.
            self._reason = HoldfastError.from_wire(message["error"])
            return
        with self.lock:
            pending = self._pending.pop(number, None)
        if pending is not None:
            pending.settle(message)

    def _finish(self, reason: HoldfastError) -> None:
        with self.lock:
            self._over = self._reason or reason
            pending = list(self._pending.values())
            self._pending.clear()
        self._stream.close()
        self.ended.set()
        for request in pending:
            request.fail(self._over)
        self._listener.lost(self, self._over)


_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for connection in _connections:
        connection.leave_to_parent()


os.register_at_fork(after_in_child=_leave_all_to_parent)
