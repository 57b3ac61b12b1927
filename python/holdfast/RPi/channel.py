"""The channels that this program has set up."""

from __future__ import annotations

import threading
import traceback
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from .. import client as holdfast_client
from ..errors import HoldfastError
from ..physical_line import PhysicalLine
from ..process_client import ProcessClient
from ..replies import Bias, EdgeFilter
from .numbering import gpio_of

OUT = 0
IN = 1

PUD_OFF = 20
PUD_DOWN = 21
PUD_UP = 22

RISING = 31
FALLING = 32
BOTH = 33

_BIASES: Mapping[int, Bias] = {PUD_OFF: "disabled", PUD_DOWN: "pull-down", PUD_UP: "pull-up"}
_EDGES: Mapping[int, EdgeFilter] = {RISING: "rising", FALLING: "falling", BOTH: "both"}

process_client = ProcessClient(lambda: holdfast_client.connect(reconnect=True, on_connection=_connection_is))


@contextmanager
def as_rpi_gpio() -> Iterator[None]:
    """Throws what scripts expect that were written for RPi.GPIO: ``ValueError`` for what can't be, ``RuntimeError`` for the rest."""
    try:
        yield
    except HoldfastError as error:
        if error.code == "PIN_UNKNOWN":
            raise ValueError("The channel sent is invalid on a Raspberry Pi") from error
        raise (ValueError if error.code == "BAD_FIELD" else RuntimeError)(str(error)) from error


def _connection_is(state: str) -> None:
    if state == "back":
        for channel in list(channels.values()):
            channel.line.restore()


class Channel:
    """One line that this program has set up. Any other program may set it up, too, in the same direction: an output stays when they end."""

    def __init__(self, gpio: int) -> None:
        self.line = PhysicalLine(process_client, f"GPIO{gpio}", share=True, on_disconnect="stay")
        self.detection: Optional[Detection] = None
        #: When an edge was last taken for one, for bouncing contacts; None: none was yet.
        self.last_edge_ns: Optional[int] = None

    @property
    def direction(self) -> int:
        return OUT if self.line.direction == "out" else IN

    def set_up_output(self, level: Optional[int]) -> None:
        """:param level: None: the one that it has"""
        with as_rpi_gpio():
            if self.line.direction != "out":
                self.stop_detection()
                self.line.open_output(level)
            elif level is not None:
                self.line.drive(level)

    def set_up_input(self, pull: int) -> None:
        """:param pull: ``PUD_OFF`` takes the line as it is where another program has set its pull."""
        with as_rpi_gpio():
            try:
                if self.line.direction == "in":
                    self.line.configure(bias=_BIASES[pull])
                else:
                    self.line.open_input(_BIASES[pull])
            except HoldfastError as error:
                is_of_others = error.code == "PIN_BUSY" or (error.code == "PIN_CONFLICT" and error.details.get("field") == "bias")
                if pull != PUD_OFF or not is_of_others:
                    raise
                if self.line.direction is None:
                    self.line.open_input()

    def detect(self, edge: int, bounce_ms: Optional[int]) -> Detection:
        """:param bounce_ms: for how long further edges are not taken for any; None: each is one"""
        return Detection(self, edge, bounce_ms)

    def stop_detection(self) -> None:
        detection, self.detection = self.detection, None
        if detection is not None:
            detection.stop()

    def clean_up(self) -> None:
        """It becomes an input, unless other programs have it."""
        self.stop_detection()
        with as_rpi_gpio():
            self.line.close(as_input=True)


class Detection:
    """Looks out for edges of one channel."""

    def __init__(self, channel: Channel, edge: int, bounce_ms: Optional[int]) -> None:
        self.callbacks: List[Callable[[], None]] = []
        #: Whether one has come since somebody asked.
        self.has_come = threading.Event()
        self._channel = channel
        self._bounce_ns = None if bounce_ms is None else bounce_ms * 1_000_000
        with as_rpi_gpio():
            self._watch = channel.line.watch(_EDGES[edge], self._take)

    def stop(self) -> None:
        self._watch.stop()

    def _take(self, _level: int, timestamp_ns: int) -> None:
        last_ns = self._channel.last_edge_ns
        if self._bounce_ns is not None and last_ns is not None and timestamp_ns - last_ns <= self._bounce_ns:
            return
        self._channel.last_edge_ns = timestamp_ns
        self.has_come.set()
        for callback in list(self.callbacks):
            try:
                callback()
            except Exception:
                # One that fails keeps no other from being called, and the script running, as ever.
                traceback.print_exc()


#: By their GPIO numbers.
channels: Dict[int, Channel] = {}


def set_up(channel: Any, direction: Optional[int], message: str) -> Channel:
    """The channel that this program has set up.

    :param direction: as what; None: as either
    :param message: what is thrown if it has not
    """
    found = channels.get(gpio_of(channel))
    if found is None or (direction is not None and found.direction != direction):
        raise RuntimeError(message)
    return found
