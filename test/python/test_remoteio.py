"""Programs that were written for remoteio, on the listener that stands in for its server; and holdfast.remoteio on what remoteio's server says."""

import itertools
import re
import socket
import subprocess
import sys
import threading
import time
import warnings

import pytest
from supervisor import PATIENCE_S, ROOT, Supervisor, eventually

from holdfast.remoteio import RemoteServer

LISTEN = "[listen.remoteio]\nport = 0\n"


@pytest.fixture
def board():
    """A supervisor that listens for remoteio's clients."""
    with Supervisor(LISTEN) as running:
        yield running


def server_of(board, **options):
    return RemoteServer("127.0.0.1", board.ports["remoteio"], **options)


def shown(board, pin):
    """What an open pin does; None: it is closed."""
    return next((each for each in board.outside.status().pins if each.pin == pin), None)


def test_a_pin_does_what_it_is_told(board):
    with server_of(board) as server:
        pin = server.pin(11)
        assert shown(board, "GPIO17").state == "idle"
        assert pin.on() is True
        assert board.level("GPIO17") == 1
        pin.value(arg1=0.25)
        assert shown(board, "GPIO17").value == 0.25
        pin.blink(arg1=0.5, arg2=0.5)
        assert shown(board, "GPIO17").state == "blinking"
        pin.pulse()
        assert shown(board, "GPIO17").state == "pulsing"
        pin.off()
        assert board.level("GPIO17") == 0


def test_both_numberings_are_the_header_s(board):
    with server_of(board) as server:
        for gpio in range(28):
            server.pin(gpio, "g")
        assert sorted(pin.pin for pin in board.outside.status().pins) == sorted(f"GPIO{gpio}" for gpio in range(28))
    with server_of(board) as server:
        server.pin(13, "b")
        eventually("GPIO27 alone is open", lambda: [pin.pin for pin in board.outside.status().pins] == ["GPIO27"])


@pytest.mark.parametrize(("number", "numbering"), [(1, "b"), (41, "b"), (0, "b"), (28, "g"), (-1, "g"), ("11", "b"), (11, "x")])
def test_a_pin_that_is_not_on_the_header(board, number, numbering):
    with server_of(board) as server:
        with pytest.raises(ValueError):
            server.pin(number, numbering)
        assert not board.outside.status().pins


def test_a_pin_is_created_once_under_either_number(board):
    with server_of(board) as server:
        server.pin(11)
        for number, numbering in ((11, "b"), (17, "g")):
            with pytest.raises(ValueError, match="created already, as 11"):
                server.pin(number, numbering)


def test_a_busy_pin_is_refused_with_who_has_it_and_can_be_had_later(board):
    with server_of(board) as server:
        other = board.connect(name="conveyor").output("GPIO17")
        with pytest.raises(RuntimeError, match='Led creation failure: PIN_BUSY: GPIO17 is held by "conveyor"'):
            server.pin(11)
        other.close()
        server.pin(17, "g").on()


def test_tasks_follow_each_other_and_go_on_without_their_program(board):
    changes = iter(board.outside.observe("GPIO17"))
    server = server_of(board)
    pin = server.pin(11)
    # The others are there before it is done, on a busy machine too.
    for time_ms in (1000, 40, 40):
        pin.on(time_ms=time_ms)
    server.close()
    assert next(changes).state == "closed"
    levels = [change.level for change in itertools.takewhile(lambda change: change.state != "closed", changes)]
    assert levels[0] == 0
    assert 0 not in levels[levels.index(1):], "it is off between tasks that follow each other"
    counters = board.outside.status().counters
    assert (counters.accepted, counters.done) == (3, 3)


