"""The ends with the Python package: `python3 package.py producer|consumer '{…}'`. The run is described as for the least client."""

import json
import sys
from time import monotonic_ns

import holdfast
from measuring import Seen, pace, touch


def produce(run, pool):
    image = bytes([7]) * run["bytes"]
    for _ in pace(run["runMs"], run["paceMs"]):
        with pool.produce(wait_ms=run["deadlineMs"]) as frame:
            frame.data[:] = image
            frame.publish(timestamp_ns=monotonic_ns())
    with pool.produce(wait_ms=run["deadlineMs"]) as frame:
        # A frame of no bytes says that it was the last.
        frame.publish(bytes=0, last=True)


def consume(run, pool):
    seen = Seen()
    for frame in pool.frames(policy="block", deadline_ms=run["deadlineMs"]):
        if len(frame.data) == 0:
            break
        touch(frame.data)
        seen.frame(frame.timestamp_ns)
    seen.tell()


def main():
    run = json.loads(sys.argv[2])
    with holdfast.connect(run["socket"]) as client, client.pool(run["pool"]) as pool:
        (produce if sys.argv[1] == "producer" else consume)(run, pool)


if __name__ == "__main__":
    main()
