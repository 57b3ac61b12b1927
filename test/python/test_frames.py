"""Frames: written by one client, read by another, in the memory of the pool itself."""

import gc
import glob
import os
import subprocess
import sys
import threading
import time

import holdfast
import numpy as np
import pytest
from supervisor import PATIENCE_S, eventually

PATIENCE_MS = PATIENCE_S * 1000


@pytest.fixture
def reader(supervisor):
    """Another client."""
    return supervisor.connect(name="reader")


@pytest.fixture
def pool(client):
    """A pool of small pictures."""
    return client.create_pool("cam0", slots=8, fourcc="BGR3", width=8, height=4)


def code_of(act):
    """The code with which something fails."""
    with pytest.raises(holdfast.HoldfastError) as refused:
        act()
    return refused.value.code


def slots_of(client):
    """What becomes of the slots of the only pool."""
    return [slot.state for slot in client.pools()[0].slots]


def publish(pool, value, **said):
    """A frame full of one value."""
    with pool.produce() as frame:
        frame.array[:] = value
        return frame.publish(**said)


def test_a_frame_is_read_as_it_was_written_with_what_was_said_of_it(pool, reader):
    with reader.pool("cam0").frames() as frames:
        with pool.produce() as frame:
            frame.array[1, 2] = (10, 20, 30)
            assert frame.publish(timestamp_ns=123, meta={"camelCase": {"snake_case": [1, 2.5, None]}}) == 1
        with frames.get(PATIENCE_MS) as frame:
            assert frame.array.shape == (4, 8, 3)
            assert frame.array[1, 2].tolist() == [10, 20, 30]
            assert bytes(frame.data[(8 + 2) * 3 :][:3]) == b"\x0a\x14\x1e"
            assert (frame.seq, frame.timestamp_ns, frame.bytes) == (1, 123, 96)
            assert (frame.fourcc, frame.width, frame.height, frame.stride) == ("BGR3", 8, 4, 24)
            assert frame.meta == {"camelCase": {"snake_case": [1, 2.5, None]}}
            assert frame.intact() and not frame.is_revoked
            assert frame.release() is True


def test_what_is_read_can_not_be_stored_to(pool, reader):
    with reader.pool("cam0").frames() as frames:
        publish(pool, 1)
        frame = frames.get(PATIENCE_MS)
        with pytest.raises(ValueError, match="read-only"):
            frame.array[0] = 2
        with pytest.raises(TypeError, match="read-only"):
            frame.data[0] = 2


def test_nothing_is_copied(pool, reader):
    with reader.pool("cam0").frames() as frames:
        publish(pool, 1)
        frame = frames.get(PATIENCE_MS)
        assert np.shares_memory(frame.array, np.frombuffer(frame.data, np.uint8))
        assert not frame.array.flags.owndata


def test_views_of_a_released_frame_are_released_and_arrays_never_fail(pool, reader):
    with reader.pool("cam0").frames() as frames:
        publish(pool, 1)
        frame = frames.get(PATIENCE_MS)
        data, array = frame.data, frame.array
        frame.release()
        with pytest.raises(ValueError, match="released"):
            data[0]
        assert [code_of(act) for act in (lambda: frame.data, lambda: frame.array, frame.intact, frame.release)] == ["FRAME_RELEASED"] * 4
        pool.remove()
        frames.close()
        frame = None
        gc.collect()
        assert array.shape == (4, 8, 3) and array.sum() >= 0


def test_a_published_frame_is_not_stored_to_by_its_array(pool):
    frame = pool.produce()
    data, array = frame.data, frame.array
    frame.publish()
    with pytest.raises(ValueError):
        array[0] = 2
    with pytest.raises(ValueError):
        data[0] = 2
    assert [code_of(act) for act in (lambda: frame.array, lambda: frame.data, frame.publish, frame.abort)] == ["FRAME_RELEASED"] * 4


def test_memory_that_nobody_refers_to_any_more_is_given_back(pool, reader):
    reading = reader.pool("cam0")
    with reading.frames() as frames:
        publish(pool, 1)
        array = frames.get(PATIENCE_MS).array

    def is_mapped():
        return "holdfast-cam0" in open("/proc/self/maps").read()

    reading.close()
    pool.close()
    gc.collect()
    assert is_mapped() and array[0, 0, 0] == 1
    del array
    gc.collect()
    assert not is_mapped()


def test_a_slot_whose_scope_ends_without_a_frame_is_free(pool, client):
    with pytest.raises(ZeroDivisionError), pool.produce():
        assert slots_of(client)[0] == "writing"
        1 / 0
    assert slots_of(client) == ["free"] * 8


