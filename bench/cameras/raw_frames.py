"""A pipeline that costs next to nothing: frames that were made before are lent to the pipe, page by page, and not copied into it (splice(2)).

raw_frames.py BYTES FPS: writes frames of so many bytes to its stdout, FPS a second, or with 0 as fast as they are taken. The first 8 bytes of each
are the instant at which it was begun, CLOCK_MONOTONIC in ns.
"""

import itertools
import mmap
import os
import struct
import sys
import time

# A pipe holds no more than the end of one and the whole of another.
FRAMES = 2

frame_bytes, fps = int(sys.argv[1]), float(sys.argv[2])
file = os.memfd_create("frames")
os.truncate(file, FRAMES * frame_bytes)
frames = mmap.mmap(file, FRAMES * frame_bytes)
frames[:] = bytes(itertools.islice(itertools.cycle(range(256)), FRAMES * frame_bytes))
due = time.monotonic()
try:
    for number in itertools.count():
        if fps > 0:
            due += 1 / fps
            time.sleep(max(0.0, due - time.monotonic()))
        begin = number % FRAMES * frame_bytes
        struct.pack_into("<Q", frames, begin, time.monotonic_ns())
        done = 0
        while done < frame_bytes:
            done += os.splice(file, 1, frame_bytes - done, offset_src=begin + done)
except BrokenPipeError:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
