"""Processes that the supervisor starts and looks after."""

import holdfast
import pytest
from supervisor import Supervisor, eventually

CONFIG = """
[process.sleeper]
command = ["sleep", "1000"]
graceMs = 60000

[process.failing]
command = ["sh", "-c", "exit 3"]
restart = "never"
"""


def test_a_process_is_stopped_and_started_again():
    with Supervisor(config=CONFIG) as supervisor:
        client = supervisor.connect()
        started = client.start_process("sleeper")
        assert started.state == "running" and started.command == ["sleep", "1000"]
        stopped = client.stop_process("sleeper")
        assert (stopped.state, stopped.pid) == ("stopped", None)
        first = client.start_process("sleeper").pid
        assert client.restart_process("sleeper").pid not in (None, first)
        assert [each.process for each in client.status().processes] == ["sleeper", "failing"]
        client.stop_process("sleeper", hard=True)


def test_one_that_fails_says_how_it_has_ended():
    with Supervisor(config=CONFIG) as supervisor:
        client = supervisor.connect()
        with pytest.raises(holdfast.HoldfastError, match="^PROCESS_UNKNOWN"):
            client.start_process("walker")
        failing = lambda: next(each for each in client.processes() if each.process == "failing")
        eventually("it has failed", lambda: failing().state == "failed")
        assert (failing().end.reason, failing().end.status) == ("exited", 3)
