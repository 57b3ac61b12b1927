"""What outlives a connection: it is dialled again when it is lost, and what was open and watched is opened and watched again."""

from __future__ import annotations

import random
import threading
from functools import partial
from typing import Any, Callable, Literal, Mapping, Optional, Protocol, Union

from .background import Background
from .connection import Connection, Stream
from .errors import HoldfastError
from .heartbeat import Heartbeat
from .pending_reply import PendingReply
from .subscriptions import Subscriber, Subscriptions

PROTOCOL_VERSION = 1

#: The pause before the first attempt to reconnect, and the longest one, in s.
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0

#: How long a request may take: in ms; None: for ever; ``"default"``: what the program has said for all of them.
Patience = Union[float, None, Literal["default"]]


class Reopened(Protocol):
    """What a client holds: it is to be had again after a reconnection."""

    name: str

    def begin_to_reopen(self, connection: Connection) -> PendingReply:
        """Asks for it again."""

    def reopen_otherwise(self, connection: Connection, error: HoldfastError) -> Optional[PendingReply]:
        """It was refused: asks for it in another way, where there is one."""


class Attendant(Protocol):
    """What has something to do with each connection."""

    def restore(self) -> None:
        """There is a connection again."""

    def end(self) -> None:
        """The client is about to close."""


