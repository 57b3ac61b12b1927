"""Programs for pigpiod, with pigpio.py, in the shell and in C, on the pins of a supervisor."""

import ctypes
import os
import socket
import struct
import subprocess
import threading
import time

import pigpio
import pytest
from supervisor import PATIENCE_S, Supervisor, eventually

LISTENING = "[listen.pigpio]\nport = 0\n"

#: The commands that are offered; every other one of pigpio.py's is unknown.
OFFERED = {
    "MODES", "MODEG", "PUD", "READ", "WRITE", "PWM", "PRS", "PFS", "SERVO", "WDOG", "BR1", "BR2", "BC1", "BC2", "BS1", "BS2",
    "MICRO", "MILLI", "TICK", "HWVER", "NB", "NP", "NC", "PRG", "PFG", "PRRG", "PIGPV", "TRIG", "GDC", "GPW", "FG", "NOIB",
}  # fmt: skip


@pytest.fixture
def supervisor():
    with Supervisor(LISTENING) as running:
        yield running


@pytest.fixture
def connect(supervisor):
    """Makes programs' connections, which end with the test."""
    made = []

    def connection():
        made.append(pigpio.pi("127.0.0.1", supervisor.ports["pigpio"], show_errors=False))
        assert made[-1].connected
        return made[-1]

    yield connection
    for each in made:
        # Its thread reads until the last reply has come.
        reader = each._notify
        each.stop()
        if reader is not None:
            reader.join()


@pytest.fixture
def pi(connect):
    return connect()


def refusal(act, *arguments):
    """The words of pigpio's error with which something fails."""
    with pytest.raises(pigpio.error) as refused:
        act(*arguments)
    return str(refused.value).strip("'")


class Heard:
    """What a callback was told."""

    def __init__(self, pi, gpio, edge=pigpio.EITHER_EDGE):
        self.told = []
        self.callback = pi.callback(gpio, edge, lambda *said: self.told.append(said))

    @property
    def levels(self):
        return [level for _, level, _ in self.told]


def test_a_program_is_told_what_it_talks_to(pi):
    assert pi.get_pigpio_version() == 79
    assert pi.get_hardware_revision() == 0xC03114
    before_s = time.monotonic()
    first, second = pi.get_current_tick(), pi.get_current_tick()
    assert 0 <= pigpio.tickDiff(first, second) <= (time.monotonic() - before_s) * 1_000_000 + 1


def test_a_pin_is_written_and_read_by_any_program(connect, supervisor):
    one, other = connect(), connect()
    one.write(17, 1)
    assert (supervisor.level("GPIO17"), other.read(17), other.get_mode(17)) == (1, 1, pigpio.OUTPUT)
    other.write(17, 0)
    assert one.read(17) == 0
    other.set_mode(17, pigpio.INPUT)
    assert one.get_mode(17) == pigpio.INPUT


def test_pulls_are_what_an_open_input_reads(pi):
    pi.set_mode(4, pigpio.INPUT)
    for pull, level in ((pigpio.PUD_UP, 1), (pigpio.PUD_DOWN, 0), (pigpio.PUD_UP, 1)):
        pi.set_pull_up_down(4, pull)
        assert pi.read(4) == level


def test_banks_are_read_and_written(pi):
    for gpio in (17, 18):
        pi.set_mode(gpio, pigpio.OUTPUT)
    pi.set_bank_1(1 << 17 | 1 << 18)
    assert pi.read_bank_1() == 1 << 17 | 1 << 18
    pi.clear_bank_1(1 << 18)
    assert pi.read_bank_1() == 1 << 17
    assert pi.read_bank_2() == 0


