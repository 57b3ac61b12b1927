"""The client of a supervisor."""

from __future__ import annotations

import os
import sys
from functools import partial
from types import TracebackType
from typing import Any, Callable, Literal, Optional, Sequence, Type, TypeVar, Union

from .actors import ActorDescription, ActorEvent, ActorInfo, Transition, whole
from .address import UnixAddress, addresses
from .cameras import CameraFormat, CameraInfo, CameraSnapshot
from .credentials import Credentials
from .dial import dial
from .errors import HoldfastError
from .events import EventStream, Watch
from .held_pin import HeldPin, PinName
from .parsed import parsed
from .pins import InputPin, OutputPin
from .pool import FramePool
from .pool_info import PoolInfo, PoolLayout
from .replies import Bias, CloseLevel, Drive, Edge, Level, Mode, OnDisconnect, PinInfo, Reading, StateChange, Status
from .session import Patience, Session
from .processes import ProcessInfo
from .user_actors import UserActorInfo
from .topics import NO_VALUE, Message, TopicInfo

#: How long a supervisor may take to answer a request that has nothing to wait for, in ms, unless the program says otherwise.
DEFAULT_TIMEOUT_MS = 10_000

_MOST_CHARACTERS_OF_A_NAME = 64

P = TypeVar("P", bound=HeldPin)


def connect(
    address: Union[str, os.PathLike[str], None] = None,
    *,
    name: Optional[str] = None,
    token: Optional[str] = None,
    ca: Optional[str] = None,
    fingerprint: Optional[str] = None,
    certificate: Optional[str] = None,
    key: Optional[str] = None,
    reconnect: bool = False,
    timeout_ms: Optional[float] = DEFAULT_TIMEOUT_MS,
    on_connection: Optional[Callable[[Literal["lost", "back"]], None]] = None,
    on_given_up: Optional[Callable[[str, HoldfastError], None]] = None,
) -> Client:
    """Connects to a running supervisor.

    :param address: ``unix:/path`` or a path; ``holdfast://host:port``, or without TLS ``holdfast+tcp://host:port``; default: ``HOLDFAST_URL``, ``HOLDFAST_SOCKET``, or else the
        first that a supervisor answers on of ``$XDG_RUNTIME_DIR/holdfast.sock`` and ``/run/holdfast/holdfast.sock``
    :param name: what others see as the holder of its pins; default: the program's
    :param token: shows a supervisor on the network which rights the client has; default: ``HOLDFAST_TOKEN``
    :param ca: PEM file of the authorities of which one must have signed the supervisor's certificate, which must be for the host that is
        dialled; default: ``HOLDFAST_CA``, else the authorities that this system trusts
    :param fingerprint: SHA-256 of the only certificate that is trusted, whoever has signed it; default: ``HOLDFAST_FINGERPRINT``
    :param certificate: PEM file of this client's own, where the supervisor asks for one; default: ``HOLDFAST_CERTIFICATE``
    :param key: PEM file of its key; default: ``HOLDFAST_KEY``
    :param reconnect: dial again when the connection is lost, with growing pauses, and open and watch again what was open and watched.
        Requests under way fail with ``DISCONNECTED`` all the same: whether they were done can't be known.
    :param timeout_ms: how long the supervisor may take to answer; None: for ever
    :param on_connection: told when the connection is lost, and when it is back
    :param on_given_up: told of each pin that could not be opened again with the connection: this client does not hold it any more
    :raises HoldfastError: ``NOT_RUNNING``, ``SOCKET_PATH``, ``PERMISSION_DENIED``, ``TLS_FAILED``, ``FORBIDDEN``, ``LIMIT_CLIENTS``,
        ``BAD_PROTOCOL``; ``BAD_FIELD`` for an address or a fingerprint that is none
    """
    credentials = Credentials.of(token, ca, fingerprint, certificate, key)
    called = name or _name_of_program()
    silent = []
    candidates = addresses(address)
    for candidate in candidates:
        try:
            session = Session(
                partial(dial, candidate, credentials, timeout_ms),
                name=called[:_MOST_CHARACTERS_OF_A_NAME],
                token=None if isinstance(candidate, UnixAddress) else credentials.token,
                reconnect=reconnect,
                timeout_ms=timeout_ms,
                on_connection=on_connection,
                on_given_up=on_given_up,
            )
            return Client(session)
        except HoldfastError as error:
            if error.code != "NOT_RUNNING":
                raise
            silent.append(f"{candidate}: {error.details.get('reason')}")
    raise HoldfastError("NOT_RUNNING", f"no supervisor answers on {'; nor on '.join(silent)}", {"paths": [str(each) for each in candidates]})


