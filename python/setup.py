"""The version is that of holdfast itself, which is in one place: package.json beside this folder. All else is in pyproject.toml."""

import json
from pathlib import Path

from setuptools import setup

setup(version=json.loads((Path(__file__).resolve().parent.parent / "package.json").read_text())["version"])
