"""gpiozero's devices on the pins of a supervisor."""

import time

import gpiozero
import pytest
from gpiozero import (
    LED,
    Button,
    Device,
    DistanceSensor,
    GPIODevice,
    LEDBoard,
    Motor,
    OutputDevice,
    PWMLED,
    RotaryEncoder,
    Servo,
)
from gpiozero.tools import negated
from holdfast.gpiozero import HoldfastFactory
from supervisor import eventually


#: gpiozero counts in seconds, as floating-point numbers.
ROUNDING_NS = 1000


@pytest.fixture(autouse=True)
def factory(supervisor):
    """Where devices get their pins in these tests."""
    with_environment, Device.pin_factory = Device.pin_factory, HoldfastFactory(supervisor.socket)
    yield Device.pin_factory
    # As at the end of a program.
    gpiozero.devices._devices_shutdown()
    Device.pin_factory = with_environment


@pytest.fixture
def shown(client):
    """What the supervisor shows of an open pin; None: it is closed."""
    return lambda name: next((pin for pin in client.status().pins if pin.pin == name), None)


def test_a_led_is_on_off_and_toggled(supervisor):
    with LED(17) as led:
        led.on()
        assert (led.value, led.is_lit, supervisor.level("GPIO17")) == (1, True, 1)
        led.toggle()
        assert (led.value, supervisor.level("GPIO17")) == (0, 0)


def test_pins_have_the_names_that_gpiozero_gives_them(supervisor):
    for name in (17, "17", "GPIO17", "BCM17", "BOARD11", "J8:11", "WPI0"):
        with LED(name) as led:
            led.on()
            assert supervisor.level("GPIO17") == 1


def test_a_device_that_is_closed_has_given_its_pin_back(client, shown):
    led = LED(17)
    led.on()
    led.close()
    assert shown("GPIO17") is None
    with Button(17) as button:
        assert not button.is_pressed
    with client.output("GPIO17"):
        assert shown("GPIO17").holders[0].name == "test"


def test_what_is_wired_the_other_way_round_is_off_when_it_is_said_to_be(supervisor, shown):
    relay = OutputDevice(17, active_high=False)
    assert supervisor.level("GPIO17") == 0
    assert (relay.value, relay.pin.state, shown("GPIO17").settings.active_low) == (0, 1, True)
    relay.on()
    assert (relay.value, relay.pin.state, shown("GPIO17").level) == (1, 0, 1)
    wire = Button(27, pull_up=None, active_state=True)
    supervisor.wire("GPIO17", "GPIO27")
    assert not wire.is_pressed
    seen = []
    wire.when_pressed = lambda: seen.append("high")
    relay.close()
    # It went off as the pin was given back, which is high.
    eventually("the relay is off", lambda: seen == ["high"])


def test_a_device_without_an_initial_value_leaves_the_level_as_it_is(supervisor):
    for level in (1, 0):
        supervisor.drive("GPIO17", level)
        with LED(17, initial_value=None) as led:
            assert led.value == level


def test_pwm_begins_with_off_whatever_level_its_pin_has(supervisor, client):
    for active_high in (True, False):
        supervisor.drive("GPIO18", int(active_high))
        did = []
        with client.on_state("GPIO18", lambda change: did.append(change.level)):
            with PWMLED(18, active_high=active_high) as led:
                led.on()
            eventually("all is told", lambda: len(did) > 1 and did[-1] is None)
        # It was opened inactive.
        assert did[:2] == [None, 0] and 1 in did


def test_pwm_answers_the_very_duty_that_was_set(client, shown):
    led = PWMLED(17, frequency=250)
    assert (led.value, led.frequency, shown("GPIO17").settings.frequency_hz) == (0, 250, 250)
    for duty in (0.1, 1 / 3, 0.7, 1, 0):
        led.value = duty
        assert led.value == duty
        assert client.read("GPIO17").value == duty
    led.value = 0.25
    led.frequency = 1000
    assert (led.value, led.frequency, shown("GPIO17").settings.frequency_hz) == (0.25, 1000, 1000)
    led.close()
    assert shown("GPIO17") is None


def test_a_frequency_that_no_pin_has_is_refused():
    with pytest.raises(gpiozero.PinPWMUnsupported, match="frequency"):
        PWMLED(17, frequency=1_000_000)


def test_a_led_blinks_and_pulses(client):
    with LED(17) as led, client.on_state("GPIO17", lambda change: levels.append(change.level)):
        levels = []
        led.blink(0.002, 0.002, n=3, background=False)
        eventually("every change is told", lambda: levels.count(1) == 3 and led.value == 0)
    with PWMLED(18) as led:
        led.pulse(0.1, 0.1, n=1, background=False)
        assert led.value == 0
        led.pulse()
        eventually("it fades", lambda: 0 < led.value < 1)


def test_a_button_tells_when_it_is_pressed_held_and_released(supervisor):
    supervisor.drive("GPIO4", 1)
    told = []
    button = Button(4, hold_time=0.01)
    button.when_pressed = lambda: told.append("pressed")
    button.when_held = lambda: told.append("held")
    button.when_released = lambda: told.append("released")
    supervisor.drive("GPIO4", 0)
    eventually("it is held", lambda: told == ["pressed", "held"])
    assert button.is_pressed and button.held_time >= 0
    supervisor.drive("GPIO4", 1)
    eventually("it is released", lambda: told == ["pressed", "held", "released"])
    assert button.wait_for_release(1)


