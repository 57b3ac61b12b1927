"""gpiozero's own thread: `python3 gpiozero_blink.py ON_S OFF_S FOR_S` has an LED on a mock pin blink, and prints when the pin changed, in ns from the first."""

import sys
from time import monotonic_ns, sleep

from gpiozero import LED
from gpiozero.pins.mock import MockFactory, MockPin


class RecordedPin(MockPin):
    """A pin that only notes when it changes."""

    changes_ns = []

    def _change_state(self, value):
        if self._state == value:
            return False
        self.changes_ns.append(monotonic_ns())
        self._state = value
        return True


def main():
    on_s, off_s, for_s = map(float, sys.argv[1:])
    led = LED(17, pin_factory=MockFactory(pin_class=RecordedPin))
    RecordedPin.changes_ns.clear()
    led.blink(on_s, off_s)
    sleep(for_s)
    led.close()
    first_ns = RecordedPin.changes_ns[0]
    for at_ns in RecordedPin.changes_ns:
        if at_ns - first_ns < for_s * 1e9:
            print(at_ns - first_ns)


main()
