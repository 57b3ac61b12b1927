"""What the revision code of a Raspberry Pi says.

https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#raspberry-pi-revision-codes
"""

from __future__ import annotations

import os
from typing import Dict, Union

from ..client import Client

_TYPES = {
    0x00: "Model A", 0x01: "Model B", 0x02: "Model A+", 0x03: "Model B+", 0x04: "Pi 2 Model B", 0x06: "Compute Module 1",
    0x08: "Pi 3 Model B", 0x09: "Zero", 0x0A: "Compute Module 3", 0x0C: "Zero W", 0x0D: "Pi 3 Model B+", 0x0E: "Pi 3 Model A+",
    0x10: "Compute Module 3+", 0x11: "Pi 4 Model B", 0x12: "Zero 2 W", 0x13: "Pi 400", 0x14: "Compute Module 4", 0x15: "Compute Module 4S",
    0x17: "Pi 5 Model B", 0x18: "Compute Module 5", 0x19: "Pi 500", 0x1A: "Compute Module 5 Lite",
}  # fmt: skip
_MAKERS = ["Sony UK", "Egoman", "Embest", "Sony Japan", "Embest", "Stadium"]
_PROCESSORS = ["BCM2835", "BCM2836", "BCM2837", "BCM2711", "BCM2712"]
_MEMORIES = ["256M", "512M", "1GB", "2GB", "4GB", "8GB", "16GB"]

#: Those whose header, if there is one, is not the 40-pin one.
_WITHOUT_HEADER = frozenset({0x06, 0x0A, 0x10, 0x14, 0x15, 0x18, 0x1A})

Info = Dict[str, Union[int, str]]


def info_of(client: Client) -> Info:
    """What ``RPI_INFO`` is: of the board that the supervisor is on, or the one that ``HOLDFAST_REVISION`` says."""
    said = os.environ.get("HOLDFAST_REVISION")
    revision = client.status().board_revision if said is None else int(said, 16)
    if revision is None:
        raise RuntimeError("This module can only be run on a Raspberry Pi!")
    kind = revision >> 4 & 0xFF
    return {
        "P1_REVISION": 0 if kind in _WITHOUT_HEADER else 2 if kind < 2 else 3,
        "REVISION": f"{revision:x}",
        "TYPE": _TYPES.get(kind, "Unknown"),
        "MANUFACTURER": _of(_MAKERS, revision >> 16 & 0xF),
        "PROCESSOR": _of(_PROCESSORS, revision >> 12 & 0xF),
        "RAM": _of(_MEMORIES, revision >> 20 & 0x7),
    }


def _of(names: list[str], number: int) -> str:
    return names[number] if number < len(names) else "Unknown"
