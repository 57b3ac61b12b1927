"""The pin factory: where gpiozero's devices get their pins."""

from __future__ import annotations

import os
import time
from typing import Any, List, Optional, Type

from gpiozero import Device, PinSPIUnsupported, PinUnknownPi
from gpiozero.pins.local import (
    LocalPiHardwareSPI,
    LocalPiHardwareSPIShared,
    LocalPiSoftwareSPI,
    LocalPiSoftwareSPIShared,
)
from gpiozero.pins.pi import PiFactory

from ..address import UnixAddress, addresses
from ..background import logger
from ..client import connect
from ..errors import HoldfastError
from ..physical_line import PhysicalLine
from ..process_client import ProcessClient
from .pin import HoldfastPin


class HoldfastFactory(PiFactory):
    """The pins of a supervisor: that of this board, or of another one.

    ``HOLDFAST_SOCKET`` or ``HOLDFAST_URL`` say which supervisor, ``HOLDFAST_SHARE=1`` that other programs may drive this one's outputs
    too, and ``HOLDFAST_REVISION`` which Raspberry Pi it is, where the supervisor does not know. One connection serves the whole process;
    it is made when it is needed, and made again when the supervisor has been restarted.
    """

    def __init__(self, address: Optional[str] = None, *, token: Optional[str] = None, share: Optional[bool] = None) -> None:
        """
        :param address: where the supervisor is, as ``holdfast.connect`` takes it; None: as the environment says
        :param share: outputs may have other holders that say the same; None: as the environment says
        """
        super().__init__()
        self.pin_class = HoldfastPin
        self.share = os.environ.get("HOLDFAST_SHARE", "") not in ("", "0") if share is None else share
        self._address = address
        #: The connection to the supervisor.
        self.client = ProcessClient(lambda: connect(address, token=token, reconnect=True, on_connection=self._connection_is))
        #: By how much the supervisor's clock is ahead of this machine's; None: that is not known yet.
        self._ahead_ns: Optional[int] = None

    def close(self) -> None:
        """Gives all pins back, and ends the connection."""
        super().close()
        self.client.close()
        self._ahead_ns = None

    def __enter__(self) -> HoldfastFactory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ticks(self) -> int:
        """Now, in ns of the supervisor's CLOCK_MONOTONIC, by which edges are dated."""
        return time.monotonic_ns() + (self._ahead_ns or 0)

    @staticmethod
    def ticks_diff(later: int, earlier: int) -> float:
        """The time between two ticks, in s."""
        return (later - earlier) / 1e9

    @property
    def knows_clock(self) -> bool:
        """Whether it is known what the supervisor's clock says."""
        return self._ahead_ns is not None

    def learn_clock(self, line: PhysicalLine) -> None:
        """Finds out by an open line what the supervisor's clock says. On the same machine it is the same clock."""
        before = time.monotonic_ns()
        there = line.timestamp_ns()
        after = time.monotonic_ns()
        self._ahead_ns = 0 if before <= there <= after else there - (before + after) // 2

    def users(self, key: Any) -> List[Device]:
        """The devices that have reserved a pin. :param key: what the factory calls it"""
        return [device for device in (reserved() for reserved in self._reservations[key]) if device is not None]

    def _get_revision(self) -> int:
        said = os.environ.get("HOLDFAST_REVISION")
        revision = self.client.get().status().board_revision if said is None else int(said, 16)
        if revision is None:
            raise PinUnknownPi("the supervisor is not on a Raspberry Pi: say with HOLDFAST_REVISION=c03114 which one its header is like")
        return revision

    def _get_spi_class(self, shared: bool, hardware: bool) -> Type[Any]:
        if hardware and not self._is_local:
            raise PinSPIUnsupported("the SPI of another machine can't be used")
        kinds: List[Type[Any]] = [LocalPiSoftwareSPI, LocalPiSoftwareSPIShared, LocalPiHardwareSPI, LocalPiHardwareSPIShared]
        return kinds[2 * hardware + shared]

    @property
    def _is_local(self) -> bool:
        """Whether this is the machine that the pins are on."""
        return all(isinstance(each, UnixAddress) for each in addresses(self._address))

    def _connection_is(self, state: str) -> None:
        if state != "back":
            return
        try:
            for pin in list(self.pins.values()):
                pin.restore()
        except HoldfastError as error:
            # There will be another one, or the next use of a pin tells.
            logger.debug("the pins are not all as they were: %s", error)
