"""The package as it is installed: from its folder, and as the wheel of a release."""

import base64
import csv
import hashlib
import importlib.metadata
import io
import json
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = json.loads((ROOT / "package.json").read_text())["version"]
INFO = f"holdfast-{VERSION}.dist-info"


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def ours():
    """The wheel that `make wheel` has made."""
    return ROOT / "dist" / f"holdfast-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="module")
def of_pip(tmp_path_factory):
    """The wheel that pip makes of the folder."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, for it builds where the sources are.
    shutil.copytree(ROOT / "python", folder / "python")
    shutil.copy(ROOT / "package.json", folder)
    pip("wheel", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", folder, folder / "python")
    (wheel,) = folder.glob("*.whl")
    return wheel


def modules(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.startswith("holdfast/")}


def text(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{INFO}/{name}").decode()


def test_the_wheel_has_the_same_modules_as_that_of_pip(ours, of_pip):
    assert of_pip.name == ours.name
    assert modules(ours) == modules(of_pip)
    assert "holdfast/py.typed" in modules(ours)


def test_the_wheel_says_the_same_of_itself_as_that_of_pip(ours, of_pip):
    def said(wheel):
        head, body = text(wheel, "METADATA").split("\n\n", 1)
        fields = {line.replace('"', "'").replace(" ;", ";") for line in head.splitlines()}
        return {field.replace("(", "").replace(")", "").replace(" >=", ">=") for field in fields}, body.strip()

    (fields, body), (other_fields, other_body) = said(ours), said(of_pip)
    assert fields - {"License-File: LICENSE"} == other_fields
    assert body == other_body
    assert text(ours, "entry_points.txt").split() == text(of_pip, "entry_points.txt").split()


def test_every_file_of_the_wheel_is_in_its_list(ours):
    listed = {path: (digest, size) for path, digest, size in csv.reader(io.StringIO(text(ours, "RECORD")))}
    with zipfile.ZipFile(ours) as archive:
        assert archive.testzip() is None
        assert set(listed) == set(archive.namelist())
        for name in archive.namelist():
            content = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            expected = ("", "") if name.endswith("/RECORD") else (f"sha256={digest}", str(len(content)))
            assert listed[name] == expected, name


def test_pip_installs_the_wheel(ours, tmp_path):
    pip("install", "--no-index", "--no-deps", "--target", tmp_path, ours)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import holdfast; print(holdfast.__file__)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path / "holdfast" / "__init__.py")
    (found,) = importlib.metadata.distributions(path=[str(tmp_path)])
    assert found.version == VERSION
    assert [(point.group, point.name) for point in found.entry_points] == [("gpiozero_pin_factories", "holdfast")]
