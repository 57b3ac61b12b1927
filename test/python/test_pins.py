"""What programs do with pins."""

import sys
import threading

import holdfast
import pytest
from supervisor import PATIENCE_S, eventually

PATIENCE_MS = PATIENCE_S * 1000


def refusal(act):
    """The error with which something fails."""
    with pytest.raises(holdfast.HoldfastError) as refused:
        act()
    return refused.value


def test_an_output_is_on_until_its_scope_is_left(supervisor, client):
    with client.output(17) as led:
        assert led.name == "GPIO17"
        led.on()
        assert supervisor.level("GPIO17") == 1
    assert client.read("GPIO17").state == "closed"


def test_every_command_answers_what_the_pin_does_now(client):
    with client.output("GPIO17", mode="nowait") as led:
        answers = [
            led.on(),
            led.off(),
            led.toggle(),
            led.value(0.25),
            led.blink(50, 50.5),
            led.pulse(20, 20, 3),
            led.pattern([(1, 1), (0, 2.5)], 2),
        ]
        assert [answer.state for answer in answers] == ["on", "idle", "on", "on", "blinking", "pulsing", "blinking"]
        assert [answer.command for answer in answers] == [1, 2, 3, 4, 5, 6, 7]


def test_a_command_with_ack_done_answers_when_it_is_done(client):
    with client.output("GPIO17") as led:
        answer = led.blink(1, 1, 3, ack="done")
        assert (answer.outcome, answer.state) == ("done", "idle")


def test_the_lines_of_a_group_have_levels_of_their_own(client):
    with client.output("GPIO17+GPIO27+GPIO22") as group:
        group.write([1, 0, 1])
        reading = group.read()
        assert (reading.level, reading.levels) == (None, [1, 0, 1])
        group.pattern([([0, 1, 0], 1), ([0, 0, 1], 1)], 2, ack="done")


def test_duties_are_read_back_as_they_were_set(client):
    with client.output("GPIO17", frequency_hz=100) as led:
        led.value(0.1)
        assert led.read().value == 0.1
        led.configure(frequency_hz=50)
        assert client.status().pins[0].settings.frequency_hz == 50


def test_queued_commands_can_be_cancelled(client):
    with client.output("GPIO17") as led:
        led.on(duration_ms=60_000)
        led.off(duration_ms=60_000)
        assert led.cancel() == 2
        led.set_mode("nowait")
        assert led.on().queued == 0


def test_a_pin_can_be_turned_without_letting_go_of_it(supervisor, client):
    led = client.output("GPIO17", initial=1)
    button = led.to_input(bias="pull-up")
    assert button.read().level == 1
    supervisor.drive("GPIO17", 0)
    assert button.read().level == 0
    supervisor.drive("GPIO17", None)
    again = button.to_output(initial=1)
    assert again.on().state == "on"
    again.close()


def test_what_another_holds_is_refused_with_its_name(supervisor, client):
    with supervisor.connect(name="conveyor").output("GPIO17"):
        error = refusal(lambda: client.output("GPIO17"))
    assert error.code == "PIN_BUSY"
    assert "conveyor" in str(error) and str(error).startswith("PIN_BUSY: ")


def test_details_have_the_names_of_python(client):
    led = client.output("GPIO17")
    error = refusal(lambda: led.on(duration_ms=-1))
    assert (error.code, error.details["field"]) == ("BAD_FIELD", "duration_ms")
    led.on(duration_ms=60_000)
    threading.Thread(target=lambda: pytest.raises(holdfast.HoldfastError, led.close), daemon=True).start()
    eventually("the pin is closing", lambda: client.read("GPIO17").state == "closing")
    error = refusal(lambda: led.on())
    assert error.code == "PIN_CLOSING"
    assert 0 < error.details["remaining_ms"] <= 60_000


def test_edges_come_in_order_with_the_times_of_the_kernel(supervisor, client):
    with client.input("GPIO4", bias="pull-down") as button, button.edges() as edges:
        assert edges.level == 0
        for level in (1, 0, 1):
            supervisor.drive("GPIO4", level)
        seen = [edges.get(PATIENCE_MS) for _ in range(3)]
    assert [edge.level for edge in seen] == [1, 0, 1]
    assert [edge.seq for edge in seen] == [1, 2, 3]
    assert seen[0].timestamp_ns < seen[1].timestamp_ns < seen[2].timestamp_ns
    assert list(edges) == []


def test_a_watch_may_want_rising_edges_alone_and_be_told_of_silence(supervisor, client):
    with client.input("GPIO4") as button, button.edges(edge="rising", silence_ms=1) as edges:
        assert isinstance(edges.get(PATIENCE_MS), holdfast.Silence)
        supervisor.drive("GPIO4", 1)
        assert edges.get(PATIENCE_MS).level == 1


def test_who_waits_for_an_edge_waits_no_longer_than_it_has_said(client):
    with client.input("GPIO4") as button, button.edges() as edges, pytest.raises(TimeoutError):
        edges.get(1)