def test_tasks_after_close_are_ignored_and_the_program_told(board):
    with server_of(board) as server:
        with server.pin(11) as pin:
            pin.on(time_ms=100)
            assert pin.close() is True
            with pytest.warns(RuntimeWarning, match="pin 11 is closed: blink was ignored"):
                assert pin.blink() is False
        eventually("the pin is closed", lambda: shown(board, "GPIO17") is None)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (lambda pin: pin.value(arg1=1.5), "arg1 must be at most 1"),
        (lambda pin: pin.value(arg1=float("nan")), "arg1 must be a decimal number"),
        (lambda pin: pin.blink(arg1=0), "arg1 (in ms) must be at least 0.001"),
        (lambda pin: pin.blink(0, 1, 1e300), "arg2 (in ms) must be at most 315360000000"),
        (lambda pin: pin.on(-5), "time_ms must be at least 0.001"),
        (lambda pin: pin.on(float("inf")), "time_ms must be a decimal number"),
        (lambda pin: pin.on(10**70), "a word has 64 bytes at most"),
    ],
)
def test_a_task_that_can_not_be_is_refused_with_its_reason(board, task, reason):
    with server_of(board) as server:
        with pytest.raises(RuntimeError, match=re.escape(reason)):
            task(server.pin(11))


def test_what_is_no_number_is_not_sent(board):
    with server_of(board) as server:
        pin = server.pin(11)
        for value in ("1 2", "x", "b 13 create 0 0 0"):
            with pytest.raises(ValueError):
                pin.on(value)
        pin.on(" 20 ")


def test_the_next_connection_has_the_pins_of_one_that_has_just_ended(board):
    for _ in range(20):
        with server_of(board) as server:
            server.pin(11).on()


def test_threads_share_a_connection(board):
    with server_of(board) as server:
        pins = [server.pin(number) for number in (11, 13, 15, 16)]

        def work(pin):
            for _ in range(100):
                assert pin.on() and pin.off()

        threads = [threading.Thread(target=work, args=(pin,)) for pin in pins]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert board.outside.status().counters.accepted == 800


def test_a_full_pin_makes_its_program_wait_and_a_timeout_ends_the_connection():
    with Supervisor(f"[limits]\nqueuedCommands = 1\n{LISTEN}") as board:
        with server_of(board) as server:
            pin = server.pin(11)
            for _ in range(4):
                pin.on(time_ms=50)
        with server_of(board, reply_timeout=2) as server:
            pin = server.pin(13)
            pin.off(time_ms=60_000)
            pin.off(time_ms=60_000)
            with pytest.raises(TimeoutError):
                pin.off(time_ms=60_000)
            with pytest.raises(RuntimeError, match="has ended"):
                pin.off()


def test_closing_does_not_wait_for_a_thread_that_waits_for_room():
    with Supervisor(f"[limits]\nqueuedCommands = 1\n{LISTEN}") as board:
        server = server_of(board)
        pin = server.pin(11)
        told = []

        def fill():
            try:
                for _ in range(3):
                    told.append(pin.off(time_ms=60_000))
            except RuntimeError as error:
                told.append(str(error))

        thread = threading.Thread(target=fill, daemon=True)
        thread.start()
        eventually("two tasks are accepted, and one waits", lambda: told == [True, True])
        server.close()
        thread.join(PATIENCE_S)
        assert told[:2] == [True, True]
        assert told[2].startswith("Server has terminated connection")


def test_a_server_that_has_gone_is_told_of(board):
    server = server_of(board)
    pin = server.pin(11)
    board.kill()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            pin.on()
    server.close()
    board.start()


def test_nobody_there_is_an_error_of_the_system():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(OSError):
        RemoteServer("127.0.0.1", port, connect_timeout=5)


def test_mode_nowait_lets_a_task_take_the_place_of_the_one_before():
    with Supervisor(f'{LISTEN}mode = "nowait"\n') as board, server_of(board) as server:
        pin = server.pin(11)
        pin.on(time_ms=60_000)
        pin.off()
        assert board.level("GPIO17") == 0


