"""The way to a supervisor."""

from __future__ import annotations

import socket
from typing import Optional

from .address import Address, TcpAddress, UnixAddress
from .connection import Stream
from .credentials import Credentials
from .errors import HoldfastError


def dial(address: Address, credentials: Credentials, timeout_ms: Optional[float]) -> Stream:
    """Connects.

    :raises HoldfastError: ``NOT_RUNNING``, ``PERMISSION_DENIED``, ``SOCKET_PATH``, ``DISCONNECTED``, ``TLS_FAILED``
    """
    timeout_s = None if timeout_ms is None else timeout_ms / 1000
    if isinstance(address, UnixAddress):
        return _dial_unix(address.path, timeout_s)
    connected = _dial_tcp(address, timeout_s)
    if not address.is_encrypted:
        connected.settimeout(None)
        return connected
    # Only who dials the network needs it, and it takes its time to load.
    from .tls import encrypted

    return encrypted(connected, address, credentials)


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
    if isinstance(error, (ConnectionResetError, BlockingIOError)):
        return HoldfastError("DISCONNECTED", f"{path} takes no connection: {error.strerror}", {"path": path})
    known = {FileNotFoundError: "there is no such socket", ConnectionRefusedError: "nobody serves it"}
    return _not_running(path, known.get(type(error), str(error.strerror)))


def _dial_tcp(address: TcpAddress, timeout_s: Optional[float]) -> socket.socket:
    try:
        connected = socket.create_connection((address.host, address.port), timeout_s)
    except OSError as error:
        raise _not_running(str(address), _tcp_reason(error)) from error
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


def _tcp_reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return "it does not answer" if isinstance(error, socket.timeout) else str(error.strerror or error)


def _not_running(where: str, reason: str) -> HoldfastError:
    return HoldfastError("NOT_RUNNING", f"no supervisor answers on {where}: {reason}", {"path": where, "reason": reason})
