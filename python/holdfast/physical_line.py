"""A line by its voltage, for libraries that know no active-low lines: 1 is high, whatever others who hold the line call active."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Union

from .background import logger
from .errors import HoldfastError
from .events import Watch
from .pins import InputPin, OutputPin
from .process_client import ProcessClient
from .replies import Bias, Edge, EdgeFilter, Level, OnDisconnect, Silence
from .restarts import through_restarts

#: What is told of an edge: the level after it, and when it was, in ns of the supervisor's CLOCK_MONOTONIC.
EdgeTaker = Callable[[int, int], None]

#: Why a hold is over already when it is to be closed.
_OVER = frozenset({"DISCONNECTED", "HOLD_LOST", "PIN_NOT_OPEN", "PIN_CLOSING"})

_TURNED: Mapping[EdgeFilter, EdgeFilter] = {"rising": "falling", "falling": "rising", "both": "both"}


@dataclass
class _Setting:
    """What is asked of a line as long as nobody has set it otherwise."""

    active_low: bool = False
    initial: Optional[int] = None

    @property
    def logical(self) -> Optional[Level]:
        """What the initial level is called."""
        return None if self.initial is None else 1 if self.initial != self.active_low else 0


class PhysicalLine:
    """One line, as an output or an input, or not open at all. What it is set to takes effect at once, and lasts until it is set again.

    A process that is forked from the one that has opened it opens it for itself when it uses it.
    """

    def __init__(self, client: ProcessClient, name: str, *, share: bool = False, on_disconnect: Optional[OnDisconnect] = None) -> None:
        """
        :param share: others may hold it as an output, too, if they say the same
        :param on_disconnect: what becomes of an output when this program ends without a word; None: it closes
        """
        self.name = name
        self._client = client
        self._share = share
        self._on_disconnect = on_disconnect
        self._pin: Union[InputPin, OutputPin, None] = None
        #: The process that has opened it, and how another one does.
        self._pid = 0
        self._open_likewise: Callable[[], None] = lambda: None
        self._is_low_active = False
        #: What drives an output as it is driven; None: it is as it was opened.
        self._last_command: Optional[Callable[[], object]] = None
        self._commanding = threading.Lock()

    @property
    def direction(self) -> Optional[str]:
        """``"out"``, ``"in"``; None: it is not open."""
        return None if self._pin is None else "out" if isinstance(self._pin, OutputPin) else "in"

    def open_output(self, level: Optional[int], *, active_low: bool = False) -> None:
        """Opens it as an output. One that others share, or have left behind, is taken over and driven.

        :param level: None: the one that it has
        :param active_low: what is wired to it is on when it is low: ``off`` is high, in this program, to others, and when the line closes
        :raises HoldfastError: as ``open``
        """
        self.close()
        self._open_likewise = lambda: self.open_output(None, active_low=active_low)
        setting = _Setting(active_low=active_low, initial=self._level_now() if level is None else level)
        self._open(
            lambda: self._client.get().output(
                self.name,
                initial=setting.logical,
                share=self._share or None,
                active_low=setting.active_low,
                on_disconnect=self._on_disconnect,
            ),
            setting,
        )
        if level is not None and setting.initial is None:
            self.drive(level)

    def open_input(self, bias: Optional[Bias] = None) -> None:
        """Opens it as an input. An output that others have left behind is ended.

        :param bias: None: as it is
        :raises HoldfastError: as ``open``
        """
        self.close()
        self._open_likewise = lambda: self.open_input(bias)
        setting = _Setting()
        self._open(lambda: self._client.get().input(self.name, bias=bias, active_low=setting.active_low), setting)

    def level(self) -> int:
        """The level now."""
        pin = self._held()
        return int(through_restarts(pin.read).level != self._is_low_active)

    def drive(self, level: int) -> None:
        """Drives an output."""
        pin = self._output()
        command = pin.on if level != self._is_low_active else pin.off
        self._command(lambda: command(mode="nowait"))

    def set_duty(self, duty: float) -> None:
        """Drives an output high for a part of each period: 0 to 1."""
        pin, value = self._output(), 1 - duty if self._is_low_active else duty
        self._command(lambda: pin.value(value, mode="nowait"))

    def duty(self) -> float:
        """The duty that an output has been given; its level where another program plays something on it."""
        reading = through_restarts(self._held().read)
        duty = float(reading.level or 0) if reading.value is None else reading.value
        return 1 - duty if self._is_low_active else duty

    def off(self) -> None:
        """Drives an output to the level at which what is wired to it is off. One that has been closed by its end is."""
        self._last_command = None
        try:
            self._output().off(mode="nowait")
        except HoldfastError as error:
            if error.code not in _OVER:
                raise

    def restore(self) -> None:
        """Drives an output as it was driven, when it has been opened again on a new connection."""
        with self._commanding:
            if self._last_command is None:
                return
            try:
                self._last_command()
            except HoldfastError as error:
                # It has gone again, or somebody else has the line now: the next use of it tells.
                logger.warning("%s is not as it was: %s", self.name, error)

    def configure(self, **settings: Any) -> None:
        """Changes its settings. While others hold it, too, they may be said but not changed."""
        self._held().configure(**settings)

    def watch(self, edge: EdgeFilter, taker: EdgeTaker) -> Watch:
        """Tells of each edge, ``"rising"``, ``"falling"`` or ``"both"``, on the background thread of the client."""

        def take(event: Union[Edge, Silence]) -> None:
            if isinstance(event, Edge):
                taker(int(event.level != self._is_low_active), event.timestamp_ns)

        return self._held().on_edge(take, edge=_TURNED[edge] if self._is_low_active else edge)

    def timestamp_ns(self) -> int:
        """What the supervisor's clock says now."""
        return self._held().read().timestamp_ns

    def close(self, *, as_input: bool = False) -> None:
        """Gives it back. An output goes off for that, unless it is configured otherwise or others hold it.

        :param as_input: it becomes an input in place of going off, if this program may make it one and nobody else holds it
        """
        pin, self._pin = self._pin, None
        self._last_command = None
        if pin is None or self._pid != os.getpid():
            return
        try:
            pin = pin.to_input(bias="disabled") if as_input and isinstance(pin, OutputPin) else pin
        except HoldfastError as error:
            if error.code not in _OVER | {"PIN_BUSY", "PIN_CONFLICT", "FORBIDDEN"}:
                raise
        try:
            pin.close()
        except HoldfastError as error:
            if error.code not in _OVER:
                raise

    def _open(self, attempt: Callable[[], Union[InputPin, OutputPin]], setting: _Setting) -> None:
        """Takes the line as it is open already, as far as that makes no difference to the voltage."""
        tried = set()
        while self._pin is None:
            try:
                self._pin = attempt()
            except HoldfastError as error:
                field = error.details.get("field")
                if error.code != "PIN_CONFLICT" or field in tried:
                    raise
                tried.add(field)
                if field == "active_low":
                    setting.active_low = not setting.active_low
                elif field == "initial":
                    setting.initial = None
                elif field == "direction":
                    self._end_unowned(error)
                else:
                    raise
        self._is_low_active = setting.active_low
        self._pid = os.getpid()

    def _end_unowned(self, conflict: HoldfastError) -> None:
        """A line with another direction that nobody holds any more is closed; one that somebody holds is refused."""
        try:
            self._client.get().request("close", pin=self.name, hard=True)
        except HoldfastError:
            raise conflict from None

    def _held(self) -> Union[InputPin, OutputPin]:
        if self._pin is not None and self._pid != os.getpid():
            # Whoever held the lock is a thread of the other process.
            self._commanding = threading.Lock()
            self._open_likewise()
        if self._pin is None:
            raise HoldfastError("PIN_NOT_OPEN", f"{self.name} is not open", {"pin": self.name})
        return self._pin

    def _command(self, command: Callable[[], object]) -> None:
        with self._commanding:
            self._last_command = command
            through_restarts(command)

    def _output(self) -> OutputPin:
        pin = self._held()
        if not isinstance(pin, OutputPin):
            raise HoldfastError("PIN_DIRECTION", f"{self.name} is an input", {"pin": self.name})
        return pin

    def _level_now(self) -> Optional[int]:
        """The level of a line that nobody has open; None: somebody has, or it can't be read as long as nobody has."""
        try:
            reading = self._client.get().read(self.name)
        except HoldfastError as error:
            if error.code != "LINE_UNSUPPORTED":
                raise
            return None
        return reading.level if reading.state == "closed" else None
