"""The programs of docs/opencv.md, as they stand there, with a video in place of the camera."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from supervisor import Supervisor, eventually

PAGE = Path(__file__).parents[2] / "docs" / "opencv.md"


@pytest.fixture
def supervisor():
    """One with the pool of the page."""
    (config,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with Supervisor(config) as running:
        yield running


@pytest.fixture
def video(tmp_path):
    """A square that moves."""
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (640, 480))
    for number in range(25):
        picture = np.zeros((480, 640, 3), np.uint8)
        picture[200:280, number * 20 : number * 20 + 80] = 255
        writer.write(picture)
    writer.release()
    return path


def test_the_camera_and_those_that_look_at_its_pictures(supervisor, started, video, tmp_path):
    motion, snapshots = started("motion.py"), started("snapshots.py")

    def pool():
        return supervisor.outside.pools()[0]

    eventually("both have subscribed", lambda: len(pool().groups) == 2)

    def films():
        assert started("camera.py", video).end() == []
        return motion.has_said() and snapshots.has_said()

    eventually("both have said something", films)
    assert re.fullmatch(r"frame \d+: something moves", motion.line())
    name = re.fullmatch(r"(\d+\.jpg), \d+ ms old, \d+ lost before it", snapshots.line())[1]
    picture = cv2.imread(str(tmp_path / name))
    assert picture.shape == (480, 640, 3) and picture.max() > 200

    # Each may be killed at any time.
    for each in (motion, snapshots):
        each.kill()
    assert started("camera.py", video).end() == []
    eventually("nobody has a slot any more", lambda: not {"reading", "writing", "quarantined"} & {slot.state for slot in pool().slots})
    again = started("motion.py")
    eventually("it has subscribed again", lambda: pool().groups)
    eventually("it sees motion", lambda: started("camera.py", video).end() == [] and again.has_said())


def test_a_camera_of_another_size_says_so(supervisor, started, tmp_path):
    path = tmp_path / "small.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    camera = started("camera.py", path)
    lines = []
    while (line := camera.line()) is not None:
        lines.append(line)
    assert lines[-1] == "AssertionError: the camera's pictures are (48, 64, 3), the pool's (480, 640, 3)"
    assert supervisor.outside.pools()[0].published == 0
