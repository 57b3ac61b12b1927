"""A ring of named segments, after the pattern of Frigate: `python3 named_ring.py '{"bytes", "slots", "consumers", "runMs", "paceMs"}'`.

A segment a slot, opened by its name for every frame on both sides; the names go through a Manager's queue of two. There the
producer skips a frame that finds the queue full; here it waits, so that every frame counts and none is overwritten.
Each consumer prints what it has seen as a line of JSON.
"""

import json
import os
import sys
from multiprocessing import Manager, Process, resource_tracker
from multiprocessing.shared_memory import SharedMemory
from time import monotonic_ns

from measuring import Seen, pace, touch

QUEUED = 2


def attach_untracked():
    """From now on who opens a segment does not tell Python's tracker, which would delete it for all; it would cost time, too."""
    resource_tracker.register = lambda *_: None


def consume(queue, size):
    attach_untracked()
    seen = Seen()
    while True:
        name, published_ns = queue.get()
        if name is None:
            break
        segment = SharedMemory(name=name)
        touch(segment.buf[:size])
        seen.frame(published_ns)
        segment.close()
    seen.tell()


def main():
    run = json.loads(sys.argv[1])
    size = run["bytes"]
    image = bytes([7]) * size
    names = [f"bench_{os.getpid()}_frame{index}" for index in range(run["slots"])]
    manager = Manager()
    queues = [manager.Queue(QUEUED) for _ in range(run["consumers"])]
    segments = [SharedMemory(name=name, create=True, size=size) for name in names]
    try:
        for segment in segments:
            segment.buf[:size] = bytes(size)
        consumers = [Process(target=consume, args=(queue, size)) for queue in queues]
        for consumer in consumers:
            consumer.start()
        attach_untracked()
        index = 0
        for _ in pace(run["runMs"], run["paceMs"]):
            segment = SharedMemory(name=names[index])
            segment.buf[:size] = image
            segment.close()
            entry = (names[index], monotonic_ns())
            for queue in queues:
                queue.put(entry)
            index = (index + 1) % len(names)
        for queue in queues:
            queue.put((None, 0))
        for consumer in consumers:
            consumer.join()
    finally:
        for segment in segments:
            segment.close()
            segment.unlink()


if __name__ == "__main__":
    main()
