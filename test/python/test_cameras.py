"""Cameras that the supervisor runs."""

import holdfast
import pytest
from supervisor import Supervisor

#: A pipeline that needs nothing but a shell.
CONFIG = """
[camera.front]
pipeline = ["sh", "-c", "while :; do head -c 3072 /dev/zero; sleep 0.02; done"]
width = 64
height = 48
format = "GREY"
autostart = false
startMs = 60000
stallPeriods = 3000
"""


def test_a_camera_is_started_paused_and_stopped():
    with Supervisor(config=CONFIG) as supervisor:
        client = supervisor.connect()
        started = client.start_camera("front")
        assert (started.state, started.format, started.fault) == ("capturing", "GREY", None)
        with client.pool("front") as pool:
            frame = next(iter(pool.frames()))
            assert len(frame.data) == 64 * 48
            frame.release()
        assert client.pause_camera("front").state == "paused"
        assert client.resume_camera("front").state == "capturing"
        assert client.set_camera_fps("front", 10).fps == 10
        assert [each.camera for each in client.cameras()] == ["front"]
        assert client.stop_camera("front").pid is None
        assert client.pools() == []


def test_one_that_is_stopped_says_so_and_others_come_and_go():
    with Supervisor(config=CONFIG) as supervisor:
        client = supervisor.connect()
        with pytest.raises(holdfast.HoldfastError, match="^CAMERA_STOPPED"):
            client.pause_camera("front")
        made = client.create_camera("side", pipeline=["no-such-program"], width=64, height=48, autostart=False, restart="never")
        assert (made.state, made.pipeline) == ("stopped", ["no-such-program"])
        with pytest.raises(holdfast.HoldfastError, match="^PROGRAM_MISSING"):
            client.start_camera("side")
        client.remove_camera("side")
        assert [each.camera for each in client.cameras()] == ["front"]


def test_a_snapshot_is_saved_where_the_configuration_says_and_topics_drive_a_camera(tmp_path):
    picture = b"\xff\xd8\xff\xda\x00\x02\x00\xff\xd9"
    file = tmp_path / "picture.jpg"
    file.write_bytes(picture)
    config = f"""
[camera.front]
pipeline = ["sh", "-c", "while :; do cat {file}; sleep 0.02; done"]
width = 64
height = 48
format = "MJPG"
startMs = 60000
stallPeriods = 3000
save = {{ folder = "{tmp_path}" }}
"""
    with Supervisor(config=config) as supervisor:
        client = supervisor.connect()
        client.start_camera("front")
        saved = client.snapshot_camera("front")
        with open(saved.file, "rb") as snapshot:
            assert snapshot.read() == picture
        assert (saved.bytes, saved.seq > 0, saved.timestamp_ns > 0) == (len(picture), True, True)
        done = client.topic("camera/front/done")
        client.publish("camera/front/set", "pause")
        outcome = next(done).value
        assert (outcome["type"], outcome["ok"]) == ("pause", True)
        assert client.cameras()[0].state == "paused"
        with pytest.raises(holdfast.HoldfastError, match="^CAMERA_STOPPED: camera front is paused"):
            client.snapshot_camera("front")