def test_callbacks_may_use_the_client_be_slow_and_fail(supervisor, client, caplog):
    led = client.output("GPIO17")
    button = client.input("GPIO4")
    seen = []

    def follow(edge):
        led.on() if edge.level else led.off()
        seen.append(edge.level)
        raise ValueError("a mistake in the program")

    with button.on_edge(follow):
        supervisor.drive("GPIO4", 1)
        eventually("the callback has run", lambda: seen == [1])
        supervisor.drive("GPIO4", 0)
        eventually("it runs again", lambda: seen == [1, 0])
    assert client.read("GPIO17").level == 0
    eventually("both are in the log", lambda: caplog.text.count("\nValueError: a mistake in the program") == 2)


def test_a_callback_that_says_exit_ends_neither_the_program_nor_the_callbacks(supervisor, client, caplog):
    seen = []

    def take(edge):
        seen.append(edge.level)
        sys.exit()

    client.input("GPIO4").on_edge(take)
    supervisor.drive("GPIO4", 1)
    supervisor.drive("GPIO4", 0)
    eventually("both have come", lambda: seen == [1, 0])
    eventually("both are logged", lambda: [record.exc_info[0] for record in caplog.records] == [SystemExit, SystemExit])


def test_a_stuck_callback_keeps_no_request_waiting(supervisor, client):
    button = client.input("GPIO4")
    stuck, go_on = threading.Event(), threading.Event()

    def wait(_edge):
        stuck.set()
        go_on.wait(PATIENCE_S)

    watch = button.on_edge(wait)
    supervisor.drive("GPIO4", 1)
    assert stuck.wait(PATIENCE_S)
    client.ping()
    watch.stop()
    go_on.set()


def test_edges_of_several_pins_come_in_the_order_in_which_they_happened_to_a_busy_program_too(supervisor, client):
    pins = [client.input("GPIO20"), client.input("GPIO21")]
    seen, go_on = [], threading.Event()

    def take(edge):
        go_on.wait(PATIENCE_S)
        seen.append((edge.pin, edge.level))

    watches = [pin.on_edge(take) for pin in pins]
    happened = [("GPIO20", 1), ("GPIO20", 0), ("GPIO20", 1), ("GPIO21", 1), ("GPIO20", 0)]
    for pin, level in happened:
        supervisor.drive(pin, level)
    go_on.set()
    eventually("all have come", lambda: len(seen) == len(happened))
    assert seen == happened
    for watch in watches:
        watch.stop()


def test_callbacks_of_a_stopped_watch_are_not_called(supervisor, client):
    button = client.input("GPIO4")
    seen, others = [], []
    watch = button.on_edge(seen.append)
    watch.stop()
    with button.on_edge(others.append):
        supervisor.drive("GPIO4", 1)
        eventually("the other watch has it", lambda: others)
    assert seen == []


def test_a_slow_watcher_loses_the_oldest_edges_and_is_told_how_many(supervisor, client):
    with client.output("GPIO17") as led, led.edges() as edges:
        for _ in range(3):
            led.pattern([(1, 0.5), (0, 0.5)], 400, ack="done")
        eventually("all have come", lambda: len(edges._inbox.backlog) == 1024)
        first = edges.get(PATIENCE_MS)
        assert first.lost == first.seq - 1 > 0


def test_the_state_of_any_pin_can_be_observed(supervisor, client):
    with client.observe("GPIO17") as states:
        assert states.state == "closed"
        other = supervisor.connect(name="other")
        with other.output("GPIO17") as led:
            led.blink(1000, 1000)
            seen = [states.get(PATIENCE_MS).state for _ in range(3)]
    assert seen == ["closed", "idle", "blinking"]


def test_changes_of_state_come_to_callbacks_too(client):
    changes = []
    with client.on_state("GPIO17", changes.append), client.output("GPIO17") as led:
        led.on()
        eventually("it is on", lambda: changes and changes[-1].state == "on")
        assert changes[-1].by == "test"


def test_a_watch_that_ends_by_itself_says_why(supervisor, client):
    ends = []
    # Long enough for a busy machine to begin to watch meanwhile.
    button = client.input("GPIO4", heartbeat_ms=1000)
    button.on_edge(print, on_end=ends.append)
    eventually("the hold is lost", lambda: ends)
    assert ends[0].code == "HOLD_LOST"


def test_what_there_is_can_be_listed(client):
    client.output("GPIO17", heartbeat_ms=60_000)
    pins = {pin.pin: pin for pin in client.pins()}
    assert pins["GPIO17"].direction == "out" and pins["GPIO4"].state == "closed"
    status = client.status()
    # What simulated pins say they are on: a Pi 4 Model B.
    assert status.board_revision == 0xC03114
    assert status.state == "running" and status.counters.accepted == 0
    assert [(pin.pin, pin.holders[0].heartbeat_ms) for pin in status.pins] == [("GPIO17", 60_000)]
    assert client.pools() == []


def test_many_threads_may_share_a_client(client):
    led = client.output("GPIO17", mode="nowait")
    answers = []

    def work():
        for _ in range(50):
            answers.append(led.toggle().command)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(1, 201))
