"""What every run has in common: when frames are made, and what a consumer notes of them."""

import json
import sys
from time import monotonic_ns, sleep

# What happens before is not counted: memory is touched for the first time, and caches are cold.
WARM_UP_NS = 200_000_000


def pace(run_ms, pace_ms):
    """Returns as often as a frame is due, for run_ms in all; without a pace, at once."""
    began = monotonic_ns()
    end = began + run_ms * 1_000_000
    due = began
    while (now := monotonic_ns()) < end:
        if pace_ms > 0:
            due += int(pace_ms * 1_000_000)
            if due > now:
                sleep((due - now) / 1e9)
        yield


class Seen:
    """The frames that one consumer has taken."""

    def __init__(self):
        self.at_ns = []
        self.latency_ns = []

    def frame(self, published_ns):
        """Call it when the first and the last byte have been read."""
        now = monotonic_ns()
        self.at_ns.append(now)
        self.latency_ns.append(now - published_ns)

    def tell(self):
        """Prints them as a line of JSON, without those of the warm-up. It is short, so that lines of several processes don't mix."""
        warm = self.at_ns[0] + WARM_UP_NS if self.at_ns else 0
        first = next((index for index, at in enumerate(self.at_ns) if at >= warm), len(self.at_ns))
        at_ns = self.at_ns[first:]
        latency_ns = sorted(self.latency_ns[first:])
        if len(at_ns) < 2:
            sys.exit(f"a consumer has seen {len(self.at_ns)} frames only")
        seen = {
            "frames": len(self.at_ns),
            "perSecond": (len(at_ns) - 1) / (at_ns[-1] - at_ns[0]) * 1e9,
            "p50Us": latency_ns[len(latency_ns) // 2] / 1000,
            "p99Us": latency_ns[len(latency_ns) * 99 // 100] / 1000,
        }
        sys.stdout.write(json.dumps(seen) + "\n")
        sys.stdout.flush()


def touch(payload):
    """What a consumer does with a frame here: it reads the first and the last byte."""
    return payload[0] + payload[-1]