def test_a_frame_that_is_refused_can_be_published_otherwise(pool, client):
    with pool.produce() as frame:
        array = frame.array
        assert code_of(lambda: frame.publish(bytes=97)) == "FRAME_TOO_LONG"
        assert code_of(lambda: frame.publish(meta={"much": "x" * 5000})) == "LIMIT_META"
        assert code_of(lambda: frame.publish(meta={"set": {1}})) == "BAD_FIELD"
        assert code_of(lambda: frame.publish(timestamp_ns=2**63)) == "BAD_FIELD"
        array[:] = 5
        assert frame.array is array
        frame.publish(last=True)
    assert slots_of(client)[0] == "ready"


def test_the_next_slot_comes_with_the_frame_before_and_goes_with_the_pool(pool, client):
    publish(pool, 1)
    assert slots_of(client).count("writing") == 1
    requests = client.status().counters.requests
    with pool.produce():
        assert client.status().counters.requests == requests + 1
    publish(pool, 1)
    pool.close()
    assert slots_of(client).count("writing") == 0
    assert code_of(pool.produce) == "DISCONNECTED"


def test_a_frame_is_released_when_the_next_is_asked_for(pool, reader):
    frames = reader.pool("cam0").frames(policy="block", deadline_ms=PATIENCE_MS, depth=2)
    for value in (1, 2, 3):
        publish(pool, value)
    assert [frames.get(PATIENCE_MS).array[0, 0, 0] for _ in range(3)] == [1, 2, 3]


def test_who_breaks_out_of_a_loop_subscribes_no_more_and_the_frame_is_good_until_it_is_dropped(pool, client, reader):
    opened = reader.pool("cam0")
    publish(pool, 7, last=True)
    for frame in opened.frames(start_with_latest=True):
        break
    assert frame.array[0, 0, 0] == 7
    assert slots_of(client).count("reading") == 1
    del frame
    eventually("the frame is released", lambda: slots_of(client).count("reading") == 0)
    eventually("the subscription is over", lambda: client.pools()[0].groups == [])


def test_a_stream_ends_with_its_pool_and_what_is_held_can_be_read(pool, reader):
    frames = reader.pool("cam0").frames()
    publish(pool, 7)
    frame = frames.get(PATIENCE_MS)
    pool.remove()
    assert frame.array[0, 0, 0] == 7
    assert code_of(frames.get) == "POOL_GONE"
    assert glob.glob(os.path.join(os.path.dirname(pool.layout.path), "holdfast-cam0-*")) == []


def test_a_stream_ends_quietly_with_its_pools_closing_in_another_thread(pool, reader):
    opened = reader.pool("cam0")
    frames = opened.frames()
    threading.Timer(0.05, opened.close).start()
    assert list(frames) == []


def test_a_frame_that_is_held_for_too_long_is_taken_away(pool, reader):
    frames = reader.pool("cam0").frames(max_hold_ms=300)

    def taken():
        # One that is taken away before the program has it is not shown to it: on a slow machine the next one may be.
        publish(pool, 1)
        try:
            return frames.get(300)
        except TimeoutError:
            return None

    frame = eventually("one comes in time", taken)
    eventually("it is taken away", lambda: frame.is_revoked)
    assert frame.release() is False


def test_dropped_frames_are_counted(pool, reader):
    frames = reader.pool("cam0").frames(policy="drop-oldest", depth=2)
    publish(pool, 0)
    first = frames.get(PATIENCE_MS)
    for value in range(1, 6):
        publish(pool, value)
    assert (first.lost, frames.get(PATIENCE_MS).lost) == (0, 3)


def test_a_producer_waits_for_a_group_that_blocks_no_longer_than_it_says(client, reader):
    pool = client.create_pool("small", slots=4, bytes=16)
    frames = reader.pool("small").frames(policy="block", depth=1, deadline_ms=PATIENCE_MS)
    for _ in range(2):
        pool.produce().publish(last=True)
    assert code_of(lambda: pool.produce(wait_ms=1)) == "SLOT_NONE"
    frames.get(PATIENCE_MS).release()
    pool.produce(wait_ms=PATIENCE_MS).publish()


def test_a_subscription_that_does_not_fit_says_why(pool, reader):
    with pytest.raises(holdfast.HoldfastError) as refused:
        reader.pool("cam0").frames(policy="drop-oldest", depth=100)
    assert refused.value.code == "POOL_SLOTS"
    assert refused.value.details["needed"] > refused.value.details["slots"] == 8


def test_who_waits_for_a_frame_waits_no_longer_than_it_has_said(pool, reader):
    with reader.pool("cam0").frames() as frames, pytest.raises(TimeoutError):
        frames.get(1)


