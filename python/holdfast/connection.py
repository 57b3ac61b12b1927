"""One connection to a supervisor: requests and replies, and the thread that reads them."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import weakref
from typing import Any, Mapping, Optional, Protocol

from .errors import HoldfastError
from .names import to_wire
from .pending_reply import PendingReply, ReplyTaker
from .wire import FrameReader, encode

#: How long a connection that was ended in order may take to be over, in s: what was sent before still arrives.
_LAST_READ_S = 1.0

_CHUNK_BYTES = 65536

#: So much is one buffer of the kernel in a Unix socket (unix_stream_sendmsg).
_WHOLE_BYTES = 32768


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


class Connection:
    """Requests may come from any thread, and need not wait for each other's replies."""

    def __init__(self, stream: Stream, listener: Listener) -> None:
        self._lock = threading.Lock()
        self._stream = stream
        self._listener = listener
        self._pid = os.getpid()
        self._ids = itertools.count(1)
        self._pending: dict[int, PendingReply] = {}
        self._sending = threading.Lock()
        #: The longest request that the supervisor takes, as far as that is known. It ends the connection over a longer one.
        self.message_bytes: Optional[int] = None
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
        try:
            self._reader.start()
        except BaseException:
            # There are too many threads, or the program was interrupted.
            self._shut(2)
            if not self._reader.is_alive():
                stream.close()
            raise

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
        :raises HoldfastError: ``DISCONNECTED``, ``BAD_FIELD``, ``LIMIT_MESSAGE``
        """
        pending = PendingReply(self._lock, op, arrived, unwanted)
        number = next(self._ids)
        frame = encode({**to_wire(op, fields), "id": number, "op": op}, self.message_bytes)
        self._assert_own()
        with self._lock:
            if self._over is not None:
                raise HoldfastError(self._over.code, self._over.message, self._over.details)
            self._pending[number] = pending
        try:
            self._write(frame)
        except BaseException:
            # Interrupted: perhaps it has been sent, and its reply comes.
            pending.abandon()
            raise
        return pending

    def send(self, op: str, fields: Mapping[str, Any]) -> None:
        """Sends a request whose reply nobody needs. Never waits for it, and never fails: a connection that is over has nobody to tell."""
        if self.is_alive:
            self._write(encode({**to_wire(op, fields), "id": next(self._ids), "op": op}))

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
        with self._lock:
            self._reason = self._reason or reason
            self._over = self._over or reason
        self._shut(1)

    def cut(self, reason: HoldfastError) -> None:
        """Ends the connection at once, without waiting for the supervisor."""
        with self._lock:
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
        except BaseException:
            # What is sent next must not be read as the rest of what was sent of this.
            if not self._is_sent_whole(frame):
                self._shut(2)
            raise

    def _is_sent_whole(self, frame: bytes) -> bool:
        """Whether the kernel takes it as one, or not at all, when a signal comes."""
        return getattr(self._stream, "family", None) == socket.AF_UNIX and len(frame) <= _WHOLE_BYTES

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
        with self._lock:
            pending = self._pending.pop(number, None)
        if pending is not None:
            pending.settle(message)

    def _finish(self, reason: HoldfastError) -> None:
        with self._lock:
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
