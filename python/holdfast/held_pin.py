"""What a client may do with any pin that it holds, whichever its direction."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Callable, Mapping, Optional, Type, TypeVar, Union, overload

from .connection import Connection
from .errors import HoldfastError
from .events import EventStream, Watch
from .parsed import parsed
from .pending_reply import PendingReply, ReplyTaker
from .replies import Edge, EdgeFilter, Reading, Silence
from .session import Session

#: ``"GPIO17"``, ``"17"`` or 17, ``"BOARD11"``, a line name, or ``"chip-label:offset"``; of a group: several, with ``+`` between them.
PinName = Union[str, int]

P = TypeVar("P", bound="HeldPin")

#: How long a pin may take to close for the connection that was lost, in ms, before it is given up: what was commanded there still runs.
_REOPEN_WAIT_MS = 60_000

#: What stays as it is when a pin gets another direction.
_FOR_BOTH_DIRECTIONS = ("active_low", "bias", "on_disconnect", "heartbeat_ms", "wait_ms")


class HeldPin:
    """A pin that this client holds. Leaving its scope closes it, softly: what was commanded runs first."""

    def __init__(self, session: Session, name: str, settings: Mapping[str, Any]) -> None:
        """For the client, which opens the pin for its program."""
        #: The canonical name.
        self.name = name
        #: It was open already: this client has joined its holders, or adopted it.
        self.was_open = False
        self._session = session
        #: What opens the pin as it is set now.
        self._settings = {field: value for field, value in settings.items() if value is not None}
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}{' closed' if self._is_closed else ''}>"

    def read(self) -> Reading:
        """The level now."""
        return parsed(Reading, self._session.request("read", {"pin": self.name}))

    @overload
    def edges(self, *, edge: Optional[EdgeFilter] = None, silence_ms: None = None) -> EventStream[Edge]: ...

    @overload
    def edges(self, *, edge: Optional[EdgeFilter] = None, silence_ms: float) -> EventStream[Union[Edge, Silence]]: ...

    def edges(self, *, edge: Optional[EdgeFilter] = None, silence_ms: Optional[float] = None) -> EventStream[Any]:
        """Its edges from now on, with the kernel's timestamps; of an output, those that its commands make.

        :param silence_ms: there is an event, too, when no edge comes for so long: one, until the next edge
        """
        fields = {"pin": self.name, "edge": edge, "silence_ms": silence_ms}
        return EventStream(self._session, "watch", fields)

    def on_edge(
        self,
        callback: Callable[[Any], None],
        *,
        edge: Optional[EdgeFilter] = None,
        silence_ms: Optional[float] = None,
        on_end: Optional[Callable[[Optional[HoldfastError]], None]] = None,
    ) -> Watch:
        """Calls the program with each ``Edge`` from now on, and with ``Silence``, on the background thread of the client.

        :param on_end: called when the watch has ended by itself; None: as it should be
        """
        fields = {"pin": self.name, "edge": edge, "silence_ms": silence_ms}
        return Watch(self._session, "watch", fields, callback, on_end)

    def close(self, *, hard: bool = False) -> None:
        """Lets go of the pin: softly, when what was commanded has run, or at once. Returns when that has happened.

        :raises HoldfastError: ``PIN_NOT_OPEN``, ``HOLD_LOST``, ``DISCONNECTED``
        """
        self._is_closed = True
        self._session.drop(self)
        self._session.request("close", {"pin": self.name, "hard": hard}, None)

    def __enter__(self: P) -> P:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        """Closes the pin, unless that has been done. A connection that is lost, or too long a silence, has closed it too."""
        if self._is_closed:
            return
        try:
            self.close()
        except HoldfastError as failure:
            if failure.code not in ("DISCONNECTED", "HOLD_LOST"):
                raise

    def open(self) -> None:
        """For the client."""

        def arrived(reply: Mapping[str, Any]) -> None:
            self.name = reply["pin"]
            self.was_open = reply.get("was_open", False)
            self._session.hold(self)

        try:
            self._begin(self._session.connection, self._settings, arrived).wait(self._session.patience_of(self._settings))
        except BaseException:
            self._session.drop(self)
            raise

    def begin_to_reopen(self, connection: Connection) -> PendingReply:
        """For the session, after a reconnection: the pin may still be closing for the connection that was lost."""
        return self._begin(connection, {**self._settings, "wait_ms": self._reopen_wait_ms})

    def reopen_otherwise(self, connection: Connection, error: HoldfastError) -> Optional[PendingReply]:
        """For the session: a pin that has stayed open is where its commands have brought it."""
        if error.code != "PIN_CONFLICT" or error.details.get("field") != "initial":
            return None
        return self._begin(connection, {**self._settings, "wait_ms": self._reopen_wait_ms, "initial": None})

    @property
    def _reopen_wait_ms(self) -> float:
        return max(_REOPEN_WAIT_MS, float(self._settings.get("wait_ms", 0)))

    def _begin(self, connection: Connection, settings: Mapping[str, Any], arrived: Optional[ReplyTaker] = None) -> PendingReply:
        def unwanted(reply: Mapping[str, Any]) -> None:
            connection.send("close", {"pin": reply["pin"]})

        return connection.begin("open", {"pin": self.name, "direction": self._direction, **settings}, arrived, unwanted)

    def _turned(self, cls: Type[P], settings: Mapping[str, Any]) -> P:
        """The same hold with another direction; this object is done with."""
        self._session.request("configure", {"pin": self.name, "direction": cls._direction, **settings})
        kept = {field: self._settings[field] for field in _FOR_BOTH_DIRECTIONS if field in self._settings}
        given = {field: value for field, value in settings.items() if value is not None}
        turned = cls(self._session, self.name, {**kept, **given})
        self._is_closed = True
        self._session.drop(self)
        self._session.hold(turned)
        return turned

    def _configure(self, settings: Mapping[str, Any]) -> None:
        self._session.request("configure", {"pin": self.name, **settings})
        self._settings.update({field: value for field, value in settings.items() if value is not None})

    _direction = ""
