"""Ctrl-C, at the moments at which it hurts most."""

import signal
import threading

import holdfast
import pytest
from supervisor import PATIENCE_S, Supervisor, eventually


@pytest.fixture
def interrupted_once_when(monkeypatch):
    """Has who waits for a reply interrupted when something is so, which it waits for in that place."""

    def arrange(is_so):
        class Interrupted:
            def __init__(self, _timeout_ms):
                pass

            def remaining_s(self):
                monkeypatch.undo()
                eventually("it is so", is_so)
                raise KeyboardInterrupt

        monkeypatch.setattr("holdfast.pending_reply.Deadline", Interrupted)

    return arrange


def test_a_pin_that_has_been_opened_when_its_program_is_interrupted_is_closed_again(supervisor, client, interrupted_once_when):
    interrupted_once_when(lambda: client._session._held)
    with pytest.raises(KeyboardInterrupt):
        client.output("GPIO17")
    eventually("it is closed", lambda: supervisor.outside.read("GPIO17").state == "closed")
    client.output("GPIO17").on()
    assert len(client._session._held) == 1


def test_a_watch_that_has_begun_when_its_program_is_interrupted_ends(supervisor, client, interrupted_once_when):
    button = client.input("GPIO4")
    interrupted_once_when(lambda: client._session._subscriptions._by_sub)
    with pytest.raises(KeyboardInterrupt):
        button.on_edge(print)

    def subscriptions():
        return sum(each.subscriptions for each in supervisor.outside.status().clients)

    eventually("nothing is subscribed", lambda: subscriptions() == 0)


def test_a_slot_that_has_been_granted_when_its_program_is_interrupted_is_given_up(supervisor, client, interrupted_once_when):
    pool = client.create_pool("cam0", slots=4, bytes=16)
    interrupted_once_when(lambda: not client._session.connection._pending)
    with pytest.raises(KeyboardInterrupt):
        pool.produce()
    eventually("it is free", lambda: {slot.state for slot in supervisor.outside.pools()[0].slots} == {"free"})


@pytest.mark.parametrize("has_been_sent", [True, False])
def test_a_program_that_is_interrupted_while_it_sends_goes_on(client, monkeypatch, has_been_sent):
    led = client.output("GPIO17")
    stream = client._session.connection._stream

    class Interrupted:
        family = stream.family

        def sendall(self, data):
            monkeypatch.undo()
            if has_been_sent:
                stream.sendall(data)
            raise KeyboardInterrupt

    monkeypatch.setattr(client._session.connection, "_stream", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        led.on()
    assert led.off().state == "idle"


def test_what_may_have_been_sent_in_part_is_not_gone_on_with():
    """A message that the supervisor does not take, so that it can be interrupted in its middle."""
    with Supervisor("[limits]\nmessageBytes = 8000000\n") as supervisor:
        client = supervisor.connect()
        supervisor.process.send_signal(signal.SIGSTOP)
        reached = threading.Event()
        main = threading.main_thread().ident

        def interrupt():
            reached.wait()
            eventually("the socket is full", lambda: client._session.connection._sending.locked())
            threading.Event().wait(0.1)
            signal.pthread_kill(main, signal.SIGINT)

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                reached.set()
                client.request("read", pin="x" * 4_000_000)
        finally:
            interrupting.join(PATIENCE_S)
            supervisor.process.send_signal(signal.SIGCONT)
        with pytest.raises(holdfast.HoldfastError) as refused:
            client.ping()
        assert refused.value.code == "DISCONNECTED"


def test_ctrl_c_again_and_again_leaves_a_client_that_works(supervisor, client):
    pin, button = client.output("GPIO17"), client.input("GPIO4")
    interrupted = 0
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for delay_us in range(20, 620, 5):
            try:
                signal.setitimer(signal.ITIMER_REAL, delay_us / 1e6)
                while True:
                    pin.on(mode="nowait")
                    button.edges().close()
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert interrupted == 120
    assert pin.off().state == "idle"
    edges = button.edges()
    supervisor.drive("GPIO4", 1)
    assert edges.get(PATIENCE_S * 1000).level == 1