def test_a_deleted_file_is_replaced_and_frames_go_on(pool, reader):
    frames = reader.pool("cam0").frames()
    publish(pool, 1)
    first = frames.get(PATIENCE_MS)
    os.unlink(pool.layout.path)

    def is_new():
        try:
            publish(pool, 2)
        except holdfast.HoldfastError as error:
            assert error.code in ("POOL_GONE", "SLOT_NONE"), error
        return pool.layout.epoch != first.epoch

    assert first.array[0, 0, 0] == 1
    eventually("the pool has another file", is_new)
    while True:
        publish(pool, 2)
        frame = frames.get(PATIENCE_MS)
        if frame.epoch != first.epoch:
            break
    assert frame.array[0, 0, 0] == 2


def test_frames_go_on_when_the_supervisor_has_started_again(supervisor):
    config = "[pool.cam0]\nslots = 6\nbytes = 64\n"
    supervisor.kill()
    supervisor.configure(config)
    supervisor.start()
    states = []
    client = supervisor.connect(reconnect=True, on_connection=states.append)
    pool = client.pool("cam0")
    frames = pool.frames()
    held = pool.produce()
    pool.produce().publish()
    before = frames.get(PATIENCE_MS)
    supervisor.kill()
    supervisor.start()
    eventually("it is back", lambda: states == ["lost", "back"])
    assert before.release() is False
    assert code_of(held.publish) == "DISCONNECTED"
    with pool.produce() as frame:
        frame.data[:5] = b"after"
        frame.publish()
    after = frames.get(PATIENCE_MS)
    assert bytes(after.data[:5]) == b"after" and after.release() is True


def test_a_slot_of_a_lost_connection_is_given_up_on_the_next_one(supervisor, client):
    states = []
    producer = supervisor.connect(name="producer", reconnect=True, on_connection=states.append)
    pool = producer.create_pool("cam0", slots=4, bytes=64)
    frame = pool.produce()
    producer._session._connection.cut(holdfast.HoldfastError("DISCONNECTED", "as if the network had failed"))
    eventually("it is quarantined", lambda: slots_of(client)[0] == "quarantined")
    eventually("it is back", lambda: states == ["lost", "back"])
    with frame:
        pass
    assert slots_of(client) == ["free"] * 4


def test_a_forked_child_reads_zeros_and_stores_where_nobody_sees_it(pool, reader, client):
    with reader.pool("cam0").frames() as frames, pool.produce() as frame:
        array = frame.array
        array[:] = 9
        child = os.fork()
        if child == 0:
            status = int(array.sum() != 0)
            array[:] = 5
            with frame:
                pass
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert slots_of(client)[0] == "writing"
        frame.publish()
        assert frames.get(PATIENCE_MS).array.min() == 9


def test_frames_of_a_producer_that_is_killed_are_never_half_written(supervisor, client):
    client.create_pool("cam0", slots=6, fourcc="GREY", width=640, height=480)
    program = """
import holdfast, itertools
with holdfast.connect() as client:
    pool = client.pool("cam0")
    for number in itertools.count():
        with pool.produce() as frame:
            frame.array[:] = number % 256
            frame.publish()
"""
    frames = client.pool("cam0").frames()
    for _ in range(3):
        producer = subprocess.Popen([sys.executable, "-c", program], env=supervisor.environment)
        for _ in range(5):
            with frames.get(PATIENCE_MS) as frame:
                assert frame.array.min() == frame.array.max()
        producer.kill()
        producer.wait()
    eventually("its slots are free", lambda: not {"writing", "quarantined"} & set(slots_of(client)))


def test_without_numpy_there_are_bytes(supervisor, client):
    client.create_pool("cam0", slots=4, fourcc="GREY", width=4, height=2)
    program = """
import sys
sys.modules["numpy"] = None
import holdfast
with holdfast.connect() as client, client.pool("cam0") as pool, pool.frames() as frames:
    with pool.produce() as frame:
        frame.data[:] = b"12345678"
        frame.publish()
    with frames.get(10_000) as frame:
        print(bytes(frame.data).decode())
        try:
            frame.array
        except ImportError as error:
            print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], env=supervisor.environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.stdout.splitlines() == ["12345678", "frames as arrays need numpy (python3-numpy): without it use frame.data"]


def test_importing_the_client_loads_neither_numpy_nor_gpiozero(supervisor):
    program = "import holdfast, sys; sys.exit(len({'numpy', 'gpiozero', 'ssl'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], env=supervisor.environment, timeout=PATIENCE_S).returncode == 0


def test_a_hundred_pools_one_after_the_other_leave_nothing(client):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        with client.create_pool("cam0", slots=2, bytes=64) as pool:
            with pool.produce() as frame:
                frame.data[0] = 1
            pool.remove()
    del pool, frame
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    time.sleep(0)
