"""By what a client on the network knows its supervisor, and is known to it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Optional

from .errors import HoldfastError


@dataclass(frozen=True)
class Credentials:
    """Nothing of it is for a Unix socket, where the kernel says who is who."""

    #: Shows which rights the client has.
    token: Optional[str]
    #: A PEM file of authorities, of which one must have signed the supervisor's certificate; None: those that this system trusts.
    ca: Optional[str]
    #: The SHA-256 of the one certificate that is trusted, whoever has signed it and for whatever host.
    fingerprint: Optional[str]
    #: PEM files of this client's own certificate, and of its key.
    certificate: Optional[str]
    key: Optional[str]

    @staticmethod
    def of(
        token: Optional[str], ca: Optional[str], fingerprint: Optional[str], certificate: Optional[str], key: Optional[str]
    ) -> Credentials:
        """Those that a program names, and those of the environment for what it does not.

        :raises HoldfastError: ``BAD_FIELD``
        """
        pinned = fingerprint or os.environ.get("HOLDFAST_FINGERPRINT")
        return Credentials(
            token or os.environ.get("HOLDFAST_TOKEN") or None,
            ca or os.environ.get("HOLDFAST_CA") or None,
            _comparable(pinned) if pinned else None,
            certificate or os.environ.get("HOLDFAST_CERTIFICATE") or None,
            key or os.environ.get("HOLDFAST_KEY") or None,
        )


def _comparable(fingerprint: str) -> str:
    digits = fingerprint.replace(":", "").lower()
    if re.fullmatch("[0-9a-f]{64}", digits) is None:
        raise HoldfastError("BAD_FIELD", "fingerprint: must be a SHA-256, 64 hexadecimal digits", {"field": "fingerprint"})
    return digits
