"""Clients on the network: TLS, tokens, signs of life."""

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import holdfast
import pytest
from supervisor import PATIENCE_S, Supervisor, eventually

TOKEN = "correct horse battery staple"

CONFIG = """
[listen.tcp]
port = 0
certificate = "{certificate}"
key = "{key}"
heartbeatMs = {heartbeat_ms}

[access.desk]
token = "sha256:{token}"
command = ["GPIO17"]
watch = ["GPIO4"]
read = "*"
"""


def code_of(act):
    """The code with which something fails."""
    with pytest.raises(holdfast.HoldfastError) as refused:
        act()
    return refused.value.code


@pytest.fixture(scope="session")
def certified(tmp_path_factory):
    """A certificate for this machine, and its key."""
    folder = tmp_path_factory.mktemp("certificates")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split()
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return folder


@pytest.fixture
def board(certified):
    """A supervisor that serves the network."""
    with Supervisor(config_of(certified)) as supervisor:
        yield supervisor


def config_of(certified, heartbeat_ms=10_000):
    token = hashlib.sha256(TOKEN.encode()).hexdigest()
    return CONFIG.format(certificate=certified / "cert.pem", key=certified / "key.pem", token=token, heartbeat_ms=heartbeat_ms)


def url_of(supervisor, host="127.0.0.1"):
    return f"holdfast://{host}:{supervisor.ports['tcp']}"


def dial(supervisor, certified, **options):
    return supervisor.connect(url_of(supervisor), **{"ca": str(certified / "cert.pem"), "token": TOKEN, **options})


def test_pins_of_another_board_are_used_as_those_of_this_one(board, certified):
    client = dial(board, certified)
    seen = []
    with client.output("GPIO17") as led, client.input("GPIO4") as button, button.on_edge(seen.append):
        assert led.blink(1, 1, 3, ack="done").outcome == "done"
        board.drive("GPIO4", 1)
        eventually("the edge has come", lambda: [edge.level for edge in seen] == [1])
        threads = [threading.Thread(target=lambda: [led.toggle() for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        led.off()
    assert code_of(lambda: client.output("GPIO27")) == "FORBIDDEN"


def test_the_environment_says_where_and_by_what(board, certified, monkeypatch):
    monkeypatch.setenv("HOLDFAST_URL", url_of(board, "localhost"))
    monkeypatch.setenv("HOLDFAST_TOKEN", TOKEN)
    monkeypatch.setenv("HOLDFAST_CA", str(certified / "cert.pem"))
    with holdfast.connect() as client:
        assert client.read("GPIO4").level in (0, 1)


def test_one_certificate_may_be_the_only_one_that_is_trusted(board, certified):
    der = ssl.PEM_cert_to_DER_cert((certified / "cert.pem").read_text())
    digits = hashlib.sha256(der).hexdigest().upper()
    fingerprint = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    dial(board, certified, ca=None, fingerprint=fingerprint).ping()
    assert code_of(lambda: dial(board, certified, fingerprint="0" * 64)) == "TLS_FAILED"
    assert code_of(lambda: dial(board, certified, fingerprint="none")) == "BAD_FIELD"


def test_nobody_is_trusted_for_nothing(board, certified, tmp_path):
    assert code_of(lambda: dial(board, certified, ca=None)) == "TLS_FAILED"
    assert code_of(lambda: dial(board, certified, ca=str(tmp_path / "missing.pem"))) == "TLS_FAILED"
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    assert code_of(lambda: dial(board, certified, ca=str(other))) == "TLS_FAILED"
    with socket.create_server(("127.0.0.2", 0)) as listener:
        port = listener.getsockname()[1]
        assert code_of(lambda: holdfast.connect(f"holdfast://127.0.0.2:{port}", timeout_ms=500)) == "TLS_FAILED"


def test_who_comes_without_tls_is_told_so(board):
    assert code_of(lambda: board.connect(f"holdfast+tcp://127.0.0.1:{board.ports['tcp']}", token=TOKEN)) == "TLS_FAILED"


def test_a_wrong_token_is_forbidden_and_is_not_told_to_a_unix_socket(board, certified):
    assert code_of(lambda: dial(board, certified, token="wrong")) == "FORBIDDEN"
    assert code_of(lambda: dial(board, certified, token=None)) == "FORBIDDEN"
    board.connect(token="wrong").ping()


def test_where_nothing_listens_the_reason_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(holdfast.HoldfastError, match="nothing listens there") as refused:
        holdfast.connect(f"holdfast://127.0.0.1:{port}")
    assert refused.value.code == "NOT_RUNNING"


def test_frames_are_not_for_another_machine(board, certified):
    board.connect().create_pool("cam0", slots=4, bytes=16)
    client = dial(board, certified, token=TOKEN)
    assert code_of(lambda: client.pool("cam0")) in ("NOT_LOCAL", "FORBIDDEN")


def test_the_library_keeps_the_connection_while_the_program_does_nothing(certified):
    with Supervisor(config_of(certified, heartbeat_ms=3000)) as board:
        client = dial(board, certified)
        edges = client.input("GPIO4").edges()
        time.sleep(4)
        board.drive("GPIO4", 1)
        assert edges.get(PATIENCE_S * 1000).level == 1


def test_a_supervisor_that_falls_silent_is_noticed_and_dialled_again(certified):
    with Supervisor(config_of(certified, heartbeat_ms=1500)) as board:
        states = []
        client = dial(board, certified, reconnect=True, on_connection=states.append)
        led = client.output("GPIO17")
        os.kill(board.process.pid, signal.SIGSTOP)
        eventually("the silence is noticed", lambda: "lost" in states)
        os.kill(board.process.pid, signal.SIGCONT)
        eventually("it is back", lambda: states[-1] == "back")
        assert led.on().state == "on"


def test_a_client_over_tls_that_closes_has_closed_its_pins(board, certified):
    with dial(board, certified) as client:
        client.output("GPIO17").on()
    eventually("it is closed", lambda: board.outside.read("GPIO17").state == "closed")


def test_a_child_that_was_forked_leaves_an_encrypted_connection_alone(board, certified):
    client = dial(board, certified)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.ping()
        except holdfast.HoldfastError:
            status = 0
        client.close()
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.ping()
