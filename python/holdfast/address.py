"""Where a supervisor is, and the way there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Optional, Sequence
from urllib.parse import urlsplit

from .connection import Stream
from .errors import HoldfastError

#: The socket of a supervisor that runs as a system service.
_SYSTEM_SOCKET = "/run/holdfast/holdfast.sock"

#: Where holdfast's own protocol is over TCP.
TCP_PORT = 8510


@dataclass(frozen=True)
class UnixAddress:
    """A Unix socket."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class TcpAddress:
    """A TCP port, with TLS unless it is written out that there is none."""

    host: str
    port: int
    has_tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"




def addresses(named: Optional[str]) -> Sequence[UnixAddress | TcpAddress]:
    """Where to look for a supervisor: where the program says, else the environment, or else the user's own socket and that of the system.

    :param named: a URL, or the path of a socket
    :raises HoldfastError: ``BAD_FIELD``
    """
    if named is not None:
        return [parse_url(named) if _is_url(named) else UnixAddress(os.path.abspath(named))]
    url, path, folder = (os.environ.get(name) for name in ("HOLDFAST_URL", "HOLDFAST_SOCKET", "XDG_RUNTIME_DIR"))
    if url:
        return [parse_url(url)]
    if path:
        return [UnixAddress(os.path.abspath(path))]
    user = [UnixAddress(f"{folder}/holdfast.sock")] if folder else []
    return [*user, UnixAddress(_SYSTEM_SOCKET)]


def parse_url(url: str) -> UnixAddress | TcpAddress:
    """``unix:/path``, ``holdfast://host:port``, or ``holdfast+tcp://host:port``, which has no TLS.

    :raises HoldfastError: ``BAD_FIELD``
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad(url, str(error)) from None
    if parts.scheme == "unix":
        if parts.netloc or parts.query or parts.fragment or not parts.path.startswith("/"):
            raise _bad(url, "has the absolute path of a socket behind unix:")
        return UnixAddress(parts.path)
    if parts.scheme not in ("holdfast", "holdfast+tcp"):
        raise _bad(url, "begins with unix:, holdfast:// or holdfast+tcp://")
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise _bad(url, "has a host, and perhaps a port, and nothing else")
    return TcpAddress(parts.hostname, TCP_PORT if port is None else port, parts.scheme == "holdfast")


def dial(address: UnixAddress | TcpAddress, timeout_ms: Optional[float]) -> Stream:
    """Connects.

    :raises HoldfastError: ``NOT_RUNNING``, ``PERMISSION_DENIED``, ``SOCKET_PATH``, ``DISCONNECTED``, ``TLS_FAILED``
    """
    if isinstance(address, UnixAddress):
        return _dial_unix(address.path, None if timeout_ms is None else timeout_ms / 1000)
    raise _bad(str(address), "can't be reached yet: this version knows Unix sockets alone")


def _dial_unix(path: str, timeout_s: Optional[float]) -> Stream:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(timeout_s)
        stream.connect(path)
        stream.settimeout(None)
        return stream
    except OSError as error:
        stream.close()
        raise _unix_error(path, error) from error


def _unix_error(path: str, error: OSError) -> HoldfastError:
    if error.errno is None:
        return HoldfastError("SOCKET_PATH", f'a socket\'s path has 1 to 107 bytes: "{path}"', {"path": path})
    if isinstance(error, PermissionError):
        message = f"{path} may not be opened by this user; join its group, usually gpio"
        return HoldfastError("PERMISSION_DENIED", message, {"path": path})
    # Somebody serves it, but hangs up or is overrun: that is no reason to look for another supervisor.
    if isinstance(error, (ConnectionResetError, BlockingIOError, TimeoutError)):
        return HoldfastError("DISCONNECTED", f"{path} takes no connection: {error.strerror}", {"path": path})
    known = {FileNotFoundError: "there is no such socket", ConnectionRefusedError: "nobody serves it"}
    reason = known.get(type(error), str(error.strerror))
    return HoldfastError("NOT_RUNNING", f"no supervisor answers on {path}: {reason}", {"path": path, "reason": reason})


def _is_url(named: str) -> bool:
    return named.split(":", 1)[0] in ("unix", "holdfast", "holdfast+tcp") and ":" in named


def _bad(url: str, what: str) -> HoldfastError:
    return HoldfastError("BAD_FIELD", f'url: "{url}" {what}', {"field": "url"})
