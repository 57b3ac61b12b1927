"""How channels are numbered: as on the board, or as the processor does it."""

from __future__ import annotations

from typing import Any, List, Optional

BOARD = 10
BCM = 11

#: The GPIO numbers of the pins of the header.
_GPIO_BY_BOARD = {
    3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10, 21: 9, 22: 25, 23: 11, 24: 8, 26: 7,
    27: 0, 28: 1, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16, 37: 26, 38: 20, 40: 21,
}  # fmt: skip

_mode: Optional[int] = None


def setmode(mode: int) -> None:
    """Says how channels are numbered: ``BOARD`` or ``BCM``."""
    global _mode
    if _mode not in (None, mode):
        raise ValueError("A different mode has already been set!")
    if mode not in (BOARD, BCM):
        raise ValueError("An invalid mode was passed to setmode()")
    _mode = mode


def getmode() -> Optional[int]:
    """``BOARD``, ``BCM``, or None: it has not been said."""
    return _mode


def forget_mode() -> None:
    """Nothing is said any more."""
    global _mode
    _mode = None


def gpio_of(channel: Any) -> int:
    """The GPIO number of a channel."""
    if not isinstance(channel, int):
        raise ValueError("Channel must be an integer")
    if _mode is None:
        raise RuntimeError("Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)")
    gpio = channel if _mode == BCM else _GPIO_BY_BOARD.get(channel, -1)
    if not 0 <= gpio <= 53:
        raise ValueError("The channel sent is invalid on a Raspberry Pi")
    return gpio


def listed(channels: Any) -> List[Any]:
    """One channel or several, as several."""
    if isinstance(channels, (list, tuple)):
        return list(channels)
    if not isinstance(channels, int):
        raise ValueError("Channel must be an integer or list/tuple of integers")
    return [channels]
