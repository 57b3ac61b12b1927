"""What RPi.GPIO offers, for scripts that were written for it: its names, its defaults, and what it throws. docs/gpiozero.md has what differs."""

from __future__ import annotations

import atexit
import warnings
from functools import partial
from typing import Any, Callable, List, Optional

from .board import info_of
from .channel import (
    BOTH,
    FALLING,
    IN,
    OUT,
    PUD_DOWN,
    PUD_OFF,
    PUD_UP,
    RISING,
    Channel,
    Detection,
    as_rpi_gpio,
    channels,
    process_client,
    set_up,
)
from .numbering import BCM, BOARD, forget_mode, getmode, gpio_of, listed, setmode
from .pwm import PWM, running

#: The version of RPi.GPIO that this does as.
VERSION = "0.7.1"

LOW = 0
HIGH = 1
UNKNOWN = -1
SERIAL = 40
SPI = 41
I2C = 42
HARD_PWM = 43

__all__ = [
    "BCM", "BOARD", "BOTH", "FALLING", "HARD_PWM", "HIGH", "I2C", "IN", "LOW", "OUT", "PUD_DOWN", "PUD_OFF", "PUD_UP", "PWM", "RISING",
    "SERIAL", "SPI", "UNKNOWN", "VERSION", "add_event_callback", "add_event_detect", "cleanup", "event_detected", "getmode",
    "gpio_function", "input", "output", "remove_event_detect", "setmode", "setup", "setwarnings", "wait_for_edge",
]  # fmt: skip

_NOT_AN_INPUT = "You must setup() the GPIO channel as an input first"

_warns = True


def setwarnings(state: int) -> None:
    """Whether doubtful use is warned of."""
    global _warns
    _warns = bool(state)


def setup(channel: Any, direction: int, pull_up_down: int = PUD_OFF, initial: Optional[int] = None) -> None:
    """Makes an input or output of a channel, or of several.

    :param initial: of an output; None: the level that it has
    """
    if direction not in (IN, OUT):
        raise ValueError("An invalid direction was passed to setup()")
    if direction == OUT and pull_up_down != PUD_OFF:
        raise ValueError("pull_up_down parameter is not valid for outputs")
    if initial == -1:
        # RPi.GPIO's own word for None.
        initial = None
    if direction == IN and initial is not None:
        raise ValueError("initial parameter is not valid for inputs")
    if pull_up_down not in (PUD_OFF, PUD_UP, PUD_DOWN):
        raise ValueError("Invalid value for pull_up_down - should be either PUD_OFF, PUD_UP or PUD_DOWN")
    for each in listed(channel):
        _set_up_one(gpio_of(each), direction, pull_up_down, initial)


def _set_up_one(gpio: int, direction: int, pull: int, initial: Optional[int]) -> None:
    known = channels.get(gpio) or Channel(gpio)
    if _warns:
        if known.line.direction is None and _is_output(gpio):
            _warn("This channel is already in use, continuing anyway.  Use GPIO.setwarnings(False) to disable warnings.")
        if gpio in (2, 3) and pull != PUD_OFF:
            _warn("A physical pull up resistor is fitted on this channel!")
    try:
        if direction == OUT:
            known.set_up_output(None if initial is None else int(bool(initial)))
        else:
            known.set_up_input(pull)
    finally:
        if known.line.direction is None:
            channels.pop(gpio, None)
        else:
            channels[gpio] = known


def input(channel: int) -> int:
    """The level of a channel, 0 or 1; of an output as well."""
    found = set_up(channel, None, "You must setup() the GPIO channel first")
    with as_rpi_gpio():
        return found.line.level()


def output(channel: Any, value: Any) -> None:
    """Drives a channel, or several: to one level, or each to its own."""
    outputs = listed(channel)
    if not isinstance(value, (int, list, tuple)):
        raise ValueError("Value must be an integer/boolean or a list/tuple of integers/booleans")
    if isinstance(value, (list, tuple)) and (isinstance(channel, int) or len(value) != len(outputs)):
        raise RuntimeError("Number of channels != number of values")
    levels = [value] * len(outputs) if isinstance(value, int) else value
    for each, level in zip(outputs, levels):
        if not isinstance(level, int):
            raise ValueError("Value must be an integer or boolean")
        found = set_up(each, OUT, "The GPIO channel has not been set up as an OUTPUT")
        with as_rpi_gpio():
            found.line.drive(int(bool(level)))


