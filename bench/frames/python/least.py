"""The least that speaks to holdfast: `python3 least.py producer|consumer '{…}'`.

The run is described as for the other pools, with `socket`, `pool`, `path`, `payloadOffset`, `payloadStride`, `touch` and `deadlineMs`.
A consumer prints what it has seen as a line of JSON when the producer has ended.
"""

import json
import mmap
import os
import socket
import struct
import sys
from time import monotonic_ns

from measuring import Seen, pace, touch


def text(value):
    """A short text string of CBOR."""
    return bytes([0x60 + len(value)]) + value.encode()


# Requests are templates: every integer has its full width in them, so that only numbers need to be filled in.
PUBLISH = struct.Struct(">IB3sBI3s13s6sBQ6sBI12sBQ8sB")
RELEASE = struct.Struct(">IB3sBI3s13s6sBQ")
MAP, UINT32, UINT64, TRUE = 0xA0, 0x1A, 0x1B, 0xF5


def publish(number, lease, size, timestamp_ns):
    return PUBLISH.pack(
        PUBLISH.size - 4, MAP + 6, text("id"), UINT32, number, text("op"), text("slot.publish"), text("lease"), UINT64, lease,
        text("bytes"), UINT32, size, text("timestampNs"), UINT64, timestamp_ns, text("acquire"), TRUE,
    )  # fmt: skip


def release(number, lease):
    return RELEASE.pack(
        RELEASE.size - 4, MAP + 3, text("id"), UINT32, number, text("op"), text("slot.release"), text("lease"), UINT64, lease
    )


def request(number, op, pool, **fields):
    """Any request about a pool, with fields that are text or integers."""
    fields = {"id": number, "op": op, "pool": pool, **fields}
    body = bytes([MAP + len(fields)])
    for key, value in fields.items():
        body += text(key) + (text(value) if isinstance(value, str) else struct.pack(">BI", UINT32, value))
    return struct.pack(">I", len(body)) + body


def integer(message, key):
    """The integer behind a key. Fields have names that occur once in a message."""
    at = message.index(key) + len(key)
    head = message[at]
    if head < 24:
        return head
    return int.from_bytes(message[at + 1 : at + 1 + (1 << (head - 24))], "big")


SLOT, LEASE, BYTES, TIMESTAMP = text("slot"), text("lease"), text("bytes"), text("timestampNs")
FRAME, FAILED = text("ev") + text("frame"), text("error")


class Wire:
    """Whole messages over the socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.send = self.socket.sendall
        self.received = b""

    def receive(self):
        while True:
            received = self.received
            if len(received) >= 4:
                end = 4 + int.from_bytes(received[:4], "big")
                if len(received) >= end:
                    self.received = received[end:]
                    message = received[4:end]
                    if FAILED in message:
                        raise RuntimeError(message)
                    return message
            chunk = self.socket.recv(65536)
            if not chunk:
                raise RuntimeError("the supervisor has gone")
            self.received = received + chunk


def produce(run, wire):
    with open(run["path"], "r+b") as file:
        memory = memoryview(mmap.mmap(file.fileno(), 0))
    size, offset, stride, touched = run["bytes"], run["payloadOffset"], run["payloadStride"], run["touch"]
    image = bytes([7]) * size
    acquire = request(1, "slot.acquire", run["pool"])
    wire.send(acquire)
    grant = wire.receive()
    for _ in pace(run["runMs"], run["paceMs"]):
        if SLOT not in grant:
            wire.send(acquire)
            grant = wire.receive()
        if touched:
            at = offset + integer(grant, SLOT) * stride
            memory[at : at + size] = image
        wire.send(publish(2, integer(grant, LEASE), size, monotonic_ns()))
        grant = wire.receive()
    if SLOT not in grant:
        wire.send(acquire)
        grant = wire.receive()
    # A frame of no bytes says that it was the last.
    wire.send(publish(3, integer(grant, LEASE), 0, monotonic_ns()))
    wire.receive()


def consume(run, wire):
    file = os.open(run["path"], os.O_RDONLY)
    memory = memoryview(mmap.mmap(file, 0, prot=mmap.PROT_READ))
    offset, stride, touched = run["payloadOffset"], run["payloadStride"], run["touch"]
    wire.send(request(1, "frames.subscribe", run["pool"], policy="block", deadlineMs=run["deadlineMs"]))
    wire.receive()
    seen = Seen()
    while True:
        message = wire.receive()
        if FRAME not in message:
            continue
        size = integer(message, BYTES)
        if touched and size > 0:
            at = offset + integer(message, SLOT) * stride
            touch(memory[at : at + size])
        if size > 0:
            seen.frame(integer(message, TIMESTAMP))
        wire.send(release(2, integer(message, LEASE)))
        if size == 0:
            break
    seen.tell()


def main():
    run = json.loads(sys.argv[2])
    (produce if sys.argv[1] == "producer" else consume)(run, Wire(run["socket"]))


if __name__ == "__main__":
    main()
