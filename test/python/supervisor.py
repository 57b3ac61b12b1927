"""A supervisor with simulated pins for a test, in a process of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

try:
    import holdfast
except ImportError:
    # `make test-python` has installed it; so that a single file can be run without that, and the programs that it starts:
    os.environ["PYTHONPATH"] = str(ROOT / "python")
    sys.path.append(os.environ["PYTHONPATH"])
    import holdfast

EXECUTABLE = ROOT / "dist" / "holdfast"

# For what must come: slow machines with other work to do pass, and only what hangs fails.
PATIENCE_S = float(os.environ.get("TEST_PATIENCE_MS", "120000")) / 1000


def eventually(what, is_so):
    """Waits until `is_so()` is true, and returns what it then was. `what` it is, for the error when it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = is_so()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_S} s in vain: {what}")
        time.sleep(0.002)


class Supervisor:
    """
    `with Supervisor(config) as supervisor`: ready when the block begins, and gone without a trace when it ends.

    `config` is the text of its holdfast.toml. `socket` is the path of its Unix socket, `ports` the port of each listener that
    it has told of, by name (`supervisor.ports["pigpio"]`), `log` what it has logged, as dictionaries, `folder` its own, and
    `environment` what a program needs to find it.
    """

    def __init__(self, config="", *options):
        self.log = []
        self.ports = {}
        self.folder = tempfile.mkdtemp(prefix="holdfast-")
        self.socket = os.path.join(self.folder, "holdfast.sock")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        self.environment["HOLDFAST_SOCKET"] = self.socket
        self._config = os.path.join(self.folder, "holdfast.toml")
        self._options = options
        self._clients = []
        self._outside = None
        self.process = None
        self.configure(config)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.close()
        self.kill()
        shutil.rmtree(self.folder)

    def configure(self, config):
        """What its holdfast.toml says when it starts the next time. Its frames are in its folder, to go with it."""
        frames = "" if "[frames]" in config else f'\n[frames]\ndirectory = "{self.folder}"\n'
        pathlib.Path(self._config).write_text(config + frames)

    def start(self):
        """Starts it, once more after `kill`, and waits until it is ready."""
        command = [EXECUTABLE, "serve", "--backend", "sim", "--socket", self.socket, "--config", self._config, *self._options]
        self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(PATIENCE_S) or self.process.poll() is not None:
            raise AssertionError(f"the supervisor does not serve: {self.log}")

    def kill(self):
        """Ends it without a word."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stderr.close()

    def connect(self, address=None, **options):
        """A client of it, which is closed with it."""
        client = holdfast.connect(address or self.socket, **{"name": "test", **options})
        self._clients.append(client)
        return client

    def run(self, *arguments):
        """Runs a command of holdfast against it, and returns what that prints. subprocess.CalledProcessError when it fails."""
        command = [EXECUTABLE, "--socket", self.socket, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout

    def drive(self, pin, level):
        """The outside drives the wire of a simulated line to 1 or 0; None lets go of it."""
        self.outside.sim_set(pin, level)

    def wire(self, pin, to):
        """A wire joins two simulated lines, for good."""
        self.outside.sim_wire(pin, to)

    def level(self, pin):
        """The level of a line now."""
        return self.outside.read(pin).level

    def press_until(self, pin, what, is_so):
        """Presses a button until something is so: when a program has begun to listen is not seen from outside."""

        def attempt():
            for level in (1, 0):
                self.drive(pin, level)
                # For longer than its contacts bounce.
                time.sleep(0.05)
            return is_so()

        eventually(what, attempt)

    @property
    def outside(self):
        """The client that does what the outside does."""
        if self._outside is None:
            self._outside = holdfast.connect(self.socket, name="outside", reconnect=True)
            self._clients.append(self._outside)
        return self._outside

    def _read(self):
        for line in self.process.stderr:
            # For the report, when the test fails.
            print(f"supervisor: {line}", end="")
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"msg": line.rstrip()}
            self.log.append(entry)
            if entry["msg"] == "listening":
                self.ports[entry["listener"]] = entry["port"]
            if entry["msg"] == "ready":
                self._ready.set()
        self._ready.set()
