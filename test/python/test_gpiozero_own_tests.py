"""The tests that gpiozero has for pin factories on real pins, run on ours: `tests/test_real_pins.py` of its sources."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from supervisor import PATIENCE_S, Supervisor

#: Where the sources of the gpiozero that is installed are: scripts/test-python.ts gets them from Debian.
SOURCES = os.environ.get("GPIOZERO_SOURCES")

#: What talks to the supervisor: our factory, and gpiozero's own for pigpiod.
FACTORIES = {
    "holdfast": "holdfast.gpiozero:HoldfastFactory",
    "pigpio": "gpiozero.pins.pigpio:PiGPIOFactory",
}

#: Its tests are for every factory that comes with gpiozero. As a plugin of pytest: here they are for one alone.
ONE_ALONE = """
import importlib.metadata
import os
import pkg_resources

group = "gpiozero_pin_factories"
name, place = os.environ["FACTORY"].split("=")

# gpiozero 1 asks for those of its own distribution,
own = pkg_resources.get_distribution("gpiozero")
factories = own.get_entry_map(group)
factories.clear()
factories[name] = pkg_resources.EntryPoint.parse(f"{name} = {place}", dist=own)

# gpiozero 2 for those of all.
entry_points = importlib.metadata.entry_points

def without_others(**criteria):
    found = entry_points(**criteria)
    return [point for point in found if point.name == name] if criteria.get("group") == group else found

importlib.metadata.entry_points = without_others
"""


@pytest.fixture
def supervisor():
    with Supervisor("[listen.pigpio]\nport = 0\n") as running:
        yield running


@pytest.mark.skipif(SOURCES is None, reason="there are no sources of gpiozero")
@pytest.mark.parametrize("name", FACTORIES)
def test_real_pins_of_gpiozero(name, supervisor, tmp_path):
    supervisor.wire("GPIO22", "GPIO27")
    (tmp_path / "one_alone.py").write_text(ONE_ALONE)
    report = tmp_path / "report.xml"
    # What it is configured to measure beside the tests is its own affair.
    options = ["-c", os.devnull, "--rootdir", SOURCES, "-p", "no:cacheprovider", "-p", "one_alone", "-W", "ignore", f"--junitxml={report}"]
    ran = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", *options, "test_real_pins.py"],
        cwd=Path(SOURCES) / "tests",
        env={
            **supervisor.environment,
            "FACTORY": f"{name}={FACTORIES[name]}",
            "PIGPIO_ADDR": "127.0.0.1",
            "PIGPIO_PORT": str(supervisor.ports["pigpio"]),
            "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
            "GPIOZERO_TEST_LOCK": str(tmp_path / "lock"),
        },
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    # Its tests of what all factories have in common, and of PWM and of SPI in software. The others ask for a factory that is not ours.
    passed = int(re.search(r"(\d+) passed", ran.stdout)[1])
    assert passed >= 14, ran.stdout
