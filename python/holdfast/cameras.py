"""Cameras that the supervisor runs (docs/cameras.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

CameraState = Literal["stopped", "starting", "capturing", "paused", "stopping", "backoff", "failed"]
CameraFormat = Literal["BGR3", "RGB3", "NV12", "YU12", "GREY", "MJPG", "H264"]


@dataclass(frozen=True)
class CameraFault:
    """How a camera has failed."""

    #: Of an error.
    code: str
    message: str


@dataclass(frozen=True)
class CameraCounters:
    """What has been counted since the supervisor started; up to a second old."""

    #: That have come whole from the source, also those behind it.
    frames: int
    #: For which there was no slot.
    skipped: int
    #: That came while it was paused.
    discarded: int
    #: That ended before their end.
    truncated: int


@dataclass(frozen=True)
class CameraPartInfo:
    """What is done with the frames of a camera."""

    state: Literal["off", "starting", "on", "stopping", "backoff", "failed"]
    #: Of its process; None: there is none.
    pid: Optional[int]
    #: That it has taken.
    frames: int
    #: That it has written.
    files: int
    #: That it has written.
    bytes: int
    #: How it failed last; None: it has not, since it was begun.
    fault: Optional[CameraFault]


@dataclass(frozen=True)
class CameraInfo:
    """One camera. Of its frames its pool, which has the same name, tells more."""

    camera: str
    state: CameraState
    #: For how long it has been in this state.
    state_ms: float
    #: By its name, or the command: a list.
    pipeline: Any
    #: None: as the pipeline has it.
    source: Optional[str]
    width: int
    height: int
    #: That it is asked for, a second.
    fps: float
    format: CameraFormat
    slots: int
    #: Of its capture process; None: there is none.
    pid: Optional[int]
    #: How often that was started, by whomever.
    starts: int
    #: When it is started again; None: it is not in backoff.
    next_start_ms: Optional[float]
    #: Since its last frame was published; None: none was since it was started.
    frame_ms: Optional[float]
    counters: CameraCounters
    #: How it failed last; None: it has not, since somebody started it.
    fault: Optional[CameraFault]
    #: Small JPEG frames in a second pool, ``NAME-preview``.
    preview: CameraPartInfo
    #: What is written to files.
    save: CameraPartInfo


@dataclass(frozen=True)
class CameraSnapshot:
    """A frame that was saved as a JPEG picture."""

    #: Its path.
    file: str
    bytes: int
    #: Of the frame, as its pool counts.
    seq: int
    #: Of its capture, nanoseconds of ``CLOCK_MONOTONIC``.
    timestamp_ns: int
