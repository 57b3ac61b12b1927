"""Pixels as arrays: every format that a pool may have."""

import cv2
import holdfast
import numpy as np
import pytest

WIDTH, HEIGHT = 16, 8

#: The shapes of what `array` is, where it is not bytes in a row.
SHAPES = {
    **dict.fromkeys("BGR3 RGB3 YUV3".split(), (HEIGHT, WIDTH, 3)),
    **dict.fromkeys("BGR4 RGB4 AR24 XR24 BA24 BX24 RA24 RX24 AB24 XB24".split(), (HEIGHT, WIDTH, 4)),
    **dict.fromkeys("RGBP RGBR YUYV YVYU UYVY VYUY".split(), (HEIGHT, WIDTH, 2)),
    **dict.fromkeys("GREY BA81 GBRG GRBG RGGB".split(), (HEIGHT, WIDTH)),
    **dict.fromkeys("Y10 Y12 Y14 Y16 BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12 BYR2 GB16 GR16 RG16".split(), (HEIGHT, WIDTH)),
    **dict.fromkeys("NV12 NV21 YU12 YV12".split(), (HEIGHT * 3 // 2, WIDTH)),
    **dict.fromkeys("NV16 NV61 422P".split(), (HEIGHT * 2, WIDTH)),
    **dict.fromkeys("pBAA pGAA pgAA pRAA".split(), (HEIGHT, WIDTH * 5 // 4)),
}


def known(client):
    """Every format that the supervisor has."""
    with pytest.raises(holdfast.HoldfastError) as refused:
        client.create_pool("none", slots=2, fourcc="NONE", width=WIDTH, height=HEIGHT)
    return refused.value.details["known"]


def frame_of(client, **settings):
    """A frame to be written to, of a pool that goes again."""
    pool = client.create_pool("cam0", slots=2, **settings)
    frame = pool.produce()
    pool.remove()
    return frame


def test_every_format_of_the_supervisor_has_an_array(client):
    for fourcc in known(client):
        size = {"bytes": 100} if fourcc == "RAW" else {"width": WIDTH, "height": HEIGHT}
        frame = frame_of(client, fourcc=fourcc, **size)
        array = frame.array
        assert array.shape == SHAPES.get(fourcc, (len(frame.data),)), fourcc
        assert array.nbytes == len(frame.data), fourcc
        array[...] = 1
        assert set(frame.data.tolist()) <= {0, 1} and frame.data[0] == 1, fourcc


def test_every_padded_format_of_one_plane_or_of_like_ones_has_an_array(client):
    for fourcc, (lines, width, *_) in SHAPES.items():
        if fourcc in ("YU12", "YV12", "422P"):
            continue
        frame = frame_of(client, fourcc=fourcc, width=WIDTH, height=HEIGHT, stride=128)
        assert frame.array.shape == SHAPES[fourcc], fourcc
        frame.array[1:] = 255
        assert bytes(frame.data[:128]) == bytes(128), fourcc
        assert frame.data[128] == 255, fourcc


def test_padded_planes_that_differ_are_to_be_had_one_by_one(client):
    frame = frame_of(client, fourcc="YU12", width=WIDTH, height=HEIGHT, stride=32)
    with pytest.raises(ValueError, match="use planes"):
        frame.array
    assert [plane.shape for plane in frame.planes] == [(8, 16), (4, 8), (4, 8)]
    frame.planes[2][:] = 3
    assert frame.data[32 * 8 + 16 * 4] == 3 and sum(frame.data) == 3 * 32


def test_planes_of_pictures_with_chroma_of_their_own(client):
    frame = frame_of(client, fourcc="NV12", width=WIDTH, height=HEIGHT)
    luma, chroma = frame.planes
    assert (luma.shape, chroma.shape) == ((8, 16), (4, 8, 2))
    luma[:], chroma[..., 0], chroma[..., 1] = 1, 2, 3
    assert bytes(frame.data) == b"\x01" * 128 + b"\x02\x03" * 32


def test_a_frame_that_is_shorter_than_its_image_is_no_array(client):
    pool = client.create_pool("cam0", slots=4, fourcc="GREY", width=WIDTH, height=HEIGHT)
    frames = pool.frames()
    pool.produce().publish(bytes=10)
    frame = frames.get(10_000)
    with pytest.raises(ValueError, match="10 bytes"):
        frame.array
    assert len(frame.data) == 10


@pytest.mark.parametrize(
    ("fourcc", "conversion"),
    [
        ("NV12", cv2.COLOR_YUV2BGR_NV12),
        ("NV21", cv2.COLOR_YUV2BGR_NV21),
        ("YU12", cv2.COLOR_YUV2BGR_I420),
        ("YV12", cv2.COLOR_YUV2BGR_YV12),
        ("YUYV", cv2.COLOR_YUV2BGR_YUYV),
        ("UYVY", cv2.COLOR_YUV2BGR_UYVY),
        ("GREY", cv2.COLOR_GRAY2BGR),
        ("BA81", cv2.COLOR_BayerRG2BGR),
        ("RGBP", cv2.COLOR_BGR5652BGR),
        ("RGB3", cv2.COLOR_RGB2BGR),
        ("XR24", cv2.COLOR_BGRA2BGR),
        ("Y16", cv2.COLOR_GRAY2BGR),
    ],
)
def test_opencv_takes_the_array_as_it_is(client, fourcc, conversion):
    frame = frame_of(client, fourcc=fourcc, width=WIDTH, height=HEIGHT)
    assert cv2.cvtColor(frame.array, conversion).shape == (HEIGHT, WIDTH, 3)


def test_opencv_writes_into_the_slot_itself(client):
    pool = client.create_pool("cam0", slots=4, fourcc="BGR3", width=WIDTH, height=HEIGHT)
    frames = pool.frames()
    picture = np.full((HEIGHT * 2, WIDTH * 2, 3), 50, np.uint8)
    with pool.produce() as frame:
        cv2.resize(picture, (WIDTH, HEIGHT), dst=frame.array)
        cv2.rectangle(frame.array, (0, 0), (3, 3), (0, 0, 255), -1)
        frame.publish()
    with frames.get(10_000) as frame:
        assert frame.array[0, 0].tolist() == [0, 0, 255]
        assert frame.array[-1, -1].tolist() == [50, 50, 50]
        assert cv2.countNonZero(cv2.inRange(frame.array, (0, 0, 255), (0, 0, 255))) == 16


def test_a_jpeg_goes_through_a_compressed_pool(client):
    pool = client.create_pool("cam0", slots=4, fourcc="MJPG", width=WIDTH, height=HEIGHT)
    frames = pool.frames()
    _, jpeg = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 200, np.uint8))
    with pool.produce() as frame:
        frame.array[: len(jpeg)] = jpeg.ravel()
        frame.publish(bytes=len(jpeg))
    with frames.get(10_000) as frame:
        picture = cv2.imdecode(frame.array, cv2.IMREAD_COLOR)
        assert picture.shape == (HEIGHT, WIDTH, 3) and abs(int(picture[0, 0, 0]) - 200) < 3
