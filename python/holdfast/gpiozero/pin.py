"""A pin, as gpiozero's devices use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Optional, Union

from gpiozero import (
    GPIOPinInUse,
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPull,
    PinInvalidState,
    PinPWMFixedValue,
    PinSetInput,
    PWMOutputDevice,
)
from gpiozero.pins.pi import PiPin

from ..events import Watch
from ..physical_line import PhysicalLine
from ..replies import Bias, EdgeFilter
from .refusals import as_gpiozero
from .settling import Settling

if TYPE_CHECKING:
    from .factory import HoldfastFactory

#: So many µs are as many as the kernel can be told, in 32 bits.
_LONGEST_BOUNCE_S = 4294

_BIASES: Mapping[str, Bias] = {"up": "pull-up", "down": "pull-down", "floating": "disabled"}


class HoldfastPin(PiPin):
    """Opened when it is first used, as an input unless it is said otherwise, and given back by ``close``; then it may be used again."""

    def __init__(self, factory: HoldfastFactory, info: Any) -> None:
        """
        :param info: the number of the GPIO, or what the factory knows of the pin: gpiozero 1 has the one, gpiozero 2 the other
        """
        super().__init__(factory, info)
        self._key = info
        self._line: Optional[PhysicalLine] = None
        self._watch: Optional[Watch] = None
        self._forget()

    def _forget(self) -> None:
        self._pull = self._fixed_pull or "floating"
        self._frequency: Optional[float] = None
        self._bounce: Optional[float] = None
        self._is_settled_here = False
        self._edges: EdgeFilter = "both"

    @property
    def _fixed_pull(self) -> str:
        """The resistor that the board has at this pin: ``"up"``, ``"down"``, or none."""
        if hasattr(self, "info"):
            return str(self.info.pull)
        return "up" if self.factory.pi_info.pulled_up(repr(self)) else ""

    def close(self) -> None:
        """Gives the line back. What is wired to an output is off then, or as the pin is configured."""
        self.when_changed = None
        line, self._line = self._line, None
        if line is not None:
            line.close()
        self._forget()

    def output_with_state(self, state: Union[bool, int]) -> None:
        self._open_output(int(bool(state)))

    def input_with_pull(self, pull: str) -> None:
        self._assert_pull(pull)
        self._pull = pull
        self._open_input(_BIASES[pull])

    def _get_function(self) -> str:
        return "output" if self._is_output else "input"

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}')
        if self._line is not None and value == self.function:
            return
        if value == "input":
            self._open_input()
        else:
            self._open_output(self._first_state)

    def _get_state(self) -> Union[int, float]:
        line = self._opened()
        with as_gpiozero():
            return line.level() if self._frequency is None else line.duty()

    def _set_state(self, value: Union[bool, int, float]) -> None:
        line = self._line
        if line is None or not self._is_output:
            raise PinSetInput(f"cannot set state of pin {self!r}")
        if self._frequency is not None and not 0 <= value <= 1:
            raise PinInvalidState(f'invalid state "{value}" for pin {self!r}')
        with as_gpiozero():
            if self._frequency is None:
                line.drive(int(bool(value)))
            else:
                line.set_duty(value)

    def restore(self) -> None:
        """Drives an output as it was driven, when it has been opened again on a new connection; perhaps of a board that has been started again.

        :raises HoldfastError: ``DISCONNECTED``: that connection has gone, too
        """
        line = self._line
        if line is not None:
            line.restore()
            self.factory.learn_clock(line)

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._is_output:
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        self._assert_pull(value)
        if self._line is not None:
            with as_gpiozero():
                self._line.configure(bias=_BIASES[value])
        self._pull = value

    def _get_frequency(self) -> Optional[float]:
        return self._frequency

    def _set_frequency(self, value: Optional[float]) -> None:
        line = self._line
        if line is None or not self._is_output:
            if value is None:
                return
            raise PinPWMFixedValue(f"cannot start PWM on pin {self!r}")
        if value is not None:
            with as_gpiozero():
                line.configure(frequency_hz=value)
                if self._frequency is not None:
                    # It is the next command that has the new frequency.
                    line.set_duty(line.duty())
        elif self._frequency is not None:
            line.off()
        self._frequency = value

    def _get_bounce(self) -> Optional[float]:
        return self._bounce

    def _set_bounce(self, value: Optional[float]) -> None:
        if value is not None and not 0 <= value <= _LONGEST_BOUNCE_S:
            raise PinInvalidBounce(f"bounce must be 0 or greater, and at most {_LONGEST_BOUNCE_S} s")
        # Where none was asked for there is nothing to take back, and another holder may have one.
        if self._line is not None and not self._is_output and (value or self._bounce):
            self._is_settled_here = not self._kernel_settles(self._line, value or 0)
        self._bounce = value or None
        self._watch_anew()

    def _kernel_settles(self, line: PhysicalLine, bounce_s: float) -> bool:
        """Has the kernel see to bouncing contacts. False: other programs have the line, too, and have not asked for the same."""
        try:
            with as_gpiozero():
                line.configure(debounce_us=round(bounce_s * 1e6))
        except GPIOPinInUse:
            return False
        return True

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: EdgeFilter) -> None:
        if value not in ("both", "rising", "falling"):
            raise PinInvalidEdges(f'invalid edge specification "{value}" for pin {self!r}')
        if value == self._edges:
            return
        self._edges = value
        self._watch_anew()

    def _enable_event_detect(self) -> None:
        line = self._opened()
        with as_gpiozero():
            if self._bounce is not None and self._is_settled_here:
                settling = Settling(self._bounce, self._changed)
                self._watch = line.watch("both", settling.edge)
            else:
                self._watch = line.watch(self._edges, self._changed)

    def _disable_event_detect(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def _changed(self, level: int, timestamp_ns: int) -> None:
        if self.when_changed is not None and self._edges in ("both", "rising" if level else "falling"):
            self._call_when_changed(timestamp_ns, level)

    @property
    def _is_output(self) -> bool:
        return self._line is not None and self._line.direction == "out"

    @property
    def _is_low_active(self) -> bool:
        """What is wired to it is on when it is low, as its device says."""
        return any(not getattr(device, "active_high", True) for device in self.factory.users(self._key))

    @property
    def _first_state(self) -> Optional[int]:
        """Of an output whose device does not say it. PWM begins with off, anything else with the level that the line has."""
        is_pwm = any(isinstance(device, PWMOutputDevice) for device in self.factory.users(self._key))
        return int(self._is_low_active) if is_pwm else None

    def _opened(self) -> PhysicalLine:
        return self._line or self._open_input()

    def _open_input(self, bias: Optional[Bias] = None) -> PhysicalLine:
        """:param bias: None: as it is, or as another holder has set it; devices say it a moment later"""
        line = self._new_line()
        with as_gpiozero():
            line.open_input(bias)
        if self._bounce is not None:
            self._is_settled_here = not self._kernel_settles(line, self._bounce)
        return self._use(line)

    def _open_output(self, state: Optional[int]) -> None:
        line = self._new_line()
        with as_gpiozero():
            line.open_output(state, active_low=self._is_low_active)
        self._pull = "floating"
        self._use(line)

    def _new_line(self) -> PhysicalLine:
        """The line, given back if it was open."""
        line, self._line = self._line, None
        self._frequency = None
        if line is not None:
            line.close()
        return PhysicalLine(self.factory.client, f"GPIO{self._number}", share=self.factory.share)

    def _use(self, line: PhysicalLine) -> PhysicalLine:
        self._line = line
        if not self.factory.knows_clock:
            self.factory.learn_clock(line)
        self._watch_anew()
        return line

    def _watch_anew(self) -> None:
        """A watch is of one opening, and of one kind of edge."""
        if self.when_changed is not None:
            self._disable_event_detect()
            self._enable_event_detect()

    def _assert_pull(self, pull: str) -> None:
        if pull not in _BIASES:
            raise PinInvalidPull(f'invalid pull "{pull}" for pin {self!r}')
        if self._fixed_pull not in ("", pull):
            raise PinFixedPull(f"{self!r} has a physical pull-{self._fixed_pull} resistor")
