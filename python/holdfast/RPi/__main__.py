"""Runs a script for which ``RPi.GPIO`` is holdfast's: ``python3 -m holdfast.RPi script.py``."""

from __future__ import annotations

import os
import runpy
import sys

from . import DROP_IN

_USAGE = """usage: python3 -m holdfast.RPi SCRIPT [ARGUMENT...]   run a script that imports RPi.GPIO
       python3 -m holdfast.RPi --path                print what to put into PYTHONPATH for that"""


def main() -> None:
    """The command line."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.exit(_USAGE)
    if arguments == ["--path"]:
        print(DROP_IN)
        return
    # As Python itself does it: the script's own folder is the first in which modules are looked for. What it starts gets the same RPi.GPIO.
    sys.path[0:1] = [os.path.dirname(os.path.abspath(arguments[0])), DROP_IN]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in (DROP_IN, os.environ.get("PYTHONPATH")) if path)
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


main()
