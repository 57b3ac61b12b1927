"""Frames as arrays of numpy, without a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Optional

from .pool_info import PoolLayout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class _PlaneShape:
    """How the samples of a plane lie: an array of lines, of samples, and of values of a sample where that has more than one."""

    #: So many pixels, and lines of pixels, share a sample.
    pixels: int = 1
    lines: int = 1
    #: Values of a sample.
    values: int = 1
    #: What numpy calls a value.
    dtype: str = "u1"


def _each(codes: str, *planes: _PlaneShape) -> dict[str, tuple[_PlaneShape, ...]]:
    return {code: planes for code in codes.split()}


_luma = _PlaneShape()

#: Pixel formats of V4L2 (linux/videodev2.h, V4L2_PIX_FMT_*), by their FourCC. What is not here is bytes in a row.
_formats: Mapping[str, tuple[_PlaneShape, ...]] = {
    **_each("BGR3 RGB3 YUV3", _PlaneShape(values=3)),
    **_each("BGR4 RGB4 AR24 XR24 BA24 BX24 RA24 RX24 AB24 XB24", _PlaneShape(values=4)),
    # Words of 16 bits that OpenCV takes as two bytes each, and pairs of luma and chroma.
    **_each("RGBP RGBR YUYV YVYU UYVY VYUY", _PlaneShape(values=2)),
    **_each("GREY BA81 GBRG GRBG RGGB", _luma),
    **_each("Y10 Y12 Y14 Y16 BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12 BYR2 GB16 GR16 RG16", _PlaneShape(dtype="<u2")),
    **_each("NV12 NV21", _luma, _PlaneShape(pixels=2, lines=2, values=2)),
    **_each("NV16 NV61", _luma, _PlaneShape(pixels=2, values=2)),
    **_each("YU12 YV12", _luma, _PlaneShape(pixels=2, lines=2), _PlaneShape(pixels=2, lines=2)),
    **_each("422P", _luma, _PlaneShape(pixels=2), _PlaneShape(pixels=2)),
}

#: Four samples of 10 bits lie in five bytes: an array of these bytes.
_PACKED_10_BITS = "pBAA pGAA pgAA pRAA".split()


def planes_of(memory: memoryview, layout: PoolLayout) -> list[Array]:
    """The planes of an image, each of shape (height, width) or (height, width, values).

    :raises ValueError: the frame has fewer bytes than an image, or its format has no planes
    """
    np = _numpy()
    shapes = _formats.get(layout.fourcc)
    if layout.width is None or layout.height is None or not layout.planes:
        raise ValueError(f"a frame of {layout.fourcc} has no planes")
    if layout.fourcc in _PACKED_10_BITS:
        return [_rows(np, memory, layout, layout.planes[0].offset, layout.height, layout.width * 5 // 4, layout.planes[0].stride)]
    if shapes is None:
        raise ValueError(f"how the pixels of {layout.fourcc} lie is not known here: use data")
    planes = []
    for plane, shape in zip(layout.planes, shapes):
        size = np.dtype(shape.dtype).itemsize
        lines, samples = layout.height // shape.lines, layout.width // shape.pixels
        _assert_whole(memory, layout, plane.offset + (lines - 1) * plane.stride + samples * shape.values * size)
        dimensions = (lines, samples) if shape.values == 1 else (lines, samples, shape.values)
        strides = (plane.stride, size) if shape.values == 1 else (plane.stride, shape.values * size, size)
        planes.append(np.ndarray(dimensions, shape.dtype, memory, plane.offset, strides))
    return planes


def array_of(memory: memoryview, layout: PoolLayout) -> Array:
    """A frame as OpenCV takes it.

    An image of one plane is (height, width, values), or (height, width) where a pixel has one value. Of several planes it is one array of
    (lines, width), with the lines of all planes below each other, as ``cv2.cvtColor`` wants NV12 and YU12. What is compressed, or RAW, is
    bytes in a row.

    :raises ValueError: the frame has fewer bytes than an image; or the lines of its planes are padded so that no array has them all
    """
    np = _numpy()
    if layout.width is None or layout.height is None or not layout.planes:
        row: Array = np.frombuffer(memory, np.uint8)
        return row
    if len(layout.planes) == 1:
        return planes_of(memory, layout)[0]
    stride = layout.planes[0].stride
    if any(plane.stride != stride for plane in layout.planes) and stride != layout.width:
        raise ValueError(f"the lines of this {layout.fourcc} are padded, and those of its planes differ: use planes")
    last, shape = layout.planes[-1], _formats[layout.fourcc][-1]
    lines = (last.offset + last.stride * (layout.height // shape.lines)) // stride
    return _rows(np, memory, layout, 0, lines, layout.width, stride)


def _rows(np: Any, memory: memoryview, layout: PoolLayout, offset: int, lines: int, width: int, stride: int) -> Array:
    _assert_whole(memory, layout, offset + (lines - 1) * stride + width)
    rows: Array = np.ndarray((lines, width), np.uint8, memory, offset, (stride, 1))
    return rows


def _assert_whole(memory: memoryview, layout: PoolLayout, needed: int) -> None:
    if memory.nbytes < needed:
        raise ValueError(f"the frame has {memory.nbytes} bytes, and an image of {layout.fourcc} has {needed}")


def freeze(array: Optional[Array]) -> None:
    """Nothing more is to be stored by way of this array."""
    if array is not None:
        array.flags.writeable = False


def thaw(array: Optional[Array]) -> None:
    """The program may store again."""
    if array is not None:
        array.flags.writeable = True


def _numpy() -> Any:
    try:
        import numpy
    except ImportError as error:
        raise ImportError("frames as arrays need numpy (python3-numpy): without it use frame.data") from error
    return numpy
