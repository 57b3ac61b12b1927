"""Outputs and inputs that a client holds."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Union

from .held_pin import HeldPin
from .parsed import parsed
from .replies import Ack, Bias, CloseLevel, CommandReply, Drive, Level, Mode, OnDisconnect
from .session import Patience


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