def test_pwm_is_read_back_as_it_was_set(pi, supervisor):
    assert (pi.get_PWM_range(18), pi.get_PWM_real_range(18), pi.get_PWM_frequency(18)) == (255, 250, 800)
    assert pi.set_PWM_frequency(18, 333) == 320
    assert pi.set_PWM_range(18, 1000) == 625
    pi.set_PWM_dutycycle(18, 333)
    assert (pi.get_PWM_dutycycle(18), pi.get_PWM_range(18), pi.get_PWM_frequency(18)) == (333, 1000, 320)
    assert supervisor.outside.read("GPIO18").value == 0.333
    assert refusal(pi.set_PWM_dutycycle, 18, 1001) == "dutycycle not 0-range (default 255)"
    pi.set_servo_pulsewidth(18, 1500)
    assert pi.get_servo_pulsewidth(18) == 1500
    assert supervisor.outside.read("GPIO18").value == 0.075
    assert refusal(pi.get_PWM_dutycycle, 18) == "GPIO is not in use for PWM"


def test_a_callback_is_told_of_edges_at_their_kernels_time(pi, supervisor):
    pi.set_mode(4, pigpio.INPUT)
    pi.set_pull_up_down(4, pigpio.PUD_DOWN)
    heard, rising = Heard(pi, 4), Heard(pi, 4, pigpio.RISING_EDGE)
    counted = pi.callback(4)
    begun = pi.get_current_tick()
    for level in (1, 0, 1):
        supervisor.drive("GPIO4", level)
    eventually("every edge is told", lambda: heard.levels == [1, 0, 1] and rising.levels == [1, 1] and counted.tally() == 2)
    ticks = [begun, *(tick for _, _, tick in heard.told), pi.get_current_tick()]
    assert all(pigpio.tickDiff(earlier, later) < 2**31 for earlier, later in zip(ticks, ticks[1:]))
    heard.callback.cancel()
    rising.callback.cancel()
    counted.cancel()


def test_the_first_press_of_a_button_that_was_pulled_up_since_is_told(pi, supervisor):
    """pigpio.py knows of no level but those of notifications and of its beginning, when the line was low."""
    pi.set_mode(4, pigpio.INPUT)
    pi.set_pull_up_down(4, pigpio.PUD_UP)
    pressed = Heard(pi, 4, pigpio.FALLING_EDGE)
    supervisor.drive("GPIO4", 0)
    eventually("it is told", lambda: pressed.levels == [0])


def test_edges_of_several_pins_are_told_to_those_who_want_them(connect, supervisor):
    heard = {(number, gpio): Heard(pi, gpio) for number, pi in enumerate((connect(), connect())) for gpio in (4, 5)}
    for pin, level in (("GPIO4", 1), ("GPIO5", 1), ("GPIO4", 0), ("GPIO5", 0)):
        supervisor.drive(pin, level)
    eventually("all is told", lambda: all(each.levels == [1, 0] for each in heard.values()))


def test_a_program_waits_for_an_edge(pi, supervisor):
    supervisor.drive("GPIO4", 0)
    pi.set_mode(4, pigpio.INPUT)
    # When it has begun to wait is not seen from outside.
    is_told = threading.Event()

    def press():
        while not is_told.wait(0.05):
            supervisor.drive("GPIO4", 1)
            supervisor.drive("GPIO4", 0)

    pressing = threading.Thread(target=press)
    pressing.start()
    try:
        assert pi.wait_for_edge(4, pigpio.RISING_EDGE, PATIENCE_S)
    finally:
        is_told.set()
        pressing.join()
    assert not pi.wait_for_edge(4, pigpio.RISING_EDGE, 0.01)


def test_a_watchdog_tells_of_silence_again_and_again(pi):
    heard = Heard(pi, 4)
    pi.set_watchdog(4, 10)
    eventually("it is told of three times", lambda: heard.levels[-3:] == [pigpio.TIMEOUT] * 3)
    pi.set_watchdog(4, 0)


def test_a_glitch_filter_is_the_kernels_debounce(pi, supervisor):
    pi.set_mode(4, pigpio.INPUT)
    pi.set_glitch_filter(4, 5000)
    settings = next(pin for pin in supervisor.outside.status().pins if pin.pin == "GPIO4").settings
    assert settings.debounce_us == 5000


