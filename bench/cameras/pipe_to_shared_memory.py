"""What vision programs do by hand: a pipeline writes to a pipe, and each frame is read and copied into multiprocessing.shared_memory.

pipe_to_shared_memory.py BYTES SETTLING SECONDS COMMAND…: lets SETTLING seconds pass, and prints what SECONDS brought: how many frames a second, what
they took of the processors, in µs, of this process and of the command's, and how old they were when they had been copied. The first 8 bytes of a
frame are the instant at which it was begun.
"""

import json
import os
import statistics
import struct
import subprocess
import sys
import time
from multiprocessing import shared_memory

SLOTS = 8
TICKS = os.sysconf("SC_CLK_TCK")


def used_us(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 / TICKS


frame_bytes, settling, seconds, command = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
rings = [shared_memory.SharedMemory(create=True, size=frame_bytes) for _ in range(SLOTS)]
# With the usual buffer: with one as long as a frame, as one often sees it, everything is copied once more.
child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
try:

    def copy_frames(seconds):
        """Copies frames for so long. Returns how old each was, in µs."""
        ages, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            ring = rings[len(ages) % SLOTS].buf
            ring[:frame_bytes] = child.stdout.read(frame_bytes)
            ages.append((time.monotonic_ns() - struct.unpack_from("<Q", ring)[0]) / 1000)
        return ages

    copy_frames(settling)
    own, others, began = used_us(os.getpid()), used_us(child.pid), time.monotonic()
    ages = copy_frames(seconds)
    frames = len(ages)
    print(
        json.dumps(
            {
                "fps": frames / (time.monotonic() - began),
                "readerUs": (used_us(os.getpid()) - own) / frames,
                "pipelineUs": (used_us(child.pid) - others) / frames,
                "delayUs": statistics.median(ages),
            }
        )
    )
finally:
    child.kill()
    child.wait()
    for ring in rings:
        ring.close()
        ring.unlink()