def test_the_program_of_the_documentation_runs_with_its_configuration(tmp_path):
    page = (ROOT / "docs" / "remoteio.md").read_text()
    [config] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [program] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert '"0.0.0.0"' in config
    assert '"192.168.1.38"' in program
    with Supervisor(config.replace('"0.0.0.0"', '"127.0.0.1"\nport = 0')) as board:
        here = tmp_path / "program.py"
        here.write_text(program.replace('"192.168.1.38"', f'"127.0.0.1", {board.ports["remoteio"]}').replace("_ms=2000", "_ms=60"))
        ran = subprocess.run([sys.executable, here], env=board.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        eventually("all is done", lambda: board.outside.status().counters.done == 5)


class OriginalServer:
    """What remoteio's own server of October 2024 is seen to answer, whatever is asked, in as many pieces as one likes."""

    def __init__(self, *replies, piece=1024):
        self._replies = iter(replies)
        self._piece = piece
        self.requests = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        connection, _ = self._listening.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            text = ""
            while received := connection.recv(1024):
                text += received.decode()
                while text.count(" ") >= 6:
                    *words, text = text.split(" ", 6)
                    self.requests.append(" ".join(words))
                    reply = next(self._replies, f"? command ignored: {words[2]}")
                    for at in range(0, len(reply), self._piece):
                        connection.sendall(reply[at:at + self._piece].encode())
                        time.sleep(0.001 if self._piece < len(reply) else 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.close()
        self._thread.join(PATIENCE_S)


QUEUED = "! command on execution-queue"


def test_requests_are_those_of_remoteio_s_own_client():
    with OriginalServer("!", *[QUEUED] * 8) as original:
        with RemoteServer("127.0.0.1", original.port) as server:
            pin = server.pin(21, "g")
            pin.on(time_ms=4000)
            pin.off(4000)
            pin.blink(time_ms=4000, arg1=0.1, arg2=0.2)
            pin.blink()
            pin.pulse()
            pin.value(time_ms=4000, arg1=0.1)
            pin.value()
            pin.close()
        assert original.requests[:9] == [
            "b 40 create 0 0.0 0.0",
            "b 40 on 4000 0.0 0.0",
            "b 40 off 4000 0.0 0.0",
            "b 40 blink 4000 0.1 0.2",
            "b 40 blink 0 1.0 1.0",
            "b 40 pulse 0 0.0 0.0",
            "b 40 value 4000 0.1 0.0",
            "b 40 value 0 1.0 0.0",
            "b 40 close 0 0.0 0.0",
        ]


def test_replies_in_pieces_are_not_taken_for_others():
    with OriginalServer("!", QUEUED, QUEUED, piece=3) as original:
        with RemoteServer("127.0.0.1", original.port) as server:
            pin = server.pin(11)
            assert pin.on() and pin.off()
            with pytest.warns(RuntimeWarning):
                assert pin.on() is False


def test_nothing_but_its_acceptance_is_taken_for_that_of_a_task():
    with OriginalServer("!", "1 on refused: BAD_FIELD", "!") as original:
        with RemoteServer("127.0.0.1", original.port) as server:
            pin = server.pin(11)
            with pytest.raises(RuntimeError, match="1 on refused"):
                pin.on()


def test_remoteio_s_own_server_is_given_its_time_to_take_the_last_task(board):
    with OriginalServer("!", QUEUED) as original:
        server = RemoteServer("127.0.0.1", original.port)
        server.pin(11).on(time_ms=100)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began > 0.9
    server = server_of(board)
    server.pin(11).on(time_ms=100)
    server.close()
    assert eventually("the task is done", lambda: board.outside.status().counters.done == 1)
    assert not any("settle" in str(entry) and entry["level"] != "debug" for entry in board.log)


def test_a_program_that_was_interrupted_while_it_waited_may_still_say_off():
    with OriginalServer("!", QUEUED, QUEUED) as original:
        with RemoteServer("127.0.0.1", original.port) as server:
            pin = server.pin(11)
            receive, server._receive = server._receive, interrupted
            with pytest.raises(KeyboardInterrupt):
                pin.on()
            server._receive = receive
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert pin.off() is True
            with pytest.warns(RuntimeWarning):
                assert pin.off() is False


def interrupted(*_):
    raise KeyboardInterrupt
