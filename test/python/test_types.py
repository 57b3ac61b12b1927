"""The package's types, and the Pythons that it is for."""

import ast
import pathlib
import subprocess

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"


def test_the_types_are_right():
    checked = subprocess.run(
        ["/usr/bin/mypy", "--config-file", "pyproject.toml", "--cache-dir", "/dev/null", "holdfast"],
        cwd=PACKAGE, capture_output=True, text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nothing_is_imported_or_named_in_vain():
    checked = subprocess.run(
        ["/usr/bin/pyflakes3", PACKAGE / "holdfast", pathlib.Path(__file__).parent], capture_output=True, text=True, env={"PATH": "/usr/bin"}
    )
    assert checked.stdout + checked.stderr == ""


def test_nothing_is_written_that_the_oldest_python_does_not_read():
    for source in PACKAGE.rglob("*.py"):
        ast.parse(source.read_text(), feature_version=(3, 9))
