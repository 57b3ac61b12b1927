"""PWM of a channel."""

from __future__ import annotations

from typing import Optional
from weakref import WeakValueDictionary

from .channel import OUT, as_rpi_gpio, set_up
from .numbering import gpio_of


class PWM:
    """PWM on a channel that is set up as an output. It ends with this object, and with the program."""

    def __init__(self, channel: int, frequency: float) -> None:
        """:param frequency: in Hz, 0.1 to 10 000"""
        gpio = gpio_of(channel)
        if gpio in running:
            raise RuntimeError("A PWM object already exists for this GPIO channel")
        self._channel = set_up(channel, OUT, "You must setup() the GPIO channel as an output first")
        self._hz = _positive(frequency)
        self._duty: Optional[float] = None
        running[gpio] = self

    def start(self, dutycycle: float) -> None:
        """Begins. :param dutycycle: 0 to 100"""
        duty = _duty(dutycycle)
        with as_rpi_gpio():
            # What is left behind on purpose is a level. PWM has always ended with its program.
            self._channel.line.configure(frequency_hz=self._hz, on_disconnect="close")
            self._channel.line.set_duty(duty)
        self._duty = duty

    def ChangeDutyCycle(self, dutycycle: float) -> None:
        """:param dutycycle: 0 to 100"""
        duty = _duty(dutycycle)
        if self._duty is not None:
            with as_rpi_gpio():
                self._channel.line.set_duty(duty)
            self._duty = duty

    def ChangeFrequency(self, frequency: float) -> None:
        """:param frequency: in Hz, 0.1 to 10 000"""
        self._hz = _positive(frequency)
        if self._duty is not None:
            self.start(self._duty * 100)

    def stop(self) -> None:
        """Ends, with the channel low."""
        if self._duty is None:
            return
        self._duty = None
        if self._channel.line.direction == "out":
            with as_rpi_gpio():
                self._channel.line.drive(0)
                self._channel.line.configure(on_disconnect="stay")

    def __del__(self) -> None:
        try:
            self.stop()
        except Exception:
            # It was never begun, or the supervisor has gone, and the PWM with it.
            pass


#: By their GPIO numbers, as long as the program keeps them.
running: WeakValueDictionary[int, PWM] = WeakValueDictionary()


def _positive(frequency: float) -> float:
    if not frequency > 0:
        raise ValueError("frequency must be greater than 0.0")
    return float(frequency)


def _duty(dutycycle: float) -> float:
    if not 0 <= dutycycle <= 100:
        raise ValueError("dutycycle must have a value from 0.0 to 100.0")
    return dutycycle / 100
