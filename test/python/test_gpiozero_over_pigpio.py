"""gpiozero's programs for pigpiod, unchanged, on the pins of a supervisor: GPIOZERO_PIN_FACTORY=pigpio."""

import gpiozero
import pytest
from gpiozero import LED, PWMLED, Button, Device, DistanceSensor, Motor, RotaryEncoder, Servo
from gpiozero.pins.pigpio import PiGPIOFactory
from program import Program
from supervisor import Supervisor, eventually


@pytest.fixture
def supervisor():
    with Supervisor("[listen.pigpio]\nport = 0\n") as running:
        yield running


@pytest.fixture
def as_users_do(supervisor):
    """The environment of a program for pigpiod."""
    return {"GPIOZERO_PIN_FACTORY": "pigpio", "PIGPIO_ADDR": "127.0.0.1", "PIGPIO_PORT": str(supervisor.ports["pigpio"])}


@pytest.fixture
def factory(supervisor):
    """Where devices of this process get their pins."""
    with_environment, Device.pin_factory = Device.pin_factory, PiGPIOFactory("127.0.0.1", supervisor.ports["pigpio"])
    yield Device.pin_factory
    # pigpio.py's thread reads until the last reply has come.
    reader = Device.pin_factory.connection._notify
    gpiozero.devices._devices_shutdown()
    reader.join()
    Device.pin_factory = with_environment


BUTTON = """
    from gpiozero import Button
    button = Button(4)
    button.when_pressed = lambda: print("pressed")
    button.when_released = lambda: print("released")
    print("ready")
    input()
"""

LAMP = """
    from gpiozero import PWMLED
    lamp = PWMLED(17)
    print("ready")
    lamp.value = float(input())
    print(lamp.value)
    input()
"""


def test_a_led_is_on_off_and_blinks(supervisor, factory):
    supervisor.wire("GPIO17", "GPIO27")
    levels = []
    with supervisor.connect().input("GPIO27") as seen, seen.on_edge(lambda edge: levels.append(edge.level)), LED(17) as led:
        led.on()
        assert (led.value, supervisor.level("GPIO17")) == (1, 1)
        led.toggle()
        assert (led.value, supervisor.level("GPIO17")) == (0, 0)
        led.blink(0.01, 0.01, n=2, background=False)
        eventually("every edge is told", lambda: levels == [1, 0] * 3)


def test_pwm_answers_the_duty_that_was_set(supervisor, factory):
    with PWMLED(18, frequency=250) as led:
        for duty in (0.1, 0.25, 0.7, 1, 0):
            led.value = duty
            assert led.value == pytest.approx(duty, abs=1e-4)
            assert supervisor.outside.read("GPIO18").value == led.value
        led.frequency = 1000
        assert led.frequency == 1000
        led.pulse(0.1, 0.1, n=1, background=False)
        assert led.value == 0


def test_a_button_tells_when_it_is_pressed_and_released(supervisor, factory):
    told = []
    button = Button(4, bounce_time=0.001)
    button.when_pressed = lambda: told.append("pressed")
    button.when_released = lambda: told.append("released")
    assert not button.is_pressed
    supervisor.drive("GPIO4", 0)
    eventually("it is pressed", lambda: told == ["pressed"] and button.is_pressed)
    supervisor.drive("GPIO4", None)
    eventually("it is released", lambda: told == ["pressed", "released"])


def test_a_rotary_encoder_counts_both_ways(supervisor, factory):
    for pin in ("GPIO20", "GPIO21"):
        supervisor.drive(pin, 1)
    encoder = RotaryEncoder(21, 20, max_steps=0)

    def turn(first, second):
        for pin, level in ((first, 0), (second, 0), (first, 1), (second, 1)):
            supervisor.drive(pin, level)

    for _ in range(20):
        turn("GPIO21", "GPIO20")
    for _ in range(25):
        turn("GPIO20", "GPIO21")
    eventually("all steps are counted", lambda: encoder.steps == -5)


def test_a_distance_sensor_measures_what_its_echo_says(supervisor, factory):
    """The echo is what another pin plays, wired to it: 10 ms high for each trigger."""
    supervisor.wire("GPIO23", "GPIO24")
    client = supervisor.connect()
    with client.output("GPIO23", mode="wait") as sound:
        sensor = DistanceSensor(echo=24, trigger=25, max_distance=4, queue_len=3)
        with client.on_state("GPIO25", lambda change: sound.on(duration_ms=10) if change.level == 1 else None):
            eventually("it measures", lambda: 1.7 < sensor.distance < 1.9)
        sensor.close()


def test_a_motor_and_a_servo_are_driven_by_pwm(supervisor, factory):
    read = supervisor.outside.read
    with Motor(5, 6) as motor:
        motor.forward(0.5)
        assert (read("GPIO5").value, read("GPIO6").value) == (0.5, 0)
        motor.backward()
        assert (read("GPIO5").value, read("GPIO6").value) == (0, 1)
    with Servo(12) as servo:
        for value, pulse_ms in ((-1, 1), (0, 1.5), (1, 2)):
            servo.value = value
            assert read("GPIO12").value == pytest.approx(pulse_ms / 20)
            assert servo.value == pytest.approx(value, abs=1e-2)
        servo.detach()
        assert read("GPIO12").level == 0


def test_the_board_is_the_one_that_the_supervisor_is_on(factory):
    info = factory.board_info if hasattr(factory, "board_info") else factory.pi_info
    assert (info.model, info.revision) == ("4B", "c03114")


def test_two_programs_have_the_same_button_and_one_outlives_the_other(supervisor, as_users_do):
    with Program(supervisor, BUTTON, **as_users_do) as first, Program(supervisor, BUTTON, **as_users_do) as second:
        assert (first.line(), second.line()) == ("ready", "ready")
        for level, told in ((0, "pressed"), (None, "released")):
            supervisor.drive("GPIO4", level)
            assert (first.line(), second.line()) == (told, told)
        # gpiozero takes the pull resistor away when it ends; the other one still has it.
        first.tell()
        assert first.end() == []
        eventually("the button is as it was", lambda: holder_of("GPIO4", supervisor).settings.bias == "pull-up")
        second_told = [second.line() for level in (0, None) if supervisor.drive("GPIO4", level) is None]
        assert second_told[-2:] == ["pressed", "released"]


def test_two_programs_command_the_same_lamp(supervisor, as_users_do):
    # One after the other: gpiozero makes each pin an input first, and refuses PWM on one that became an input while it set up its own.
    with Program(supervisor, LAMP, **as_users_do) as first:
        assert first.line() == "ready"
        with Program(supervisor, LAMP, **as_users_do) as second:
            assert second.line() == "ready"
            for program, value in ((first, 0.25), (second, 0.75)):
                program.tell(value)
                assert float(program.line()) == value
                assert supervisor.outside.read("GPIO17").value == value
            for program in (first, second):
                program.tell()
                assert program.end() == []


def test_a_pin_of_another_client_is_no_pin_for_gpiozero(supervisor, factory):
    with supervisor.connect(name="conveyor").output("GPIO17"), pytest.raises(ValueError, match="no permission"):
        LED(17)


def holder_of(pin, supervisor):
    return next(shown for shown in supervisor.outside.status().pins if shown.pin == pin)