def add_event_detect(
    channel: int, edge: int, callback: Optional[Callable[[int], Any]] = None, bouncetime: Optional[int] = None
) -> None:
    """Looks out for edges from now on.

    :param callback: called with the channel, for each of them
    :param bouncetime: in ms: for so long after an edge no other is taken for one
    """
    if callback is not None:
        _assert_callable(callback)
    found = _edge_channel(channel, edge)
    bounce_ms = _bounce_ms(bouncetime)
    if found.detection is not None:
        raise RuntimeError("Conflicting edge detection already enabled for this GPIO channel")
    found.detection = found.detect(edge, bounce_ms)
    if callback is not None:
        found.detection.callbacks.append(partial(callback, channel))


def add_event_callback(channel: int, callback: Callable[[int], Any]) -> None:
    """Calls this, too, for edges that are looked out for."""
    _assert_callable(callback)
    found = set_up(channel, IN, _NOT_AN_INPUT)
    if found.detection is None:
        raise RuntimeError("Add event detection using add_event_detect first before adding a callback")
    found.detection.callbacks.append(partial(callback, channel))


def remove_event_detect(channel: int) -> None:
    """Looks out for no more edges."""
    found = channels.get(gpio_of(channel))
    if found is not None:
        found.stop_detection()


def event_detected(channel: int) -> bool:
    """Whether an edge has come since this was asked last."""
    found = channels.get(gpio_of(channel))
    if found is None or found.detection is None or not found.detection.has_come.is_set():
        return False
    found.detection.has_come.clear()
    return True


def wait_for_edge(channel: int, edge: int, bouncetime: Optional[int] = None, timeout: Optional[int] = None) -> Optional[int]:
    """Waits for an edge. Not for callbacks: while one of them waits, none is called.

    :param timeout: in ms
    :returns: the channel; None: none has come in time
    """
    found = _edge_channel(channel, edge)
    bounce_ms = _bounce_ms(bouncetime)
    if timeout is not None and timeout <= 0:
        raise ValueError("Timeout must be greater than 0")
    if found.detection is not None and found.detection.callbacks:
        raise RuntimeError("Conflicting edge detection events already exist for this GPIO channel")
    waiting: Detection = found.detect(edge, bounce_ms)
    try:
        return channel if waiting.has_come.wait(None if timeout is None else timeout / 1000) else None
    finally:
        waiting.stop()


def gpio_function(channel: int) -> int:
    """What a channel is now, whoever has set it up: ``IN`` or ``OUT``."""
    gpio = gpio_of(channel)
    return OUT if _is_output(gpio) else IN


def cleanup(channel: Any = None) -> None:
    """Makes inputs of a channel, of several, or of all that this program has set up, unless other programs have them."""
    chosen: List[int] = list(channels) if channel is None else [gpio_of(each) for each in listed(channel)]
    found = [(gpio, channels.pop(gpio)) for gpio in chosen if gpio in channels]
    for gpio, each in found:
        if gpio in running:
            running[gpio].stop()
        each.clean_up()
    if channel is None:
        forget_mode()
    if not found and _warns:
        _warn("No channels have been set up yet - nothing to clean up!  Try cleaning up at the end of your program instead!")


def __getattr__(name: str) -> Any:
    # Asked for where it is needed, so that to import this needs no supervisor.
    if name not in ("RPI_INFO", "RPI_REVISION"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with as_rpi_gpio():
        info = info_of(process_client.get())
    return info if name == "RPI_INFO" else info["P1_REVISION"]


def _is_output(gpio: int) -> bool:
    with as_rpi_gpio():
        opened = process_client.get().status().pins
    return any(pin.pin == f"GPIO{gpio}" and pin.direction == "out" for pin in opened)


def _edge_channel(channel: int, edge: int) -> Channel:
    found = set_up(channel, IN, _NOT_AN_INPUT)
    if edge not in (RISING, FALLING, BOTH):
        raise ValueError("The edge must be set to RISING, FALLING or BOTH")
    return found


def _bounce_ms(bouncetime: Optional[int]) -> Optional[int]:
    if bouncetime is None or bouncetime == -666:
        # RPi.GPIO's own word for None.
        return None
    if bouncetime <= 0:
        raise ValueError("Bouncetime must be greater than 0")
    return bouncetime


def _assert_callable(callback: Any) -> None:
    if not callable(callback):
        raise TypeError("Parameter must be callable")


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=4)


@atexit.register
def _stop_all_pwm() -> None:
    for pwm in list(running.values()):
        try:
            pwm.stop()
        except RuntimeError:
            # The supervisor has gone, and the PWM with it.
            pass
