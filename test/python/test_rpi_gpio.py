"""Scripts that were written for RPi.GPIO, each in a process of its own, as they are started on a board."""

import sys
import textwrap

import pytest
from program import Program
from supervisor import eventually

#: As the scripts begin, with the module under its own name, and as they are to be changed.
AS_IT_IS = "import RPi.GPIO as GPIO\n"
CHANGED = "import holdfast.RPi.GPIO as GPIO\n"


@pytest.fixture
def script(supervisor, tmp_path):
    """Runs a script that imports RPi.GPIO, as it is."""
    running = []

    def run(code, *arguments):
        path = tmp_path / f"script{len(running)}.py"
        path.write_text(AS_IT_IS + textwrap.dedent(code))
        running.append(Program(supervisor, command=["-m", "holdfast.RPi", str(path), *arguments]))
        return running[-1]

    yield run
    for program in running:
        program.kill()


def test_scripts_read_and_drive_channels_by_either_numbering(supervisor, script):
    supervisor.drive("GPIO4", 1)
    code = """
        print(GPIO.getmode())
        GPIO.setmode(GPIO.{mode})
        GPIO.setup({lamp}, GPIO.OUT, initial=GPIO.HIGH)
        GPIO.setup([{button}], GPIO.IN)
        print(GPIO.input({lamp}), GPIO.input({button}), GPIO.getmode() == GPIO.{mode})
        GPIO.output({lamp}, GPIO.LOW)
        print(GPIO.input({lamp}), GPIO.gpio_function({lamp}) == GPIO.OUT, GPIO.gpio_function({button}) == GPIO.IN)
        GPIO.cleanup()
    """
    for mode, lamp, button in (("BCM", 17, 4), ("BOARD", 11, 7)):
        told = script(code.format(mode=mode, lamp=lamp, button=button)).end()
        assert told == ["None", "1 1 True", "0 True True"]


def test_several_channels_are_set_at_once(script):
    code = """
        GPIO.setmode(GPIO.BCM)
        lamps = (5, 6, 13)
        GPIO.setup(lamps, GPIO.OUT)
        GPIO.output(lamps, True)
        print([GPIO.input(lamp) for lamp in lamps])
        GPIO.output(lamps, (1, 0, GPIO.HIGH))
        print([GPIO.input(lamp) for lamp in lamps])
    """
    assert script(code).end() == ["[1, 1, 1]", "[1, 0, 1]"]


def test_two_scripts_have_the_same_button(supervisor, script):
    supervisor.drive("GPIO4", 1)
    code = """
        GPIO.setmode(GPIO.BCM)
        GPIO.setup(4, GPIO.IN, pull_up_down=GPIO.{pull})
        GPIO.add_event_detect(4, GPIO.FALLING, callback=lambda channel: print("pressed", channel), bouncetime=600_000)
        print("ready")
        input()
    """
    scripts = []
    # Whoever asks for no pull takes it with the other's.
    for pull in ("PUD_UP", "PUD_UP", "PUD_OFF"):
        scripts.append(script(code.format(pull=pull)))
        assert scripts[-1].line() == "ready"
    for _ in range(3):
        supervisor.drive("GPIO4", 0)
        supervisor.drive("GPIO4", 1)
    assert [each.line() for each in scripts] == ["pressed 4"] * 3
    for each in scripts:
        each.tell()
        assert each.end() == []


def test_two_scripts_drive_the_same_lamp_and_it_stays_when_they_end(supervisor, client, script):
    code = """
        import sys
        GPIO.setwarnings(False)
        GPIO.setmode(GPIO.BCM)
        GPIO.setup(17, GPIO.OUT)
        print("ready", GPIO.input(17))
        for line in sys.stdin:
            GPIO.output(17, int(line))
            print(GPIO.input(17))
    """
    one, other = script(code), script(code)
    assert (one.line(), other.line()) == ("ready 0", "ready 0")
    for who, level in ((one, 1), (other, 0), (one, 1)):
        who.tell(level)
        assert who.line() == str(level) == str(supervisor.level("GPIO17"))
    one.end()
    other.kill()
    eventually("nobody holds it", lambda: client.status().pins[0].unowned)
    assert supervisor.level("GPIO17") == 1
    # The next one finds it as it was left.
    again = script(code)
    assert again.line() == "ready 1"
    again.end()
    # And one may make an input of what nobody holds, though not without a warning.
    told = script("GPIO.setmode(GPIO.BCM); GPIO.setup(17, GPIO.IN); print(GPIO.gpio_function(17) == GPIO.IN)").end()
    assert "RuntimeWarning: This channel is already in use, continuing anyway." in told[0] and told[-1] == "True"


