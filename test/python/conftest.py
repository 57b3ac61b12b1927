import re

import pytest
from program import Program
from supervisor import Supervisor


@pytest.fixture
def supervisor():
    """A supervisor of simulated pins, for this test alone."""
    with Supervisor() as running:
        yield running


@pytest.fixture
def client(supervisor):
    """A client of it."""
    return supervisor.connect()


@pytest.fixture
def started(supervisor, tmp_path, request):
    """Starts a program of the page that the module is about: writes it to a file of its name, and runs that in its folder."""
    programs = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", request.module.PAGE.read_text(), re.DOTALL))
    running = []

    def start(name, *arguments, run_by=(), **environment):
        (tmp_path / name).write_text(programs[name])
        command = [*run_by, str(tmp_path / name), *map(str, arguments)]
        running.append(Program(supervisor, command=command, folder=tmp_path, **environment))
        return running[-1]

    yield start
    for program in running:
        program.kill()
