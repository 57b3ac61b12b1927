"""What is thrown: one class, with the codes of the protocol (docs/errors.md)."""

from __future__ import annotations

from typing import Any, Mapping

from .names import snake


class HoldfastError(Exception):
    """What the supervisor has refused, or why it can't be asked.

    ``code`` never changes its meaning and is for programs, ``message`` is a sentence for people. ``details`` has what else is known, under
    the names that the protocol has for it, in snake case: ``field``, ``holder``, ``remaining_ms``.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        # All of it are the exception's arguments, so that it can be pickled and sent to another process.
        super().__init__(code, message, dict(details or {}))
        self.code = code
        self.message = message
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @staticmethod
    def from_wire(error: Mapping[str, Any]) -> HoldfastError:
        """The error that a reply carries."""
        details = {snake(name): value for name, value in error.items() if name not in ("code", "message")}
        if isinstance(details.get("field"), str):
            details["field"] = snake(details["field"])
        return HoldfastError(str(error.get("code", "INTERNAL")), str(error.get("message", "")), details)