def test_a_pull_is_what_an_open_button_reads(supervisor, shown):
    with Button(4) as up, Button(5, pull_up=False) as down:
        assert (up.pin.state, down.pin.state) == (1, 0)
        assert (up.is_pressed, down.is_pressed) == (False, False)
        assert (shown("GPIO4").settings.bias, shown("GPIO5").settings.bias) == ("pull-up", "pull-down")
    with pytest.raises(gpiozero.PinFixedPull):
        Button(2, pull_up=False)


def test_bounces_are_the_kernels_affair(shown):
    with Button(4, bounce_time=0.025) as button:
        assert (button.pin.bounce, shown("GPIO4").settings.debounce_us) == (0.025, 25_000)
    with Button(4) as button:
        assert (button.pin.bounce, shown("GPIO4").settings.debounce_us) == (None, 0)
    for impossible in (-1, float("nan"), float("inf"), 5000):
        with pytest.raises(gpiozero.PinInvalidBounce):
            Button(4, bounce_time=impossible)


def test_edges_are_dated_by_the_kernel(supervisor, factory):
    supervisor.drive("GPIO4", 1)
    with Button(4) as button:
        before = time.monotonic_ns()
        supervisor.drive("GPIO4", 0)
        after = time.monotonic_ns()
        eventually("it is pressed", lambda: button.active_time is not None)
        # What is told lies between two looks at the clock: for how long it has been pressed.
        earlier, pressed_for, later = factory.ticks(), round(button.active_time * 1e9), factory.ticks()
        assert earlier - pressed_for <= after + ROUNDING_NS
        assert later - pressed_for >= before - ROUNDING_NS
    assert factory.ticks_diff(3_500_000_000, 1_000_000_000) == 2.5


def test_the_outputs_own_edges_are_told_as_well(supervisor):
    with LED(17) as led:
        levels = []
        # gpiozero keeps no callback alive.
        changed = lambda ticks, level: levels.append(level)  # noqa: E731
        led.pin.when_changed = changed
        led.on()
        led.off()
        eventually("both are told", lambda: levels == [1, 0])


def test_a_rotary_encoder_counts_both_ways(supervisor):
    for pin in ("GPIO20", "GPIO21"):
        supervisor.drive(pin, 1)
    steps = []
    encoder = RotaryEncoder(21, 20, max_steps=0)
    encoder.when_rotated = lambda: steps.append(encoder.steps)

    def turn(first, second):
        for pin, level in ((first, 0), (second, 0), (first, 1), (second, 1)):
            supervisor.drive(pin, level)

    for _ in range(50):
        turn("GPIO21", "GPIO20")
    for _ in range(60):
        turn("GPIO20", "GPIO21")
    eventually("all steps are counted", lambda: encoder.steps == -10)
    assert len(steps) == 110


def test_a_distance_sensor_measures_what_its_echo_says(supervisor, client):
    """The echo is what another pin plays, wired to it: 10 ms high for each trigger."""
    supervisor.wire("GPIO23", "GPIO24")
    with client.output("GPIO23", mode="wait") as sound:
        sensor = DistanceSensor(echo=24, trigger=25, max_distance=4, queue_len=3)
        trigger = client.on_state("GPIO25", lambda change: sound.on(duration_ms=10) if change.level == 1 else None)
        with trigger:
            # 10 ms there and back at 343.26 m/s. A machine that is busy hears an echo too late now and then, never too early.
            eventually("it measures", lambda: 1.7 < sensor.distance < 1.9)
        sensor.close()


def test_a_motor_and_a_servo_are_driven_by_pwm(client):
    with Motor(17, 18) as motor:
        motor.forward(0.5)
        assert (client.read("GPIO17").value, client.read("GPIO18").value) == (0.5, 0)
        motor.reverse()
        assert (client.read("GPIO17").value, client.read("GPIO18").value) == (0, 0.5)
    with Servo(12) as servo:
        for value, pulse_ms in ((-1, 1), (0, 1.5), (1, 2)):
            servo.value = value
            assert client.read("GPIO12").value == pytest.approx(pulse_ms / 20)
            assert servo.value == pytest.approx(value)
        servo.detach()
        assert servo.value is None and client.read("GPIO12").level == 0


def test_sources_are_chained(supervisor):
    supervisor.drive("GPIO4", 1)
    with Button(4) as button, LED(17) as led, LEDBoard(18, 19) as board:
        led.source = button
        board.source = zip(negated(button.values), button.values)
        for level in (0, 1):
            supervisor.drive("GPIO4", level)
            eventually("they follow", lambda: [supervisor.level(f"GPIO{pin}") for pin in (17, 18, 19)] == [1 - level, level, 1 - level])


def test_spi_is_played_on_any_pins(supervisor):
    from gpiozero import MCP3008

    # Nothing is wired to its data line, which is then low all the time.
    supervisor.drive("GPIO9", 0)
    with MCP3008(channel=0, clock_pin=5, mosi_pin=6, miso_pin=9, select_pin=13) as converter:
        assert converter.raw_value == 0
        supervisor.drive("GPIO9", 1)
        assert converter.raw_value == 1023


def test_the_board_is_the_one_that_the_supervisor_is_on(factory, monkeypatch):
    info = factory.board_info if hasattr(factory, "board_info") else factory.pi_info
    assert (info.model, info.revision) == ("4B", "c03114")
    monkeypatch.setenv("HOLDFAST_REVISION", "a02082")
    other = HoldfastFactory()
    info = other.board_info if hasattr(other, "board_info") else other.pi_info
    assert info.model == "3B"


def test_an_error_of_the_network_is_told_as_it_is(supervisor):
    with GPIODevice(4) as device:
        assert device.value in (0, 1)
    with pytest.raises(gpiozero.PinInvalidPin):
        LED(77)
