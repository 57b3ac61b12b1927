"""Toggles a LED of gpiozero by one factory, and prints what that took as JSON: `toggle.py mock|holdfast|pigpio COUNT [WHERE]`.

WHERE is the socket of the supervisor, or the port of its listener.
"""

import json
import sys
import time

from gpiozero import LED

name, count, where = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or [None])[0]
if name == "mock":
    from gpiozero.pins.mock import MockFactory

    factory = MockFactory()
elif name == "holdfast":
    from holdfast.gpiozero import HoldfastFactory

    factory = HoldfastFactory(where)
else:
    from gpiozero.pins.pigpio import PiGPIOFactory

    factory = PiGPIOFactory("localhost", int(where))

led = LED(17, pin_factory=factory)
for _ in range(count):
    # These don't count: caches are filled.
    led.toggle()
took_us = []
used_ns = time.process_time_ns()
for _ in range(count):
    began_ns = time.perf_counter_ns()
    led.toggle()
    took_us.append((time.perf_counter_ns() - began_ns) / 1000)
used_ns = time.process_time_ns() - used_ns
print(json.dumps({"tookUs": took_us, "cpuUs": used_ns / 1000 / count}))
led.close()
