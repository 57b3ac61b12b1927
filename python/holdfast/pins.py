"""Pins that a client holds."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Callable, Mapping, Optional, Sequence, Type, TypeVar, Union

from .connection import Connection, PendingReply, ReplyTaker
from .errors import HoldfastError
from .events import EventStream, Watch
from .parsed import parsed
from .replies import Ack, Bias, CloseLevel, CommandReply, Drive, Edge, EdgeFilter, Level, Mode, OnDisconnect, Reading, Silence
from .session import Patience, Session

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

    def edges(self, *, edge: Optional[EdgeFilter] = None, silence_ms: Optional[float] = None) -> EventStream[Union[Edge, Silence]]:
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

        self._begin(self._session.connection, self._settings, arrived).wait(self._session.patience_of(self._settings))

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


class OutputPin(HeldPin):
    """An output that this client holds. Each command answers when it is accepted, or as its ``ack`` says.

    What all commands may say: ``duration_ms``, the command's whole time; ``mode``, how this one treats what runs; ``ack``, when it answers.
    """

    _direction = "out"

    def configure(
        self,
        *,
        mode: Optional[Mode] = None,
        bias: Optional[Bias] = None,
        drive: Optional[Drive] = None,
        active_low: Optional[bool] = None,
        on_disconnect: Optional[OnDisconnect] = None,
        close_level: Optional[CloseLevel] = None,
        frequency_hz: Optional[float] = None,
    ) -> None:
        """Changes its settings; only for a sole holder."""
        self._configure(
            {
                "mode": mode,
                "bias": bias,
                "drive": drive,
                "active_low": active_low,
                "on_disconnect": on_disconnect,
                "close_level": close_level,
                "frequency_hz": frequency_hz,
            }
        )

    def to_input(
        self,
        *,
        bias: Optional[Bias] = None,
        active_low: Optional[bool] = None,
        debounce_us: Optional[int] = None,
        on_disconnect: Optional[OnDisconnect] = None,
    ) -> InputPin:
        """Makes an input of it, without releasing the line; this object is done with then. Only for a sole holder."""
        settings = {"bias": bias, "active_low": active_low, "debounce_us": debounce_us, "on_disconnect": on_disconnect}
        return self._turned(InputPin, settings)

    def on(self, *, duration_ms: Optional[float] = None, mode: Optional[Mode] = None, ack: Optional[Ack] = None) -> CommandReply:
        """Drives it active."""
        return self._command("on", duration_ms, mode, ack)

    def off(self, *, duration_ms: Optional[float] = None, mode: Optional[Mode] = None, ack: Optional[Ack] = None) -> CommandReply:
        """Drives it inactive."""
        return self._command("off", duration_ms, mode, ack)

    def toggle(self, *, duration_ms: Optional[float] = None, mode: Optional[Mode] = None, ack: Optional[Ack] = None) -> CommandReply:
        """Anything but steady off becomes off, steady off becomes on."""
        return self._command("toggle", duration_ms, mode, ack)

    def write(
        self, levels: Sequence[Level], *, duration_ms: Optional[float] = None, mode: Optional[Mode] = None, ack: Optional[Ack] = None
    ) -> CommandReply:
        """Drives each line of a group to its own level, all at once."""
        return self._command("write", duration_ms, mode, ack, levels=levels)

    def value(
        self, value: float, *, duration_ms: Optional[float] = None, mode: Optional[Mode] = None, ack: Optional[Ack] = None
    ) -> CommandReply:
        """Drives a duty from 0 to 1, by PWM between them."""
        return self._command("value", duration_ms, mode, ack, value=value)

    def blink(
        self,
        on_ms: float,
        off_ms: float,
        n: Optional[int] = None,
        *,
        duration_ms: Optional[float] = None,
        mode: Optional[Mode] = None,
        ack: Optional[Ack] = None,
    ) -> CommandReply:
        """Active for ``on_ms``, inactive for ``off_ms``, ``n`` times or endlessly."""
        return self._command("blink", duration_ms, mode, ack, on_ms=on_ms, off_ms=off_ms, n=n)

    def pulse(
        self,
        fade_in_ms: float,
        fade_out_ms: float,
        n: Optional[int] = None,
        *,
        duration_ms: Optional[float] = None,
        mode: Optional[Mode] = None,
        ack: Optional[Ack] = None,
    ) -> CommandReply:
        """Fades in for ``fade_in_ms`` and out for ``fade_out_ms``, ``n`` times or endlessly."""
        return self._command("pulse", duration_ms, mode, ack, fade_in_ms=fade_in_ms, fade_out_ms=fade_out_ms, n=n)

    def pattern(
        self,
        steps: Sequence[tuple[Union[Level, Sequence[Level]], float]],
        n: Optional[int] = None,
        *,
        duration_ms: Optional[float] = None,
        mode: Optional[Mode] = None,
        ack: Optional[Ack] = None,
    ) -> CommandReply:
        """Plays steps, ``n`` times or endlessly.

        :param steps: each a level, or of a group the levels of its lines, and for how many ms
        """
        played = [{"level" if isinstance(level, int) else "levels": level, "ms": ms} for level, ms in steps]
        return self._command("pattern", duration_ms, mode, ack, steps=played, n=n)

    def set_mode(self, mode: Mode) -> None:
        """How commands that say nothing else treat one that runs; the queue stays."""
        self._session.request("mode", {"pin": self.name, "mode": mode})
        self._settings["mode"] = mode

    def cancel(self, command: Optional[int] = None) -> int:
        """Ends one command, or all that this client may; says how many."""
        return int(self._session.request("cancel", {"pin": self.name, "command": command})["cancelled"])

    def _command(
        self, op: str, duration_ms: Optional[float], mode: Optional[Mode], ack: Optional[Ack], **fields: Any
    ) -> CommandReply:
        fields.update(pin=self.name, duration_ms=duration_ms, mode=mode, ack=ack)
        # How long it takes until a command has started, or is done, is the program's own affair.
        patience: Patience = "default" if ack in (None, "accepted") else None
        return parsed(CommandReply, self._session.request(op, fields, patience))


class InputPin(HeldPin):
    """An input that this client holds."""

    _direction = "in"

    def configure(
        self,
        *,
        bias: Optional[Bias] = None,
        active_low: Optional[bool] = None,
        debounce_us: Optional[int] = None,
        on_disconnect: Optional[OnDisconnect] = None,
    ) -> None:
        """Changes its settings; only for a sole holder."""
        self._configure({"bias": bias, "active_low": active_low, "debounce_us": debounce_us, "on_disconnect": on_disconnect})

    def to_output(
        self,
        *,
        initial: Union[Level, Sequence[Level], None] = None,
        mode: Optional[Mode] = None,
        bias: Optional[Bias] = None,
        drive: Optional[Drive] = None,
        active_low: Optional[bool] = None,
        on_disconnect: Optional[OnDisconnect] = None,
        close_level: Optional[CloseLevel] = None,
        frequency_hz: Optional[float] = None,
        max_on_ms: Optional[float] = None,
    ) -> OutputPin:
        """Makes an output of it, without releasing the line; this object is done with then. Only for a sole holder."""
        settings: dict[str, Any] = {
            "initial": initial,
            "mode": mode,
            "bias": bias,
            "drive": drive,
            "active_low": active_low,
            "on_disconnect": on_disconnect,
            "close_level": close_level,
            "frequency_hz": frequency_hz,
            "max_on_ms": max_on_ms,
        }
        return self._turned(OutputPin, settings)
