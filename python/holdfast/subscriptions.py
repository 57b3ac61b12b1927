"""The subscriptions of one client, which outlive its connection."""

from __future__ import annotations

import threading
from typing import Any, Mapping, Optional, Protocol

from .connection import Connection
from .errors import HoldfastError


class Subscriber(Protocol):
    """Where the events of one subscription go. All but the fields is called in threads that must not wait."""

    #: The operation that begins it, and its fields.
    op: str
    fields: Mapping[str, Any]

    def begun(self, reply: Mapping[str, Any]) -> None:
        """It has begun; again, after a reconnection."""

    def push(self, event: Mapping[str, Any], connection: Connection) -> None:
        """An event has come, as it is on the wire."""

    def finish(self, failure: Optional[HoldfastError]) -> None:
        """No more events come; None: as it should be."""


class Subscriptions:
    """Who gets which event."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Until the program leaves them, or they end.
        self._wanted: list[Subscriber] = []
        #: Those of this connection, by their numbers.
        self._by_sub: dict[int, Subscriber] = {}
        #: Those that have been asked for on this connection.
        self._asked: list[Subscriber] = []

    def add(self, subscriber: Subscriber, connection: Connection, timeout_ms: Optional[float]) -> None:
        """Begins one.

        :raises HoldfastError: as the operation does
        """
        with self._lock:
            self._wanted.append(subscriber)
        try:
            self._subscribe(subscriber, connection, timeout_ms)
        except BaseException:
            self.leave(subscriber, connection)
            raise

    def leave(self, subscriber: Subscriber, connection: Optional[Connection]) -> None:
        """The program has left this one; nothing is delivered to it any more."""
        self._forget(subscriber)
        with self._lock:
            left = [sub for sub, known in self._by_sub.items() if known is subscriber]
            for sub in left:
                del self._by_sub[sub]
        for sub in left:
            if connection is not None:
                connection.send("unwatch", {"sub": sub})

    def deliver(self, event: Mapping[str, Any], connection: Connection) -> None:
        """An event has come."""
        is_end = event["ev"] == "end"
        with self._lock:
            subscriber = self._by_sub.pop(event["sub"], None) if is_end else self._by_sub.get(event["sub"])
        if subscriber is None:
            # It was on its way when the program left. Nobody else is given the slot before it is released.
            if event["ev"] == "frame":
                connection.send("slot.release", {"lease": event["lease"]})
        elif is_end:
            self._forget(subscriber)
            subscriber.finish(_ended_by(str(event["reason"])))
        else:
            subscriber.push(event, connection)

    def lost(self) -> None:
        """The connection has gone, and the numbers with it."""
        with self._lock:
            self._by_sub.clear()
            self._asked.clear()

    def finish(self, failure: Optional[HoldfastError]) -> None:
        """No event comes any more."""
        self.lost()
        with self._lock:
            finished = list(self._wanted)
            self._wanted.clear()
        for subscriber in finished:
            subscriber.finish(failure)

    def restore(self, connection: Connection, timeout_ms: Optional[float]) -> None:
        """Subscribes again on a new connection. What can't be had any more ends with the error.

        :raises HoldfastError: ``DISCONNECTED`` when that connection has gone too
        """
        with self._lock:
            wanted = list(self._wanted)
        for subscriber in wanted:
            with self._lock:
                # The program may have begun it on the new connection, or left it since.
                if subscriber in self._asked or subscriber not in self._wanted:
                    continue
            try:
                self._subscribe(subscriber, connection, timeout_ms)
            except HoldfastError as error:
                if error.code == "DISCONNECTED":
                    raise
                self._forget(subscriber)
                subscriber.finish(error)

    def _subscribe(self, subscriber: Subscriber, connection: Connection, timeout_ms: Optional[float]) -> None:
        with self._lock:
            self._asked.append(subscriber)

        def arrived(reply: Mapping[str, Any]) -> None:
            with self._lock:
                is_wanted = subscriber in self._wanted
                if is_wanted:
                    self._by_sub[reply["sub"]] = subscriber
            if is_wanted:
                subscriber.begun(reply)
            else:
                unwanted(reply)

        def unwanted(reply: Mapping[str, Any]) -> None:
            connection.send("unwatch", {"sub": reply["sub"]})

        connection.begin(subscriber.op, subscriber.fields, arrived, unwanted).wait(timeout_ms)

    def _forget(self, subscriber: Subscriber) -> None:
        with self._lock:
            for known in (self._wanted, self._asked):
                if subscriber in known:
                    known.remove(subscriber)


def _ended_by(reason: str) -> Optional[HoldfastError]:
    """Of codes that say what went wrong; of a pin that was closed as its holder wanted there is nothing to say."""
    return None if reason == "CLOSED" else HoldfastError(reason, "the subscription has ended")