class Session:
    """A client's connection, the one after it, and what belongs to all of them."""

    def __init__(
        self,
        dial: Callable[[], Stream],
        *,
        name: str,
        token: Optional[str],
        reconnect: bool,
        timeout_ms: Optional[float],
        on_connection: Optional[Callable[[Literal["lost", "back"]], None]],
        on_given_up: Optional[Callable[[str, HoldfastError], None]],
    ) -> None:
        """
        :raises HoldfastError: ``NOT_RUNNING``, ``PERMISSION_DENIED``, ``BAD_PROTOCOL``, ``LIMIT_CLIENTS``, ``DISCONNECTED``
        """
        self._dial = dial
        self._hello = {"protocol": PROTOCOL_VERSION, "name": name, "token": token}
        self._reconnects = reconnect
        self._timeout_ms = timeout_ms
        self._on_connection = on_connection
        self._on_given_up = on_given_up
        self.background = Background()
        self._subscriptions = Subscriptions()
        self._lock = threading.Lock()
        self._held: list[Reopened] = []
        self._attendants: list[Attendant] = []
        self._connection: Optional[Connection] = None
        #: The connection was whole, and nobody is at work to make another.
        self._is_established = False
        self._closing = threading.Event()
        self._connect()
        if not self._establish(lambda: None) and reconnect:
            self._begin_to_reconnect()

    @property
    def connection(self) -> Connection:
        """The connection that there is now.

        :raises HoldfastError: ``DISCONNECTED``
        """
        connection = self._connection
        if connection is None:
            raise HoldfastError("DISCONNECTED", "there is no connection to the supervisor")
        return connection

    def request(self, op: str, fields: Mapping[str, Any], patience: Patience = "default") -> dict[str, Any]:
        """Sends a request, and waits for the reply. A request that says ``wait_ms``, or its own ``timeout_ms``, may take so much longer.

        :raises HoldfastError: what the supervisor answers; ``DISCONNECTED``
        :raises TimeoutError: it does not answer in time
        """
        reply: dict[str, Any] = self.connection.begin(op, fields).wait(self.patience_of(fields, patience))
        return reply

    def send(self, op: str, fields: Mapping[str, Any]) -> None:
        """Sends a request whose reply nobody needs."""
        connection = self._connection
        if connection is not None:
            connection.send(op, fields)

    def patience_of(self, fields: Mapping[str, Any], patience: Patience = "default") -> Optional[float]:
        """How long a request may take, in ms; None: for ever."""
        if patience != "default":
            return patience
        return None if self._timeout_ms is None else self._timeout_ms + (fields.get("wait_ms") or fields.get("timeout_ms") or 0)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Begins a subscription, which is begun again on each connection.

        :raises HoldfastError: as the operation does
        """
        self._subscriptions.add(subscriber, self.connection, self._timeout_ms)

    def leave(self, subscriber: Subscriber) -> None:
        """Ends a subscription."""
        self._subscriptions.leave(subscriber, self._connection)

    def hold(self, held: Reopened) -> None:
        """To be opened again on each connection."""
        with self._lock:
            self._held.append(held)

    def drop(self, held: Reopened) -> None:
        """Not to be opened again."""
        with self._lock:
            self._held = [each for each in self._held if each is not held]

    def attend(self, attendant: Attendant) -> None:
        """To be told of each connection."""
        with self._lock:
            self._attendants.append(attendant)

    def dismiss(self, attendant: Attendant) -> None:
        """Not to be told any more."""
        with self._lock:
            self._attendants = [each for each in self._attendants if each is not attendant]

    def close(self) -> None:
        """Ends the connection, and all that belongs to it."""
        self._closing.set()
        for attendant in list(self._attendants):
            attendant.end()
        connection = self._connection
        if connection is not None:
            connection.close()
        self._subscriptions.finish(None)
        self.background.end()

    def event(self, event: Mapping[str, Any], connection: Connection) -> None:
        """For the connection."""
        self._subscriptions.deliver(event, connection)

    def lost(self, connection: Connection, error: HoldfastError) -> None:
        """For the connection, when it has ended. There may be another by then."""
        with self._lock:
            if self._connection not in (None, connection):
                return
            self._connection = None
            was_established, self._is_established = self._is_established, False
        self._subscriptions.lost()
        if self._closing.is_set():
            self._subscriptions.finish(None)
        elif not self._reconnects:
            self._subscriptions.finish(error)
        elif was_established:
            self._begin_to_reconnect()

    def _establish(self, told: Callable[[], None]) -> bool:
        """The connection is whole, unless it has gone already, and nobody has noticed: then this is False."""
        with self._lock:
            self._is_established = self._connection is not None
            if self._is_established:
                # Here, for the next loss may be told at once.
                told()
            return self._is_established

    def _begin_to_reconnect(self) -> None:
        threading.Thread(target=self._reconnect, name="holdfast-reconnect", daemon=True).start()

    def _connect(self) -> None:
        connection = self._connection = Connection(self._dial(), self)
        try:
            if self._closing.is_set():
                raise HoldfastError("DISCONNECTED", "this client has closed")
            welcome = connection.begin("hello", self._hello).wait(self._timeout_ms)
            connection.message_bytes = welcome.get("message_bytes")
            heartbeat_ms = welcome.get("heartbeat_ms")
            if heartbeat_ms is not None:
                Heartbeat(connection, heartbeat_ms)
        except TimeoutError:
            error = HoldfastError("DISCONNECTED", "the supervisor takes connections, and does not answer")
            connection.cut(error)
            self._connection = None
            raise error from None
        except BaseException:
            connection.close()
            self._connection = None
            raise

    def _reconnect(self) -> None:
        self._tell("lost")
        pause_s = _FIRST_PAUSE_S
        # Half of the pause is chance, so that many clients do not come back at the same instant.
        while not self._closing.wait(pause_s * (0.5 + random.random() / 2)):
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            try:
                self._connect()
                self._restore()
                if self._establish(partial(self._tell, "back")):
                    return
            except Exception:  # Whatever it is, it may have passed at the next attempt.
                connection = self._connection
                if connection is not None:
                    connection.close()

    def _restore(self) -> None:
        """Opens again what was open, and subscribes again. What can't be had any more is given up, and the program is told."""
        connection = self.connection
        with self._lock:
            held = list(self._held)
        # All at once, so that one which still has to close keeps none of the others waiting.
        for each, reply in [(each, each.begin_to_reopen(connection)) for each in held]:
            self._reopen(each, reply, connection)
        for attendant in list(self._attendants):
            attendant.restore()
        self._subscriptions.restore(connection, self._timeout_ms)

    def _reopen(self, held: Reopened, reply: PendingReply, connection: Connection) -> None:
        try:
            try:
                reply.wait()
            except HoldfastError as error:
                other = held.reopen_otherwise(connection, error)
                if other is None:
                    raise
                other.wait()
        except HoldfastError as error:
            if error.code == "DISCONNECTED":
                raise
            self.drop(held)
            if self._on_given_up is not None:
                self.background.post(partial(self._on_given_up, held.name, error))

    def _tell(self, state: Literal["lost", "back"]) -> None:
        if self._on_connection is not None:
            self.background.post(partial(self._on_connection, state))
