"""Where a supervisor is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Sequence, Union
from urllib.parse import urlsplit

from .errors import HoldfastError

#: The socket of a supervisor that runs as a system service.
_SYSTEM_SOCKET = "/run/holdfast/holdfast.sock"

#: Where holdfast's own protocol is over TCP.
TCP_PORT = 8510

#: The schemes of the network, and whether what goes there is encrypted. Nobody comes to speak in the clear by leaving something out.
_SCHEMES = {"holdfast": True, "holdfast+tcp": False}

_FORMS = "unix:/path, holdfast://host:port, or without TLS holdfast+tcp://host:port"


@dataclass(frozen=True)
class UnixAddress:
    """A socket of this machine."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class TcpAddress:
    """A port on the network."""

    host: str
    port: int
    is_encrypted: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'holdfast' if self.is_encrypted else 'holdfast+tcp'}://{host}:{self.port}"


Address = Union[UnixAddress, TcpAddress]


def addresses(named: Union[str, os.PathLike[str], None]) -> Sequence[Address]:
    """Where to look for a supervisor: where the program says, else the environment, or else the user's own socket and that of the system.

    :param named: a URL, or the path of a socket
    :raises HoldfastError: ``BAD_FIELD``
    """
    url, path, folder = (os.environ.get(name) for name in ("HOLDFAST_URL", "HOLDFAST_SOCKET", "XDG_RUNTIME_DIR"))
    if named is not None:
        named = os.fsdecode(named)
        is_url = ":" in named.split("/", 1)[0]
        return [parse_url(named) if is_url else UnixAddress(os.path.abspath(named))]
    if url:
        return [parse_url(url)]
    if path:
        return [UnixAddress(os.path.abspath(path))]
    user = [UnixAddress(f"{folder}/holdfast.sock")] if folder else []
    return [*user, UnixAddress(_SYSTEM_SOCKET)]


def parse_url(url: str) -> Address:
    """Where a URL leads: ``unix:/run/holdfast/holdfast.sock``, ``holdfast://pi.local``, ``holdfast+tcp://127.0.0.1:8510``.

    :raises HoldfastError: ``BAD_FIELD``; the text itself is not told, for there may be a secret in it
    """
    if url.startswith("unix:/"):
        return UnixAddress("/" + url[len("unix:") :].lstrip("/"))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _mistake(f"is written {_FORMS}") from None
    if parts.scheme not in _SCHEMES or not host:
        raise _mistake(f"is written {_FORMS}")
    if "@" in parts.netloc:
        raise _mistake("is no place for a token: HOLDFAST_TOKEN is")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _mistake("ends with the port")
    return TcpAddress(host, TCP_PORT if port is None else port, _SCHEMES[parts.scheme])


def _mistake(what: str) -> HoldfastError:
    return HoldfastError("BAD_FIELD", f"url: the address of a supervisor {what}", {"field": "url"})
