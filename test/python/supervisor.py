"""A supervisor with simulated pins for a test, in a process of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

EXECUTABLE = pathlib.Path(__file__).resolve().parents[2] / "dist" / "holdfast"

# For what must come: slow machines with other work to do pass, and only what hangs fails.
PATIENCE_S = float(os.environ.get("TEST_PATIENCE_MS", "30000")) / 1000


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
    it has told of, by name (`supervisor.ports["pigpio"]`), and `log` what it has logged, as dictionaries.
    """

    def __init__(self, config="", *options):
        self.log = []
        self.ports = {}
        self._config = config
        self._options = options

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="holdfast-")
        self.socket = os.path.join(self.folder, "holdfast.sock")
        config = os.path.join(self.folder, "holdfast.toml")
        pathlib.Path(config).write_text(self._config)
        command = [EXECUTABLE, "serve", "--backend", "sim", "--socket", self.socket, "--config", config, *self._options]
        self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(PATIENCE_S) or self.process.poll() is not None:
            self.__exit__()
            raise AssertionError(f"the supervisor does not serve: {self.log}")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stderr.close()
        shutil.rmtree(self.folder)

    def run(self, *arguments):
        """Runs a command of holdfast against it, and returns what that prints. subprocess.CalledProcessError when it fails."""
        command = [EXECUTABLE, "--socket", self.socket, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout

    def drive(self, pin, level):
        """The outside drives the wire of a simulated line to 1 or 0; None lets go of it."""
        self.run("sim", "set", pin, "free" if level is None else level)

    def wire(self, pin, to):
        """A wire joins two simulated lines, for good."""
        self.run("sim", "wire", pin, to)

    def level(self, pin):
        """The level of a line now."""
        return json.loads(self.run("read", pin, "--json"))["level"]

    def _read(self):
        for line in self.process.stderr:
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
