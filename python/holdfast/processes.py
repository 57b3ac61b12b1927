"""Processes that the supervisor starts and looks after (docs/processes.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

ProcessState = Literal["stopped", "waiting", "starting", "running", "stopping", "backoff", "done", "failed"]


@dataclass(frozen=True)
class ProcessEnd:
    """How a process came to its end by itself."""

    reason: Literal["exited", "killed", "silent", "unstartable"]
    #: Of ``exited``.
    status: Optional[int]
    #: Of ``killed``.
    signal: Optional[str]
    #: Of ``unstartable``.
    message: Optional[str]


@dataclass(frozen=True)
class ProcessInfo:
    """One supervised process."""

    process: str
    state: ProcessState
    #: For how long it has been in this state.
    state_ms: float
    #: Also the number of its group; None: it does not run.
    pid: Optional[int]
    #: The program and its arguments.
    command: list[str]
    restart: Literal["always", "on-failure", "never"]
    #: What it is started after.
    after: list[str]
    #: Those of them that are not there yet; empty unless it is waiting.
    waits_for: list[str]
    #: How often it was started, by whomever.
    starts: int
    #: How often it was started again by itself, within the window that counts.
    restarts: int
    #: When it is started again; None: it is not in backoff.
    next_start_ms: Optional[float]
    #: How it ended last by itself; None: it has not, since it was started.
    end: Optional[ProcessEnd]
    #: So often it must send a request; None: it need not.
    heartbeat_ms: Optional[float]
    #: Since its last request; None: it has no heartbeat, or has sent none.
    heard_ms: Optional[float]
