"""What vision programs do by hand: ffmpeg writes to a pipe, and each frame is read and copied into multiprocessing.shared_memory.

pipe_to_shared_memory.py BYTES SECONDS COMMAND…: prints how many frames there were a second, and what they took of the processors, in µs: of this
process, and of the command's.
"""

import json
import os
import subprocess
import sys
import time
from multiprocessing import shared_memory

SLOTS = 8

frame_bytes, seconds, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
rings = [shared_memory.SharedMemory(create=True, size=frame_bytes) for _ in range(SLOTS)]
try:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=frame_bytes)
    for ring in rings:  # touched once, so that the memory is there; and the pipeline runs
        ring.buf[:] = child.stdout.read(frame_bytes)
    began, frames = time.monotonic(), 0
    ticks = os.sysconf("SC_CLK_TCK")

    def used(pid):
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000 // ticks

    own, others = used(os.getpid()), used(child.pid)
    while time.monotonic() - began < seconds:
        rings[frames % SLOTS].buf[:frame_bytes] = child.stdout.read(frame_bytes)
        frames += 1
    took = time.monotonic() - began
    print(json.dumps({"fps": frames / took, "workerUs": (used(os.getpid()) - own) / frames, "pipelineUs": (used(child.pid) - others) / frames}))
    child.kill()
    child.wait()
finally:
    for ring in rings:
        ring.close()
        ring.unlink()