def test_a_trigger_is_seen_at_the_other_end_of_a_wire(pi, supervisor):
    supervisor.wire("GPIO17", "GPIO4")
    pi.write(17, 0)
    heard = Heard(pi, 4)
    pi.gpio_trigger(17, 50, 1)
    eventually("both edges are told", lambda: heard.levels == [1, 0])


def test_what_is_refused_says_so_in_pigpios_words(pi, supervisor):
    with supervisor.connect(name="conveyor").output("GPIO27"):
        assert refusal(pi.write, 27, 1) == "no permission to update GPIO"
        told = eventually("the log tells", lambda: next((entry for entry in supervisor.log if entry.get("gpio") == 27), None))
        assert "conveyor" in told["reason"]
    assert refusal(pi.set_mode, 17, pigpio.ALT0) == "no permission to update GPIO"
    assert refusal(pi.read, 54) == "GPIO not 0-53"
    assert refusal(pi.set_glitch_filter, 4, 300_001) == "bad filter parameter"
    for unknown in (pi.wave_clear, lambda: pi.hardware_PWM(18, 800, 250_000), lambda: pi.set_noise_filter(4, 1, 1), lambda: pi.i2c_open(1, 2)):
        assert refusal(unknown) == "unknown command"


def test_exactly_what_is_offered_is_known(supervisor):
    numbers = {name: number for name, number in vars(pigpio).items() if name.startswith("_PI_CMD_")}
    with socket.create_connection(("127.0.0.1", supervisor.ports["pigpio"])) as connection:

        def result(number):
            connection.sendall(struct.pack("IIII", number, 99, 99, 0))
            return struct.unpack("12si", connection.recv(16, socket.MSG_WAITALL))[1]

        known = {name.removeprefix("_PI_CMD_") for name, number in numbers.items() if result(number) != pigpio.PI_UNKNOWN_COMMAND}
    assert known == OFFERED


def test_a_program_that_goes_leaves_its_outputs_as_they_are(connect, supervisor):
    pi = connect()
    pi.write(17, 1)
    pi.set_PWM_dutycycle(18, 51)
    pi.stop()
    eventually("nobody holds them", lambda: all(pin.unowned for pin in supervisor.outside.status().pins))
    assert (supervisor.level("GPIO17"), supervisor.outside.read("GPIO18").value) == (1, 0.2)
    assert connect().get_PWM_dutycycle(18) == 51


def test_the_shell_has_pigs(supervisor):
    def pigs(*words):
        where = {"PIGPIO_ADDR": "127.0.0.1", "PIGPIO_PORT": str(supervisor.ports["pigpio"])}
        ran = subprocess.run(["pigs", *words], env={**os.environ, **where}, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return ran.stdout.split() or ran.returncode

    assert pigs(*"w 17 1 mils 20 r 17 w 17 0 mics 20 r 17".split()) == ["1", "0"]
    assert pigs(*"pfs 18 100 p 18 64 gdc 18".split()) == ["100", "64"]
    # A pull resistor holds from one command of the shell to the next.
    assert pigs(*"m 4 r pud 4 u".split()) == 0
    assert pigs("r", "4") == ["1"]
    assert pigs("wvclr") == ["-88"]


def test_a_program_in_c_is_told_of_edges(supervisor):
    library = ctypes.CDLL("libpigpiod_if2.so.1")
    pi = library.pigpio_start(b"127.0.0.1", str(supervisor.ports["pigpio"]).encode())
    assert pi >= 0
    told = []
    changed = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint32)(lambda *said: told.append(said[1:3]))
    assert library.set_mode(pi, 4, pigpio.INPUT) == 0
    assert library.callback(pi, 4, pigpio.EITHER_EDGE, changed) >= 0
    for level in (1, 0):
        supervisor.drive("GPIO4", level)
    eventually("both edges are told", lambda: told == [(4, 1), (4, 0)])
    library.pigpio_stop(pi)