def test_cleanup_makes_inputs_of_what_nobody_else_has(supervisor, client, script):
    code = """
        GPIO.setwarnings(False)
        GPIO.setmode(GPIO.BCM)
        GPIO.setup((17, 18), GPIO.OUT, initial=1)
        input()
        GPIO.cleanup(17)
        print("cleaned")
        input()
        GPIO.cleanup()
        print(GPIO.getmode())
    """
    supervisor.drive("GPIO27", 1)
    supervisor.wire("GPIO17", "GPIO27")
    one, other = script(code), script(code)
    for each in (one, other):
        eventually("both have them", lambda: [len(pin.holders) for pin in client.status().pins] == [2, 2])
    one.tell()
    assert one.line() == "cleaned"
    assert [len(pin.holders) for pin in client.status().pins] == [1, 2]
    # A level that is low is what a relay of which low is on would be switched by. It does not go low: it is let go.
    with client.input("GPIO27") as wire, wire.edges() as edges:
        other.tell()
        assert other.line() == "cleaned"
        assert [pin.pin for pin in client.status().pins] == ["GPIO18", "GPIO27"]
        with pytest.raises(TimeoutError):
            edges.get(1)
    for each in (one, other):
        each.tell()
        assert each.end() == ["None"]
    assert client.status().pins == []


def test_pwm_ends_with_its_script(client, script):
    code = """
        GPIO.setwarnings(False)
        GPIO.setmode(GPIO.BCM)
        GPIO.setup(18, GPIO.OUT)
        pwm = GPIO.PWM(18, 50)
        pwm.start(7.5)
        print("started")
        input()
        pwm.ChangeFrequency(100)
        pwm.ChangeDutyCycle(100 / 3)
        print("changed")
        input()
        pwm.stop()
        print("stopped", GPIO.input(18))
        pwm.start(50)
        try:
            GPIO.PWM(18, 10)
        except RuntimeError as error:
            print(error)
        input()
    """
    for end in (Program.end, Program.kill):
        servo = script(code)
        assert servo.line() == "started"
        assert (client.read("GPIO18").value, client.status().pins[0].settings.frequency_hz) == (0.075, 50)
        servo.tell()
        assert servo.line() == "changed"
        assert (client.read("GPIO18").value, client.status().pins[0].settings.frequency_hz) == (100 / 3 / 100, 100)
        servo.tell()
        assert (servo.line(), servo.line()) == ("stopped 0", "A PWM object already exists for this GPIO channel")
        assert client.read("GPIO18").value == 0.5
        if end is Program.end:
            servo.tell()
        end(servo)
        eventually("it is off", lambda: client.read("GPIO18").level == 0 and client.read("GPIO18").value in (None, 0))


def test_scripts_wait_for_edges_and_ask_for_them(supervisor, script):
    supervisor.drive("GPIO4", 0)
    code = """
        GPIO.setmode(GPIO.BCM)
        GPIO.setup(4, GPIO.IN)
        print(GPIO.wait_for_edge(4, GPIO.RISING, timeout=1))
        GPIO.add_event_detect(4, GPIO.BOTH)
        print(GPIO.event_detected(4))
        input()
        while not GPIO.event_detected(4):
            pass
        print(GPIO.event_detected(4))
        GPIO.add_event_callback(4, lambda channel: 1 / 0)
        GPIO.add_event_callback(4, lambda channel: print("one", channel))
        GPIO.add_event_callback(4, lambda channel: print("two", channel))
        print("ready")
        input()
        GPIO.remove_event_detect(4)
        print("waiting")
        print("waited for", GPIO.wait_for_edge(4, GPIO.RISING))
    """
    program = script(code)
    assert (program.line(), program.line()) == ("None", "False")
    supervisor.drive("GPIO4", 1)
    program.tell()
    assert (program.line(), program.line()) == ("False", "ready")
    supervisor.drive("GPIO4", 0)
    # What a callback throws is printed, and the others are called all the same.
    told = []
    while not told or told[-1] != "two 4":
        told.append(program.line())
    assert "ZeroDivisionError: division by zero" in told and told[-2:] == ["one 4", "two 4"]
    program.tell()
    assert program.line() == "waiting"

    def pulse():
        supervisor.drive("GPIO4", 0)
        supervisor.drive("GPIO4", 1)
        return program.has_said()

    eventually("it has come", pulse)
    assert program.line() == "waited for 4"


