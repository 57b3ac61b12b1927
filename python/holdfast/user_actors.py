"""Users' actors that the supervisor runs and looks after (docs/actors.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

from .processes import ProcessState


@dataclass(frozen=True)
class UserActorEnd:
    """How a user's actor came to its end by itself, and what is known of its failure."""

    reason: Literal["done", "failed", "blocked", "unstartable"]
    #: Of the error; None: it is done.
    code: Optional[str]
    message: Optional[str]
    #: Where it has failed, as far as that is known.
    file: Optional[str]
    line: Optional[int]
    column: Optional[int]


@dataclass(frozen=True)
class UserActorInfo:
    """One user's actor."""

    actor: str
    #: That it is made from; None: it is the program's own.
    file: Optional[str]
    state: ProcessState
    #: For how long it has been in this state.
    state_ms: float
    restart: Literal["always", "on-failure", "never"]
    #: How often it was started, by whomever.
    starts: int
    #: How often it was started again by itself, within the window that counts.
    restarts: int
    #: When it is started again; None: it is not in backoff.
    next_start_ms: Optional[float]
    #: How it ended last by itself; None: it has not, since it was started.
    end: Optional[UserActorEnd]
