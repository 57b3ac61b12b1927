"""Pictures as several encoders of JPEG make them: `python3 pictures.py OUT` writes them one behind the other, and prints the length of each."""

import json
import struct
import sys

import cv2
import numpy as np


def picture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 0) if seed % 2 else noise


def encoded(seed: int, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture(seed), list(options))[1].tobytes()


def with_thumbnail(jpeg: bytes, thumbnail: bytes) -> bytes:
    """A picture whose header holds a small one, as cameras have it (Exif)."""
    entries = [(0x0201, 4, 1, 44), (0x0202, 4, 1, len(thumbnail))]
    first = struct.pack("<HL", 0, 14)
    second = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in entries) + bytes(4)
    tiff = struct.pack("<2sHL", b"II", 42, 8) + first + second
    segment = b"Exif\0\0" + tiff + thumbnail
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


plain = [encoded(seed, cv2.IMWRITE_JPEG_QUALITY, quality) for seed, quality in enumerate((10, 50, 95, 100))]
restarted = [encoded(seed, cv2.IMWRITE_JPEG_RST_INTERVAL, interval) for seed, interval in enumerate((1, 3, 40))]
progressive = [encoded(seed, cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2) for seed in range(2)]
small = cv2.imencode(".jpg", cv2.resize(picture(1), (40, 30)))[1].tobytes()
thumbnails = [with_thumbnail(jpeg, small) for jpeg in (plain[1], restarted[0], progressive[0])]

pictures = plain + restarted + progressive + thumbnails
with open(sys.argv[1], "wb") as out:
    out.write(b"".join(pictures))
print(json.dumps([len(jpeg) for jpeg in pictures]))
