"""The connection: how it is found, how it is lost, and what comes after."""

import errno
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path

import holdfast
import pytest
from supervisor import PATIENCE_S, Supervisor, eventually


def code_of(act):
    """The code with which something fails."""
    with pytest.raises(holdfast.HoldfastError) as refused:
        act()
    return refused.value.code


def test_the_environment_says_where_the_supervisor_is(supervisor, monkeypatch):
    monkeypatch.setenv("HOLDFAST_SOCKET", supervisor.socket)
    monkeypatch.delenv("HOLDFAST_URL", raising=False)
    with holdfast.connect() as client:
        client.ping()
    monkeypatch.setenv("HOLDFAST_SOCKET", "/nowhere")
    monkeypatch.setenv("HOLDFAST_URL", f"unix:{supervisor.socket}")
    with holdfast.connect(name="found") as client:
        assert [each.name for each in client.status().clients] == ["found"]


def test_the_sockets_of_user_and_system_are_tried_in_turn(supervisor, monkeypatch):
    for name in ("HOLDFAST_SOCKET", "HOLDFAST_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", supervisor.folder)
    with holdfast.connect() as client:
        client.ping()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    with pytest.raises(holdfast.HoldfastError, match="/nowhere/holdfast.sock: there is no such socket; nor on /run/holdfast") as refused:
        holdfast.connect()
    assert refused.value.code == "NOT_RUNNING"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/nowhere/at/all", "NOT_RUNNING"),
        ("x" * 200, "SOCKET_PATH"),
        ("unix:relative", "BAD_FIELD"),
        ("holdfast://", "BAD_FIELD"),
        ("holdfast://board:99999", "BAD_FIELD"),
        ("holdfast://user@board", "BAD_FIELD"),
        ("holdfast://board/path", "BAD_FIELD"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(address, code):
    assert code_of(lambda: holdfast.connect(address)) == code


def test_when_the_supervisor_dies_all_who_wait_are_told(supervisor, client):
    led = client.output("GPIO17")
    button = client.input("GPIO4")
    edges = button.edges()
    ended = []
    button.on_edge(print, on_end=ended.append)
    failures = []

    def wait():
        failures.append(code_of(lambda: led.on(duration_ms=60_000, ack="done")))

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually("the command runs", lambda: client.status().counters.accepted == 1)
    supervisor.kill()
    waiting.join(PATIENCE_S)
    assert failures == ["DISCONNECTED"]
    assert code_of(lambda: next(edges)) == "DISCONNECTED"
    eventually("the watch has ended", lambda: ended)
    assert ended[0].code == "DISCONNECTED"
    assert code_of(client.ping) == "DISCONNECTED"


def test_a_client_that_reconnects_opens_and_watches_again(supervisor):
    states = []
    client = supervisor.connect(reconnect=True, on_connection=states.append)
    led = client.output("GPIO17", initial=1)
    button = client.input("GPIO4", bias="pull-up").to_output().to_input(debounce_us=0)
    edges = button.edges()
    seen = []
    button.on_edge(seen.append)
    supervisor.kill()
    eventually("the loss is told", lambda: states == ["lost"])
    assert code_of(client.ping) == "DISCONNECTED"
    supervisor.start()
    eventually("it is back", lambda: states == ["lost", "back"])
    assert led.off().state == "idle"
    assert {pin.pin: pin.settings.bias for pin in client.status().pins} == {"GPIO17": "as-is", "GPIO4": "pull-up"}
    supervisor.drive("GPIO4", 0)
    assert edges.get(PATIENCE_S * 1000).level == 0
    eventually("the callback is called", lambda: [edge.level for edge in seen] == [0])


def test_a_pin_that_can_not_be_had_any_more_is_given_up(supervisor):
    given_up, states = [], []
    client = supervisor.connect(
        reconnect=True, on_connection=states.append, on_given_up=lambda pin, error: given_up.append((pin, error.code))
    )
    led = client.output("GPIO17", close_level="on")
    other = client.output("GPIO27")
    supervisor.kill()
    supervisor.configure("[pin.GPIO17]\ncloseLevel = 'off'\n")
    supervisor.start()
    eventually("it is back", lambda: states == ["lost", "back"])
    assert given_up == [("GPIO17", "PIN_CONFLICT")]
    assert code_of(led.on) == "PIN_NOT_OPEN"
    assert other.on().state == "on"


def test_a_supervisor_that_hangs_is_waited_for_no_longer_than_was_said(supervisor):
    client = supervisor.connect()
    client._session._timeout_ms = 50
    os.kill(supervisor.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            client.ping()
        assert code_of(lambda: supervisor.connect(timeout_ms=50)) == "DISCONNECTED"
    finally:
        os.kill(supervisor.process.pid, signal.SIGCONT)
    eventually("it answers again", lambda: client.request("ping", timeout_ms=None) == {})


def test_a_pin_whose_open_came_too_late_is_not_held(supervisor):
    client = supervisor.connect()
    timeout_ms, client._session._timeout_ms = client._session._timeout_ms, 50
    os.kill(supervisor.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            client.output("GPIO17")
    finally:
        os.kill(supervisor.process.pid, signal.SIGCONT)
        client._session._timeout_ms = timeout_ms
    eventually("it has been closed", lambda: client.request("status", timeout_ms=None)["counters"]["requests"] >= 3)
    assert client.read("GPIO17").state == "closed"


def test_a_child_that_was_forked_leaves_the_connection_to_its_parent(supervisor, client):
    led = client.output("GPIO17")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            led.on()
        except holdfast.HoldfastError as error:
            os.write(write, error.code.encode())
        client.close()
        with holdfast.connect(supervisor.socket, name="child") as own:
            own.ping()
        os._exit(0)
    os.close(write)
    assert os.read(read, 100) == b"DISCONNECTED"
    os.close(read)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert led.on().state == "on"


def test_the_end_of_a_parent_is_seen_though_its_child_lives_on(supervisor):
    program = """
import os, sys, holdfast
client = holdfast.connect()
client.output("GPIO17").on()
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
os._exit(0)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], env=supervisor.environment, stdin=subprocess.PIPE)
    assert parent.wait(PATIENCE_S) == 0
    eventually("its pin is closed", lambda: supervisor.connect().read("GPIO17").state == "closed")
    parent.stdin.close()


@pytest.mark.parametrize("left", ["pin.on_edge(print)", "edges = pin.edges()", "frames = pool.frames()", "frame = next(frames)"])
def test_a_program_that_ends_without_a_word_ends(supervisor, left):
    program = f"""
import holdfast
client = holdfast.connect(reconnect=True)
pin = client.output("GPIO17")
pool = client.create_pool("cam0", slots=8, bytes=16)
frames = pool.frames()
pool.produce().publish()
{left}
"""
    assert subprocess.run([sys.executable, "-c", program], env=supervisor.environment, timeout=PATIENCE_S, check=True).returncode == 0


def test_a_lost_connection_costs_no_time(supervisor):
    client = supervisor.connect(reconnect=True)
    supervisor.kill()
    eventually("it is lost", lambda: client._session._connection is None)
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.2


def test_an_error_can_be_sent_to_another_process(client):
    with pytest.raises(holdfast.HoldfastError) as refused:
        client.read("GPIO99")
    error = pickle.loads(pickle.dumps(refused.value))
    assert (error.code, str(error), error.details) == ("PIN_UNKNOWN", str(refused.value), refused.value.details)


def test_what_a_refused_program_had_goes_without_the_collector(client):
    class Big:
        pass

    def ask():
        big = Big()
        seen.append(weakref.ref(big))
        try:
            client.read("GPIO99")
        except holdfast.HoldfastError:
            pass

    seen = []
    gc.disable()
    try:
        ask()
        assert seen[0]() is None
    finally:
        gc.enable()


def test_what_can_not_be_sent_is_refused_here_and_names_the_field(client):
    for value in (float("nan"), {1, 2}, "\ud800", "\ufeffGPIO17", 2**70, {"__proto__": 1}, object()):
        with pytest.raises(holdfast.HoldfastError) as refused:
            client.request("read", pin=value)
        assert refused.value.code == "BAD_FIELD"
        assert refused.value.details["field"].startswith("pin")
    client.ping()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_on_ms", 2**53),
        ("max_on_ms", -(2**53)),
        ("meta", {"a": [2**53]}),
        ("timestamp_ns", 1.0),
        ("timestamp_ns", -1),
        ("timestamp_ns", 2**64),
    ],
)
def test_numbers_that_the_protocol_does_not_have_are_not_sent_for_no_reply_would_say_which_request_it_is_to(client, field, value):
    with pytest.raises(holdfast.HoldfastError) as refused:
        client.request("read", **{field: value})
    assert refused.value.code == "BAD_FIELD"
    assert refused.value.details["field"].startswith(field)
    assert str(refused.value).startswith(f"BAD_FIELD: {field}")


def test_a_request_has_its_own_number_whatever_the_program_calls_a_field(client):
    assert client.request("ping", id=99, timeout_ms=None) == {}


@pytest.mark.parametrize("timeout_ms", [float("nan"), "100", b"1"])
def test_a_time_that_is_none_is_refused_and_waits_for_nothing(supervisor, client, timeout_ms):
    edges = client.input("GPIO4").edges()
    for act in (lambda: edges.get(timeout_ms), lambda: supervisor.connect(timeout_ms=timeout_ms)):
        assert code_of(act) == "BAD_FIELD"


@pytest.mark.parametrize("timeout_ms", [None, float("inf"), 10**40])
def test_a_supervisor_may_be_waited_for_as_long_as_one_likes(supervisor, timeout_ms):
    supervisor.connect(timeout_ms=timeout_ms).ping()


def test_a_socket_may_be_a_path_of_any_kind(supervisor):
    for path in (Path(supervisor.socket), os.fsencode(supervisor.socket)):
        supervisor.connect(path).ping()


def test_an_address_that_is_no_path_leaves_no_socket_behind():
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert code_of(lambda: holdfast.connect("\ud800")) == "SOCKET_PATH"
        gc.collect()
    assert warned == []


def test_a_host_whose_name_is_none_is_not_found():
    assert code_of(lambda: holdfast.connect("holdfast://pi..local")) == "NOT_RUNNING"


def test_a_program_whose_file_has_no_name_in_unicode_can_connect(supervisor, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"lamp\xff.py")
    with open(path, "w") as file:
        file.write("import holdfast\nprint(holdfast.connect().status().clients[0].name)")
    shown = subprocess.run([sys.executable, path], env=supervisor.environment, timeout=PATIENCE_S, check=True, capture_output=True)
    assert shown.stdout == b"lamp\\udcff.py\n"


def test_an_attempt_to_reconnect_may_fail_in_any_way(supervisor):
    states = []
    client = supervisor.connect(reconnect=True, on_connection=states.append)
    dial, failures = client._session._dial, [RuntimeError("can't start new thread"), OSError(errno.EMFILE, "Too many open files")]

    def dial_at_last():
        if failures:
            raise failures.pop()
        return dial()

    client._session._dial = dial_at_last
    supervisor.kill()
    supervisor.start()
    eventually("it is back", lambda: states == ["lost", "back"])


def test_a_supervisor_of_an_earlier_test_has_left_nothing():
    with Supervisor() as running:
        folder = running.folder
    assert not os.path.exists(folder)


def test_a_request_that_is_too_long_is_refused_before_it_is_sent(client):
    with client.output("GPIO17") as led:
        led.on()
        with pytest.raises(holdfast.HoldfastError) as refused:
            client.publish("picture", bytes(65_536))
        assert (refused.value.code, refused.value.details["limit"]) == ("LIMIT_MESSAGE", 65_536)
        assert client.publish("picture", bytes(65_000)) == 0
        assert led.read().level == 1
