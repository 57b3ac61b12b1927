"""Programs in processes of their own, as users write and start them."""

from __future__ import annotations

import queue
import subprocess
import sys
import textwrap
import threading

from supervisor import PATIENCE_S


#: How long a program may take to say why it ends, when its test has failed.
LAST_WORDS_S = 2


class Program:
    """
    Runs Python code, or a file of it, beside the test. Leaving its scope kills it if it has not ended. What it prints is in the report
    of a test that fails, as a traceback of which the test has read the first line.
    """

    def __init__(self, supervisor, code=None, *, command=None, folder=None, **environment):
        """
        :param code: what to run: the program's text
        :param command: in its place: the arguments of Python
        :param folder: where it runs
        :param environment: variables beside those that lead to the supervisor
        """
        arguments = ["-c", textwrap.dedent(code)] if command is None else command
        self._process = subprocess.Popen(
            [sys.executable, "-u", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**supervisor.environment, **environment},
        )
        self.pid = self._process.pid
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure is not None:
            self._let_speak()
        self.kill()

    def line(self):
        """The next line that it prints; None: it prints no more."""
        return self._lines.get(timeout=PATIENCE_S)

    def has_said(self):
        """Whether there is a next line already."""
        return not self._lines.empty()

    def has_told(self, line):
        """Whether it has printed that, among the lines that have not been taken before: gpiozero's buttons fail at an edge that comes while they are made."""
        while self.has_said():
            if self.line() == line:
                return True
        return False

    def tell(self, line=""):
        """Writes a line to it."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self):
        """Waits until it has ended by itself, and returns what it has still printed."""
        self._process.stdin.close()
        status = self._process.wait(PATIENCE_S)
        self._reader.join()
        lines = []
        while (line := self.line()) is not None:
            lines.append(line)
        assert status == 0, "\n".join(lines)
        return lines

    def signal(self, number):
        """Sends it a signal, and waits until it has ended."""
        self._process.send_signal(number)
        self._process.wait(PATIENCE_S)

    def kill(self):
        """Ends it without a word."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        if not self._process.stdin.closed:
            self._process.stdin.close()

    def _read(self):
        for line in self._process.stdout:
            print(f"{self.pid}: {line}", end="")
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _let_speak(self):
        """One that is about to end because of a mistake says of which: that is not to be cut off."""
        try:
            self._process.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            pass
