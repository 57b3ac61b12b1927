import pytest
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
