"""remoteio's own interface, for programs that were written for it: pins of another board, by its text protocol on TCP port 8509.

    from holdfast.remoteio import RemoteServer

    with RemoteServer("192.168.1.38") as server:
        lamp = server.pin(11)              # by its number on the header; server.pin(17, 'g') is the same one
        lamp.on(time_ms=2000)
        lamp.blink(time_ms=5000, arg1=0.1, arg2=0.4)

It needs nothing but Python, and serves with remoteio's own server of October 2024 as well. docs/remoteio.md says what is different.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import warnings
from types import TracebackType
from typing import Dict, Optional, Tuple, Type, Union

__all__ = ["PORT", "RemotePin", "RemoteServer"]

#: Where remoteio's programs look for their server.
PORT = 8509

#: The number on the header of each GPIO, from GPIO 0 on.
_BOARD_OF_GPIO = (27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13)

_CREATED = "!"
_ACCEPTED = "! command on execution-queue"

#: remoteio's own server loses a task that comes later than this before the end of the connection, in seconds. holdfast loses none.
_SETTLING_S = 1.0

#: A number, or what prints as one.
Number = Union[int, float]


class RemoteServer:
    """A board whose pins this program commands. Leaving its scope closes it."""

    def __init__(
        self,
        server_ip: str,
        server_port: int = PORT,
        *,
        connect_timeout: Optional[float] = 10.0,
        reply_timeout: Optional[float] = None,
    ) -> None:
        """Connects.

        :param connect_timeout: how long that may take, in seconds
        :param reply_timeout: how long a reply may take, in seconds; None: as long as it does. A pin with 1024 tasks makes who has one more wait
        :raises OSError: when nobody answers there
        """
        self.server_ip = server_ip
        self.server_port = server_port
        self._pins: Dict[int, RemotePin] = {}
        # One request at a time has its reply: nothing in a reply says whose it is.
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = socket.create_connection((server_ip, server_port), connect_timeout)
        self._socket.settimeout(reply_timeout)
        _notice_silence(self._socket)
        #: The replies that may come to a request whose sender was interrupted before its own came.
        self._unread: Optional[Tuple[str, str]] = None
        self._last_task_s = 0.0

    def pin(self, pin_number: int, numbering: str = "b") -> RemotePin:
        """A pin, for this program alone.

        :param numbering: ``'b'``: by its number on the board's header; ``'g'``: by that of its GPIO
        :raises ValueError: it is not on the header, or this program has it already, under either number
        :raises RuntimeError: the server can't let this program have it, for somebody else does; the text says who
        """
        board = _board_number(pin_number, numbering)
        if board in self._pins:
            raise ValueError(f"pin {pin_number} ({numbering}) has been created already, as {board} (b)")
        pin = RemotePin(self, board)
        self._pins[board] = pin
        return pin

    def close(self) -> None:
        """Ends the connection. Each pin does what it was told before, goes off, and is for others then."""
        # A thread that waits for room is not waited for: it learns that the connection has ended.
        is_free = self._lock.acquire(timeout=_SETTLING_S)
        try:
            if is_free:
                self._let_settle()
        except (OSError, RuntimeError):
            pass  # It ends either way.
        finally:
            self._drop()
            if is_free:
                self._lock.release()

    def __enter__(self) -> RemoteServer:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _perform(self, board: int, command: str, time_ms: Number = 0, arg1: Number = 0.0, arg2: Number = 0.0) -> bool:
        """Sends one request. False: the server has ignored it, for the pin is closed.

        :raises RuntimeError: the server refuses it, and the text says why; or has ended the connection
        :raises TimeoutError: no reply has come in time
        """
        words = f"b {board} {command} {_decimal(time_ms)} {_decimal(arg1)} {_decimal(arg2)} "
        accepted, ignored = _CREATED if command == "create" else _ACCEPTED, f"? command ignored: {command}"
        with self._lock:
            reply = self._ask(words, (accepted, ignored))
            self._last_task_s = time.monotonic()
        if reply == ignored:
            return False
        if reply != accepted:
            raise RuntimeError(reply)
        return True

    def _ask(self, words: str, replies: Tuple[str, str]) -> str:
        if self._socket is None:
            raise RuntimeError(f"the connection to {self.server_ip} has ended")
        try:
            if self._unread is not None:
                self._receive(self._socket, self._unread)
            self._unread = replies
            self._socket.sendall(words.encode())
            reply = self._receive(self._socket, replies)
            self._unread = None
            return reply
        except socket.timeout as error:
            # A reply that comes later would be taken for that to the next request.
            self._drop()
            raise TimeoutError(f"{self.server_ip} has not replied in time; the connection is ended") from error
        except OSError as error:
            self._drop()
            raise RuntimeError(f"Server has terminated connection: {error}") from error

    def _receive(self, connection: socket.socket, replies: Tuple[str, str]) -> str:
        """One reply. Nothing marks its end, so one that may be the beginning of another waits for the rest."""
        text = ""
        while text == "" or any(text != reply and reply.startswith(text) for reply in replies):
            received = connection.recv(1024)
            if received == b"":
                self._drop()
                raise RuntimeError("Server has terminated connection")
            text += received.decode("utf-8", "replace")
        return text

    def _let_settle(self) -> None:
        """remoteio's own server is given the time that it needs. It is known by what it says of a command that there is not."""
        left_s = self._last_task_s + _SETTLING_S - time.monotonic()
        if left_s <= 0 or self._socket is None or self._unread is not None:
            return
        ignored = "? command ignored: settle"
        if self._ask("b 1 settle 0 0 0 ", (ignored, ignored)) == ignored:
            time.sleep(left_s)

    def _drop(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class RemotePin:
    """A pin of another board. Leaving its scope closes it.

    A task with a ``time_ms`` lasts for so long, then the next one begins, or else the pin goes off; one without lasts until the next. Where the server
    has ``mode = "nowait"`` each task begins at once, in the place of those before it.

    Each method says whether the server has accepted the task. What it refuses (a value that can't be) is a :class:`RuntimeError` with its reason.
    After :meth:`close` tasks are ignored: a :class:`RuntimeWarning` says so, and the method returns False.
    """

    def __init__(self, server: RemoteServer, board: int) -> None:
        """For the server, which lets its program have the pin."""
        #: The number on the header, and what that is called.
        self.pin_number = board
        self.numbering = "b"
        self._server = server
        self._is_closed = False
        server._perform(board, "create")

    def __repr__(self) -> str:
        return f"<RemotePin {self.pin_number} of {self._server.server_ip}{', closed' if self._is_closed else ''}>"

    def on(self, time_ms: Number = 0, arg1: Number = 0.0, arg2: Number = 0.0) -> bool:
        """Fully on."""
        return self._do("on", time_ms, arg1, arg2)

    def off(self, time_ms: Number = 0) -> bool:
        """Off: with a time, before the next task begins."""
        return self._do("off", time_ms)

    def blink(self, time_ms: Number = 0, arg1: Number = 1.0, arg2: Number = 1.0) -> bool:
        """On for ``arg1`` seconds and off for ``arg2`` seconds, in turn."""
        return self._do("blink", time_ms, arg1, arg2)

    def pulse(self, time_ms: Number = 0, arg1: Number = 0.0, arg2: Number = 0.0) -> bool:
        """Fades up for a second and down for a second, in turn."""
        return self._do("pulse", time_ms, arg1, arg2)

    def value(self, time_ms: Number = 0, arg1: Number = 1.0) -> bool:
        """PWM of 100 Hz that is on for a share ``arg1`` of the time, 0 to 1."""
        return self._do("value", time_ms, arg1)

    def close(self) -> bool:
        """The pin takes no more tasks, does what it was told before, goes off, and is for others then. A new connection may create it again."""
        self._is_closed = True
        return self._do("close")

    def __enter__(self) -> RemotePin:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if not self._is_closed:
            self.close()

    def _do(self, command: str, time_ms: Number = 0, arg1: Number = 0.0, arg2: Number = 0.0) -> bool:
        accepted = self._server._perform(self.pin_number, command, time_ms, arg1, arg2)
        if not accepted:
            warnings.warn(f"pin {self.pin_number} is closed: {command} was ignored", RuntimeWarning, stacklevel=3)
        return accepted


def _board_number(number: int, numbering: str) -> int:
    if numbering == "g" and number in range(len(_BOARD_OF_GPIO)):
        return _BOARD_OF_GPIO[number]
    if numbering == "b" and number in _BOARD_OF_GPIO:
        return number
    if numbering not in ("b", "g"):
        raise ValueError(f"numbering is 'b' (board) or 'g' (GPIO), not {numbering!r}")
    raise ValueError(f"the header has no GPIO at {number!r} ({numbering})")


def _decimal(number: Number) -> str:
    """A number as one word. A text with a space in it would be two, and all words after it would be read as others."""
    text = f"{number}".strip()
    float(text)
    return text


def _notice_silence(connection: socket.socket) -> None:
    """A board that has lost its power is noticed, within half a minute, also by who waits for a reply."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