def _name_of_program() -> str:
    """The name of its file. What is no text in it is shown as Python shows it."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return name.encode(errors="backslashreplace").decode() or "python"


class Client:
    """A client of a supervisor. Any thread may use it; each call waits for the supervisor's answer. Leaving its scope closes it."""

    def __init__(self, session: Session) -> None:
        """For ``connect``."""
        self._session = session

    def request(self, op: str, *, timeout_ms: Patience = "default", **fields: Any) -> dict[str, Any]:
        """Sends any request of the protocol, and returns the reply. Names are Python's: ``duration_ms``. Fields that are None are left out.

        :param timeout_ms: how long the reply may take; None: for ever; default: what ``connect`` was told, and the request's own ``wait_ms``
        :raises HoldfastError: what the supervisor answers; ``DISCONNECTED``
        :raises TimeoutError: it does not answer in time; whether it has done what was asked can't be known
        """
        return self._session.request(op, fields, timeout_ms)

    def output(
        self,
        pin: PinName,
        *,
        initial: Union[Level, Sequence[Level], None] = None,
        share: Optional[bool] = None,
        mode: Optional[Mode] = None,
        bias: Optional[Bias] = None,
        drive: Optional[Drive] = None,
        active_low: Optional[bool] = None,
        on_disconnect: Optional[OnDisconnect] = None,
        close_level: Optional[CloseLevel] = None,
        frequency_hz: Optional[float] = None,
        max_on_ms: Optional[float] = None,
        heartbeat_ms: Optional[float] = None,
        wait_ms: Optional[float] = None,
    ) -> OutputPin:
        """Holds a pin as an output. docs/pins.md has what the settings mean; what is not said is the supervisor's default.

        :raises HoldfastError: ``PIN_BUSY``, ``PIN_CONFLICT``, ``PIN_CLOSING``, ``LINE_BUSY``, …
        """
        settings: dict[str, Any] = {
            "initial": initial,
            "share": share,
            "mode": mode,
            "bias": bias,
            "drive": drive,
            "active_low": active_low,
            "on_disconnect": on_disconnect,
            "close_level": close_level,
            "frequency_hz": frequency_hz,
            "max_on_ms": max_on_ms,
            "heartbeat_ms": heartbeat_ms,
            "wait_ms": wait_ms,
        }
        return self._open(OutputPin(self._session, str(pin), settings))

    def input(
        self,
        pin: PinName,
        *,
        bias: Optional[Bias] = None,
        active_low: Optional[bool] = None,
        debounce_us: Optional[int] = None,
        on_disconnect: Optional[OnDisconnect] = None,
        heartbeat_ms: Optional[float] = None,
        wait_ms: Optional[float] = None,
    ) -> InputPin:
        """Holds a pin as an input.

        :raises HoldfastError: ``PIN_CONFLICT``, ``PIN_BUSY``, ``LINE_BUSY``, …
        """
        settings: dict[str, Any] = {
            "bias": bias,
            "active_low": active_low,
            "debounce_us": debounce_us,
            "on_disconnect": on_disconnect,
            "heartbeat_ms": heartbeat_ms,
            "wait_ms": wait_ms,
        }
        return self._open(InputPin(self._session, str(pin), settings))

    def read(self, pin: PinName) -> Reading:
        """The level of any pin now; it need not be open."""
        return parsed(Reading, self.request("read", pin=str(pin)))

    def observe(self, pin: PinName) -> EventStream[StateChange]:
        """What a pin does, from now on: its ``state``, then an event for each change of state or command. It need not be open."""
        return EventStream(self._session, "observe", {"pin": str(pin)})

    def on_state(
        self,
        pin: PinName,
        callback: Callable[[StateChange], None],
        *,
        on_end: Optional[Callable[[Optional[HoldfastError]], None]] = None,
    ) -> Watch:
        """Calls the program with each change of a pin's state or command, on the background thread. The pin need not be open."""
        return Watch(self._session, "observe", {"pin": str(pin)}, callback, on_end)

    def publish(self, topic: str, value: Any = NO_VALUE, *, retain: bool = False) -> int:
        """Tells everyone who has subscribed to a topic, and returns how many subscriptions that are.

        A value is anything that CBOR carries: numbers, texts, bytes, lists, dictionaries, booleans, None. Without one it is a mere sign; with
        ``retain`` it takes away the value that the topic keeps.

        :param retain: the topic keeps the value, and tells it to whoever subscribes later
        :raises HoldfastError: ``BAD_FIELD``, ``LIMIT_TOPICS``, ``LIMIT_MESSAGE``, ``FORBIDDEN``
        """
        fields = {} if value is NO_VALUE else {"value": value}
        subscribers: int = self.request("topic.publish", topic=topic, retain=retain, **fields)["subscribers"]
        return subscribers

    def topic(self, topic: str) -> EventStream[Message]:
        """The messages of topics, from now on: ``door/+/state``, ``door/#``. Those that keep a value tell it first, and again after a reconnection.

        :raises HoldfastError: ``BAD_FIELD``, ``LIMIT_SUBSCRIPTIONS``, ``FORBIDDEN``
        """
        return EventStream(self._session, "topic.subscribe", {"topic": topic})

    def on_message(
        self,
        topic: str,
        callback: Callable[[Message], None],
        *,
        on_end: Optional[Callable[[Optional[HoldfastError]], None]] = None,
    ) -> Watch:
        """Calls the program with each message of topics, on the background thread."""
        return Watch(self._session, "topic.subscribe", {"topic": topic}, callback, on_end)

    def topics(self) -> list[TopicInfo]:
        """Every topic that keeps a value, without the values."""
        return [parsed(TopicInfo, topic) for topic in self.request("topics")["topics"]]

    def processes(self) -> list[ProcessInfo]:
        """Every process that the supervisor looks after; none for a client without the right ``admin``."""
        return [parsed(ProcessInfo, process) for process in self.request("processes")["processes"]]

    def start_process(self, process: str) -> ProcessInfo:
        """Starts a process, after those that it needs, and returns when it runs or has ended well.

        :raises HoldfastError: ``PROCESS_UNKNOWN``, ``PROCESS_FAILED``, ``FORBIDDEN``
        """
        return parsed(ProcessInfo, self.request("process.start", process=process, timeout_ms=None))

    def stop_process(self, process: str, hard: bool = False) -> ProcessInfo:
        """Asks a process to end, or ends it at once, and returns when nobody of its group is left.

        :raises HoldfastError: ``PROCESS_UNKNOWN``, ``FORBIDDEN``
        """
        return parsed(ProcessInfo, self.request("process.stop", process=process, hard=hard, timeout_ms=None))

    def restart_process(self, process: str) -> ProcessInfo:
        """The one, then the other.

        :raises HoldfastError: ``PROCESS_UNKNOWN``, ``PROCESS_FAILED``, ``FORBIDDEN``
        """
        return parsed(ProcessInfo, self.request("process.restart", process=process, timeout_ms=None))

    def cameras(self) -> list[CameraInfo]:
        """Every camera whose pool this client may use."""
        return [parsed(CameraInfo, camera) for camera in self.request("cameras")["cameras"]]

    def start_camera(self, camera: str) -> CameraInfo:
        """Starts a camera, and returns when its first frame is in its pool.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``FORBIDDEN``, and why it does not capture: ``DEVICE_BUSY``, ``CAMERA_STALLED``, …
        """
        return parsed(CameraInfo, self.request("camera.start", camera=camera, timeout_ms=None))

    def stop_camera(self, camera: str, hard: bool = False) -> CameraInfo:
        """Ends a camera's capture, or at once, and returns when nothing is left of it, its pool included.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``FORBIDDEN``
        """
        return parsed(CameraInfo, self.request("camera.stop", camera=camera, hard=hard, timeout_ms=None))

    def pause_camera(self, camera: str) -> CameraInfo:
        """Has a camera publish nothing until it is resumed or started anew; its device stays open.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``CAMERA_STOPPED``, …
        """
        return parsed(CameraInfo, self.request("camera.pause", camera=camera, timeout_ms=None))

    def resume_camera(self, camera: str) -> CameraInfo:
        """Has a camera that is paused publish again.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``CAMERA_STOPPED``, …
        """
        return parsed(CameraInfo, self.request("camera.resume", camera=camera, timeout_ms=None))
    def start_actor(self, actor: str) -> UserActorInfo:
        """Starts a user's actor, and returns when it runs or has ended well.

        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``ACTOR_FAILED``, ``FORBIDDEN``
        """
        return parsed(UserActorInfo, self.request("actor.start", actor=actor, timeout_ms=None))

    def stop_actor(self, actor: str, hard: bool = False) -> UserActorInfo:
        """Asks a user's actor to end, or ends it at once, and returns when nothing is left of it.

        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``FORBIDDEN``
        """
        return parsed(UserActorInfo, self.request("actor.stop", actor=actor, hard=hard, timeout_ms=None))

    def restart_actor(self, actor: str) -> UserActorInfo:
        """The one, then the other.

        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``ACTOR_FAILED``, ``FORBIDDEN``
        """
        return parsed(UserActorInfo, self.request("actor.restart", actor=actor, timeout_ms=None))

    def reload(self) -> None:
        """Has the supervisor read its configuration again, and swap users' actors whose files have changed.

        :raises HoldfastError: ``BAD_CONFIG``, ``BAD_ACTOR``, ``ACTOR_FAILED``, ``FORBIDDEN``
        """
        self.request("reload", timeout_ms=None)

    def actors(self, address: Optional[str] = None) -> list[ActorInfo]:
        """The supervisor, and below it open pins, pools and their slots, processes and clients, as far as this client may see them.

        :param address: only that one and all below it
        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``FORBIDDEN``
        """
        return [parsed(ActorInfo, actor) for actor in self.request("actors", address=address)["actors"]]

    def describe_actor(self, address: str) -> ActorDescription:
        """What an actor is: its machine, and the events that it takes.

        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``FORBIDDEN``
        """
        return parsed(ActorDescription, self.request("actor.describe", address=address))

    def send(self, address: str, event: ActorEvent) -> None:
        """Sends an actor an event, and returns when it has taken it: ``"open"``, or with fields, which are the actor's: ``{"type": "on", "durationMs": 500}``.

        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``EVENT_UNKNOWN``, ``EVENT_INVALID``, ``FORBIDDEN``, and what an operation raises that the event is
        """
        self.request("actor.send", address=address, event=whole(event), timeout_ms=None)

    def ask(self, address: str, event: ActorEvent, *, timeout_ms: Optional[float] = None) -> Any:
        """The same, and returns what the actor answers; of an operation its reply.

        :param timeout_ms: how long the answer may take; default: 5 s
        :raises HoldfastError: as ``send``; ``ASK_TIMEOUT``: it may yet do what it was asked
        """
        return self._session.request("actor.ask", {"address": address, "event": whole(event), "timeout_ms": timeout_ms}).get("reply")

    def observe_actor(self, address: str) -> EventStream[Transition]:
        """What an actor does, from now on: the state that it is in, then each transition.

        :raises HoldfastError: ``ACTOR_UNKNOWN``, ``FORBIDDEN``
        """
        return EventStream(self._session, "observe", {"address": address})

    def trace(self, address: Optional[str] = None) -> EventStream[Union[Transition, Edge]]:
        """The same of an actor and all below it, of those that come to be, too; with the edges of its pins that this client may watch.

        :param address: default: all that this client may see
        """
        return EventStream(self._session, "trace", {"address": address})

    def set_camera_fps(self, camera: str, fps: float) -> CameraInfo:
        """Has a camera bring more or fewer frames a second, and returns with the first of them.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``CAMERA_STOPPED``, …
        """
        return parsed(CameraInfo, self.request("camera.fps", camera=camera, fps=fps, timeout_ms=None))

    def preview_camera(self, camera: str, on: bool) -> CameraInfo:
        """Begins or ends the preview of a camera, in the pool ``NAME-preview``. Returns when its first frame is there, or nothing of it is left.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``CAMERA_STOPPED``, …
        """
        return parsed(CameraInfo, self.request("camera.preview", camera=camera, on=on, timeout_ms=None))

    def save_camera(self, camera: str, on: bool) -> CameraInfo:
        """Begins or ends to save what a camera captures, as it is configured. Returns when something is written, or all of it.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``CAMERA_STOPPED``, ``SAVE_FAILED``, ``BAD_CONFIG``, …
        """
        return parsed(CameraInfo, self.request("camera.save", camera=camera, on=on, timeout_ms=None))

    def snapshot_camera(self, camera: str) -> CameraSnapshot:
        """Saves the next frame of a camera as a JPEG picture in the folder that is configured, and returns when its file is there.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``CAMERA_STOPPED``, ``SAVE_FAILED``, ``BAD_CONFIG``, …
        """
        return parsed(CameraSnapshot, self.request("camera.snapshot", camera=camera, timeout_ms=None))

    def create_camera(
        self,
        camera: str,
        *,
        pipeline: Union[str, Sequence[str]],
        width: int,
        height: int,
        source: Optional[str] = None,
        fps: Optional[float] = None,
        format: Optional[CameraFormat] = None,
        slots: Optional[int] = None,
        autostart: Optional[bool] = None,
        start_ms: Optional[float] = None,
        stall_periods: Optional[float] = None,
        restart: Optional[Literal["always", "on-failure", "never"]] = None,
        backoff_ms: Optional[float] = None,
        max_backoff_ms: Optional[float] = None,
        grace_ms: Optional[float] = None,
        preview: Optional[dict[str, Any]] = None,
        save: Optional[dict[str, Any]] = None,
    ) -> CameraInfo:
        """Adds a camera until the supervisor ends, and starts it unless ``autostart`` is false. docs/configuration.md has what the settings mean.

        :raises HoldfastError: ``CAMERA_EXISTS``, ``DEVICE_BUSY``, ``FORBIDDEN``
        """
        table: dict[str, Any] = {
            "pipeline": pipeline,
            "source": source,
            "width": width,
            "height": height,
            "fps": fps,
            "format": format,
            "slots": slots,
            "autostart": autostart,
            "start_ms": start_ms,
            "stall_periods": stall_periods,
            "restart": restart,
            "backoff_ms": backoff_ms,
            "max_backoff_ms": max_backoff_ms,
            "grace_ms": grace_ms,
            "preview": preview,
            "save": save,
        }
        return parsed(CameraInfo, self.request("camera.create", camera=camera, **table))

    def remove_camera(self, camera: str) -> None:
        """Ends a camera for good, and returns when nothing is left of it. One that is configured is back with the next reading of the configuration.

        :raises HoldfastError: ``CAMERA_UNKNOWN``, ``FORBIDDEN``
        """
        self.request("camera.remove", camera=camera, timeout_ms=None)

    def ping(self) -> None:
        """A sign of life, as any request is one: it keeps what was opened with ``heartbeat_ms``. Call it where the program's work goes on."""
        self.request("ping")

    def pins(self) -> list[PinInfo]:
        """Every line of every chip."""
        return [parsed(PinInfo, pin) for pin in self.request("pins")["pins"]]

    def create_pool(
        self,
        pool: str,
        *,
        slots: int,
        fourcc: Optional[str] = None,
        width: Optional[int] = None,
        height: Optional[int] = None,
        stride: Optional[int] = None,
        bytes: Optional[int] = None,
    ) -> FramePool:
        """Makes a pool of frames: of images, with ``fourcc`` (``"BGR3"``), ``width`` and ``height``, or just of ``bytes``.

        :raises HoldfastError: ``POOL_EXISTS``, ``FORMAT_UNKNOWN``, ``MEMORY_FULL``, ``MEMORY_FAILED``, ``LIMIT_POOLS``, …
        """
        size: dict[str, Any] = {"width": width, "height": height, "stride": stride, "bytes": bytes}
        layout = self.request("pool.create", pool=pool, slots=slots, fourcc=fourcc, **size)
        return FramePool(self._session, parsed(PoolLayout, layout))

    def pool(self, pool: str) -> FramePool:
        """A pool that there is, whoever made it.

        :raises HoldfastError: ``POOL_UNKNOWN``, ``POOL_GONE``, ``PERMISSION_DENIED``, ``MEMORY_FAILED``
        """
        return FramePool(self._session, parsed(PoolLayout, self.request("pool.open", pool=pool))).map()

    def pools(self) -> list[PoolInfo]:
        """Every pool, with its slots and who holds them."""
        return [parsed(PoolInfo, pool) for pool in self.request("pools")["pools"]]

    def status(self) -> Status:
        """The supervisor, its clients, its open pins and its pools."""
        return parsed(Status, self.request("status"))

    def sim_set(self, pin: PinName, level: Optional[Level]) -> None:
        """Drives the wire of a simulated line from outside, to a physical level; None lets go.

        :raises HoldfastError: ``NOT_SIMULATED``
        """
        self.request("sim.set", pin=str(pin), level=level)

    def sim_wire(self, pin: PinName, to: PinName) -> None:
        """Wires two simulated lines together.

        :raises HoldfastError: ``NOT_SIMULATED``
        """
        self.request("sim.wire", pin=str(pin), to=str(to))

    def shutdown(self, *, hard: bool = False) -> None:
        """Ends the supervisor, softly or at once."""
        self.request("shutdown", hard=hard)

    def close(self) -> None:
        """Ends the connection. What the client holds is closed softly, or stays, as it was opened."""
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def _open(self, pin: P) -> P:
        pin.open()
        return pin
