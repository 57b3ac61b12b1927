"""Bytes: what is sent, and what a supervisor that is none may send."""

import random
import socket
import threading

import cbor2
import holdfast
import numpy as np
import pytest
from holdfast.backlog import BACKLOG_EVENTS, Backlog
from holdfast.replies import Edge, Silence
from holdfast.wire import FrameReader, encode


def framed(body):
    return len(body).to_bytes(4, "big") + body


def code_of(act):
    """The code with which something fails."""
    with pytest.raises(holdfast.HoldfastError) as refused:
        act()
    return refused.value.code


def test_messages_are_whole_however_their_bytes_come():
    chance = random.Random(42)
    messages = [{"id": number, "text": "x" * chance.randrange(300)} for number in range(200)]
    stream = b"".join(framed(cbor2.dumps(message)) for message in messages)
    reader, seen, at = FrameReader(), [], 0
    while at < len(stream):
        length = chance.choice([1, 2, 3, 5, 100, 1000])
        seen += reader.read(stream[at : at + length])
        at += length
    assert seen == messages


@pytest.mark.parametrize(
    ("chunk", "code"),
    [
        (bytes(4), "BAD_LENGTH"),
        (b"\xff\xff\xff\xff", "LIMIT_MESSAGE"),
        (b"\x15\x03\x01\x00\x02", "TLS_FAILED"),
        (framed(b"\xff"), "BAD_CBOR"),
        (framed(b"\xa1\x61"), "BAD_CBOR"),
        (framed(b"\x01"), "BAD_CBOR"),
    ],
)
def test_what_is_no_message_says_what_it_is(chunk, code):
    assert code_of(lambda: list(FrameReader().read(chunk))) == code


def test_numbers_of_numpy_and_sequences_are_sent_as_pythons():
    frame = encode({"a": np.int64(5), "b": np.float32(0.5), "c": (1, [2.5]), "d": {"e": bytearray(b"x")}, "f": True})
    assert cbor2.loads(frame[4:]) == {"a": 5, "b": 0.5, "c": [1, [2.5]], "d": {"e": b"x"}, "f": True}


def test_what_is_nested_too_deep_is_refused_here():
    nested = value = []
    for _ in range(10):
        value.append([])
        value = value[0]
    assert code_of(lambda: encode({"meta": {"a": nested}})) == "LIMIT_DEPTH"


def pretend(path, *answers):
    """Something that takes one connection, reads what comes, and answers that."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        with listener, listener.accept()[0] as peer:
            for answer in answers:
                peer.recv(65536)
                peer.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()


HELLO = framed(cbor2.dumps({"id": 1, "ok": True, "client": 1, "server": "none", "protocol": 1}))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "DISCONNECTED"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "LIMIT_MESSAGE"),
        (framed(cbor2.dumps({"id": None, "ok": False, "error": {"code": "LIMIT_CLIENTS", "message": "full"}})), "LIMIT_CLIENTS"),
        (framed(cbor2.dumps({"id": 1})), "DISCONNECTED"),
        (framed(cbor2.dumps({"id": 1, "ok": False, "error": {"code": "BAD_PROTOCOL", "message": "2 is spoken"}})), "BAD_PROTOCOL"),
    ],
)
def test_who_is_no_supervisor_keeps_nobody_waiting(tmp_path, answer, code):
    path = str(tmp_path / "s")
    pretend(path, answer)
    assert code_of(lambda: holdfast.connect(path)) == code


def test_what_can_not_be_understood_ends_the_connection_and_all_who_wait_are_told(tmp_path):
    path = str(tmp_path / "s")
    pretend(path, HELLO, framed(cbor2.dumps({"ev": "edge"})))
    client = holdfast.connect(path)
    assert code_of(client.ping) == "DISCONNECTED"


def test_what_a_later_supervisor_adds_is_left_aside(tmp_path):
    path = str(tmp_path / "s")
    reply = {"id": 2, "ok": True, "pin": "GPIO4", "level": 1, "value": None, "state": "closed", "timestampNs": 2**63, "colour": "red"}
    pretend(path, HELLO, framed(cbor2.dumps({"sub": 7, "ev": "new"})) + framed(cbor2.dumps(reply)))
    reading = holdfast.connect(path).read(4)
    assert (reading.level, reading.timestamp_ns, reading.levels) == (1, 2**63, None)


def test_a_backlog_loses_the_oldest_and_counts_those_that_count():
    backlog = Backlog()
    backlog.push(Silence("GPIO4", 1, 1))
    for seq in range(1, BACKLOG_EVENTS + 3):
        backlog.push(Edge("GPIO4", 1, 1, seq, 1 if seq == 1 else 0, None, None, None))
    first, second = backlog.pop(), backlog.pop()
    assert (first.seq, first.lost) == (3, 3)
    assert (second.seq, second.lost) == (4, 0)
