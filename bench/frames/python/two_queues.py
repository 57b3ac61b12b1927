"""The two-queue pool over multiprocessing.shared_memory: `python3 two_queues.py '{"bytes", "slots", "consumers", "runMs", "paceMs"}'`.

One pool a consumer, for a frame goes to one reader only; so with several of them it is copied several times.
Each consumer prints what it has seen as a line of JSON.
"""

import json
import sys
from multiprocessing import Process, Queue
from multiprocessing.shared_memory import SharedMemory
from time import monotonic_ns

from measuring import Seen, pace, touch


class TwoQueuePool:
    """A free and a ready queue of slot numbers. As it is often written: what takes a frame puts its slot back at once."""

    def __init__(self, slots, size):
        self.size = size
        self.memory = SharedMemory(create=True, size=slots * size)
        self.free = Queue()
        self.ready = Queue()
        for slot in range(slots):
            self.payload(slot)[:] = bytes(size)
            self.free.put(slot)

    def payload(self, slot):
        return self.memory.buf[slot * self.size : (slot + 1) * self.size]

    def write(self, image):
        slot = self.free.get()
        self.payload(slot)[:] = image
        self.ready.put((slot, monotonic_ns()))

    def read(self):
        slot, published_ns = self.ready.get()
        if slot is None:
            return None, 0
        payload = self.payload(slot)
        self.free.put(slot)
        return payload, published_ns

    def end(self):
        self.ready.put((None, 0))


def consume(pool):
    seen = Seen()
    while True:
        payload, published_ns = pool.read()
        if payload is None:
            break
        touch(payload)
        seen.frame(published_ns)
    seen.tell()


def main():
    run = json.loads(sys.argv[1])
    image = bytes([7]) * run["bytes"]
    pools = [TwoQueuePool(run["slots"], run["bytes"]) for _ in range(run["consumers"])]
    consumers = [Process(target=consume, args=(pool,)) for pool in pools]
    try:
        for consumer in consumers:
            consumer.start()
        for _ in pace(run["runMs"], run["paceMs"]):
            for pool in pools:
                pool.write(image)
        for pool in pools:
            pool.end()
        for consumer in consumers:
            consumer.join()
    finally:
        for pool in pools:
            pool.memory.close()
            pool.memory.unlink()


if __name__ == "__main__":
    main()