def test_mistakes_are_told_in_the_words_of_rpi_gpio(supervisor):
    code = """
        import warnings
        warnings.simplefilter("error")

        def said(call, *arguments, **options):
            try:
                print(call(*arguments, **options))
            except Exception as error:
                print(f"{type(error).__name__}: {error}")

        said(GPIO.setup, 17, GPIO.OUT)
        said(GPIO.setmode, 12)
        GPIO.setmode(GPIO.BCM)
        said(GPIO.setmode, GPIO.BOARD)
        said(GPIO.setup, 99, GPIO.OUT)
        said(GPIO.setup, 40, GPIO.OUT)
        said(GPIO.setup, "17", GPIO.OUT)
        said(GPIO.setup, ["17"], GPIO.OUT)
        said(GPIO.setup, 17, 7)
        said(GPIO.setup, 17, GPIO.OUT, pull_up_down=GPIO.PUD_UP)
        said(GPIO.setup, 17, GPIO.IN, initial=1)
        said(GPIO.setup, 17, GPIO.IN, pull_up_down=3)
        said(GPIO.input, 17)
        said(GPIO.output, 17, 1)
        said(GPIO.cleanup)
        GPIO.setmode(GPIO.BCM)
        said(GPIO.setup, 17, GPIO.IN)
        said(GPIO.output, 17, 1)
        said(GPIO.output, 17, [1, 0])
        said(GPIO.output, 17, "on")
        said(GPIO.PWM, 17, 50)
        said(GPIO.add_event_detect, 17, 5)
        said(GPIO.add_event_detect, 17, GPIO.RISING, callback=5)
        said(GPIO.add_event_detect, 17, GPIO.RISING, bouncetime=0)
        said(GPIO.add_event_callback, 17, print)
        said(GPIO.wait_for_edge, 17, GPIO.RISING, timeout=0)
        said(GPIO.add_event_detect, 17, GPIO.RISING, print)
        said(GPIO.add_event_detect, 17, GPIO.RISING, print)
        said(GPIO.wait_for_edge, 17, GPIO.RISING)
        said(GPIO.setup, 18, GPIO.OUT)
        said(GPIO.add_event_detect, 18, GPIO.RISING)
        said(GPIO.PWM, 18, 0)
        pwm = GPIO.PWM(18, 1000000)
        said(pwm.start, 101)
        said(pwm.start, 50)
        said(GPIO.setup, 2, GPIO.IN, GPIO.PUD_UP)
    """
    with Program(supervisor, CHANGED + textwrap.dedent(code)) as program:
        said = program.end()
    assert said == [
        "RuntimeError: Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)",
        "ValueError: An invalid mode was passed to setmode()",
        "ValueError: A different mode has already been set!",
        "ValueError: The channel sent is invalid on a Raspberry Pi",
        "ValueError: The channel sent is invalid on a Raspberry Pi",
        "ValueError: Channel must be an integer or list/tuple of integers",
        "ValueError: Channel must be an integer",
        "ValueError: An invalid direction was passed to setup()",
        "ValueError: pull_up_down parameter is not valid for outputs",
        "ValueError: initial parameter is not valid for inputs",
        "ValueError: Invalid value for pull_up_down - should be either PUD_OFF, PUD_UP or PUD_DOWN",
        "RuntimeError: You must setup() the GPIO channel first",
        "RuntimeError: The GPIO channel has not been set up as an OUTPUT",
        "RuntimeWarning: No channels have been set up yet - nothing to clean up!  "
        "Try cleaning up at the end of your program instead!",
        "None",
        "RuntimeError: The GPIO channel has not been set up as an OUTPUT",
        "RuntimeError: Number of channels != number of values",
        "ValueError: Value must be an integer/boolean or a list/tuple of integers/booleans",
        "RuntimeError: You must setup() the GPIO channel as an output first",
        "ValueError: The edge must be set to RISING, FALLING or BOTH",
        "TypeError: Parameter must be callable",
        "ValueError: Bouncetime must be greater than 0",
        "RuntimeError: Add event detection using add_event_detect first before adding a callback",
        "ValueError: Timeout must be greater than 0",
        "None",
        "RuntimeError: Conflicting edge detection already enabled for this GPIO channel",
        "RuntimeError: Conflicting edge detection events already exist for this GPIO channel",
        "None",
        "RuntimeError: You must setup() the GPIO channel as an input first",
        "ValueError: frequency must be greater than 0.0",
        "ValueError: dutycycle must have a value from 0.0 to 100.0",
        said[31],
        "RuntimeWarning: A physical pull up resistor is fitted on this channel!",
    ]
    assert said[31].startswith("ValueError: BAD_FIELD") and "10000" in said[31]


