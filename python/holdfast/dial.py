"""The way to a supervisor."""

from __future__ import annotations

import socket
from typing import Optional, Union

from .address import Address, TcpAddress, UnixAddress
from .connection import Stream
from .credentials import Credentials
from .deadline import Deadline
from .errors import HoldfastError

#: For how long the kernel can be asked to wait: it counts ms, in 31 bits.
_LONGEST_WAIT_S = 2_000_000


def dial(address: Address, credentials: Credentials, timeout_ms: Optional[float]) -> Stream:
    """Connects.

    :raises HoldfastError: ``NOT_RUNNING``, ``PERMISSION_DENIED``, ``SOCKET_PATH``, ``DISCONNECTED``, ``TLS_FAILED``
    """
    remaining_s = Deadline(timeout_ms).remaining_s()
    timeout_s = None if remaining_s is None else min(remaining_s, _LONGEST_WAIT_S)
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
    try:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise _unix_error(path, error) from error
    try:
        stream.settimeout(timeout_s)
        stream.connect(path)
        stream.settimeout(None)
        return stream
    except (OSError, ValueError) as error:
        stream.close()
        raise _unix_error(path, error) from error
    except BaseException:
        stream.close()
        raise


def _unix_error(path: str, error: Union[OSError, ValueError]) -> HoldfastError:
    if not isinstance(error, OSError) or error.errno is None:
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
    except (OSError, UnicodeError) as error:
        raise _not_running(str(address), _tcp_reason(error)) from error
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


def _tcp_reason(error: Union[OSError, UnicodeError]) -> str:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "there is no such host"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return "it does not answer" if isinstance(error, socket.timeout) else str(error.strerror or error)


def _not_running(where: str, reason: str) -> HoldfastError:
    return HoldfastError("NOT_RUNNING", f"no supervisor answers on {where}: {reason}", {"path": where, "reason": reason})
