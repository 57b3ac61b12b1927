"""TLS over a TCP connection."""

from __future__ import annotations

import hashlib
import select
import socket
import ssl
import threading

from .address import TcpAddress
from .connection import Stream
from .credentials import Credentials
from .errors import HoldfastError


def encrypted(connected: socket.socket, address: TcpAddress, credentials: Credentials) -> Stream:
    """The connection, encrypted, when the supervisor is who it should be.

    Its certificate must be the one of ``fingerprint``, or else signed by an authority that is trusted, and be for the host.

    :raises HoldfastError: ``TLS_FAILED``
    """
    try:
        context = _context(credentials)
    except (OSError, ValueError) as error:
        connected.close()
        raise _failed(address, f"what was given of certificates and keys can't be used: {error}") from error
    try:
        wrapped = context.wrap_socket(connected, server_hostname=address.host)
    except (OSError, ValueError) as error:
        connected.close()
        raise _failed(address, str(error)) from error
    pinned = credentials.fingerprint
    if pinned is not None and hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest() != pinned:
        wrapped.close()
        raise _failed(address, "its certificate has another fingerprint than the one that is trusted")
    return _TlsStream(wrapped, address)


def _context(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=credentials.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 asks of authorities what those that people make for themselves mostly lack.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if credentials.fingerprint is not None:
        # The certificate is compared as soon as it is there, before anything is sent.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials.certificate is not None:
        context.load_cert_chain(credentials.certificate, credentials.key)
    return context


class _TlsStream:
    """One thread reads and others write, which OpenSSL does not allow at the same time: so nobody waits while he is in it."""

    def __init__(self, wrapped: ssl.SSLSocket, address: TcpAddress) -> None:
        wrapped.setblocking(False)
        self._socket = wrapped
        self._address = address
        self._lock = threading.Lock()

    def recv(self, most: int, /) -> bytes:
        """:raises HoldfastError: ``TLS_FAILED``: also when the client's own certificate is refused, which is told after the handshake"""
        while True:
            try:
                with self._lock:
                    return self._socket.recv(most)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                self._wait(wanted)
            except ssl.SSLError as error:
                raise _failed(self._address, str(error)) from error

    def sendall(self, data: bytes, /) -> None:
        """One at a time."""
        rest = memoryview(data)
        while rest:
            try:
                with self._lock:
                    rest = rest[self._socket.send(rest) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                self._wait(wanted)

    def shutdown(self, how: int, /) -> None:
        """Of the socket beneath: the other side is not waited for."""
        socket.socket.shutdown(self._socket, how)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def _wait(self, wanted: ssl.SSLError) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN if isinstance(wanted, ssl.SSLWantReadError) else select.POLLOUT)
        poll.poll()


def _failed(address: TcpAddress, reason: str) -> HoldfastError:
    return HoldfastError("TLS_FAILED", f"no trusted connection to {address}: {reason}", {"url": str(address), "reason": reason})