def test_what_another_program_holds_is_refused_with_its_name(client, supervisor):
    client.output("GPIO17")
    client.output("GPIO18", share=True).on()
    code = """
        GPIO.setmode(GPIO.BCM)
        for channel in (17, 18):
            try:
                GPIO.setup(channel, GPIO.OUT)
                print(GPIO.input(channel))
            except RuntimeError as error:
                print(error)
    """
    with Program(supervisor, CHANGED + textwrap.dedent(code)) as program:
        told = program.end()
    assert any("GPIO17 is held by" in line for line in told) and told[-1] == "1"
    # Of both it was warned that others have them.
    assert sum("This channel is already in use" in line for line in told) >= 1


def test_the_board_is_told_and_the_module_is_the_same_by_every_name(supervisor, script):
    code = """
        import sys
        from RPi import GPIO as again
        import RPi.GPIO
        import holdfast.RPi.GPIO
        print(again is GPIO is RPi.GPIO is holdfast.RPi.GPIO, sys.argv[1:], __name__)
        print(GPIO.RPI_INFO["TYPE"], GPIO.RPI_INFO["REVISION"], GPIO.RPI_INFO["RAM"], GPIO.RPI_REVISION, GPIO.VERSION)
        print(GPIO.HIGH, GPIO.LOW, GPIO.OUT, GPIO.IN, GPIO.PUD_OFF, GPIO.BOTH, GPIO.UNKNOWN, hasattr(GPIO, "FOO"))
    """
    told = script(code, "--speed", "3").end()
    assert told == ["True ['--speed', '3'] __main__", "Pi 4 Model B c03114 4GB 3 0.7.1", "1 0 0 1 20 33 -1 False"]


def test_programs_of_which_even_the_command_stays_find_it_by_a_path(supervisor):
    with Program(supervisor, command=["-m", "holdfast.RPi", "--path"]) as program:
        (path,) = program.end()
    with Program(supervisor, AS_IT_IS + "print(GPIO.__name__)", PYTHONPATH=f"{path}:{':'.join(sys.path)}") as program:
        assert program.end() == ["holdfast.RPi.GPIO"]


def test_scripts_go_on_when_the_supervisor_has_been_restarted(supervisor, script):
    code = """
        GPIO.setmode(GPIO.BCM)
        GPIO.setup((17, 18), GPIO.OUT)
        GPIO.output(17, 1)
        print("ready")
        input()
        GPIO.output(18, 1)
        while not GPIO.input(17):
            pass
        print(GPIO.input(18))
        input()
        GPIO.cleanup()
    """
    program = script(code)
    assert program.line() == "ready"
    supervisor.kill()
    program.tell()
    supervisor.start()
    assert program.line() == "1"
    supervisor.kill()
    program.tell()
    assert program.end() == []


def test_processes_of_one_script_have_the_same_channels(supervisor, script):
    supervisor.drive("GPIO4", 1)
    code = """
        import multiprocessing

        def work():
            GPIO.output(17, GPIO.input(4))

        GPIO.setmode(GPIO.BCM)
        GPIO.setup(4, GPIO.IN, pull_up_down=GPIO.PUD_DOWN)
        GPIO.setup(17, GPIO.OUT)
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
        print(child.exitcode, GPIO.input(17))
        GPIO.output(17, 0)
        print(GPIO.input(17))
    """
    assert script(code).end() == ["0 1", "0"]


def test_without_a_supervisor_it_says_so(supervisor):
    code = "GPIO.setmode(GPIO.BCM)\ntry:\n    GPIO.setup(17, GPIO.IN)\nexcept RuntimeError as error:\n    print(error)"
    with Program(supervisor, CHANGED + code, HOLDFAST_SOCKET=supervisor.socket + "-none") as program:
        (told,) = program.end()
    assert told.startswith("NOT_RUNNING")
