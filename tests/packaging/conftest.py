"""The built wheel, and a Python that has every dependency but does not see the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.submitting import ROOT, Submitter

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def build_wheel(folder: Path) -> Path:
    """As `make wheel` builds it: by the backend itself, which fetches nothing."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def zipped(wheel: Path) -> Path:
    """The zip of `make zip`: the wheel's bytes under the name that executors take."""
    copy = wheel.parent / f"{wheel.name.partition('-py3')[0]}.zip"
    copy.write_bytes(wheel.read_bytes())
    return copy


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the packages of this one. A .pth file does not read the .pth files of the folder that it adds, so
    an editable install of the checkout is none here."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin" / "python"


@pytest.fixture
def elsewhere(bare_python: Path, tmp_path: Path) -> Run:
    """Run Python in an empty folder, with some places first on its path."""

    def run(*arguments: str, path: str = "") -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": path}
        command = [str(bare_python), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)

    return run


@pytest.fixture
def submit(bare_python: Path, tmp_path: Path) -> Submitter:
    """spark-submit with a Python that does not see the checkout."""
    return Submitter(bare_python, tmp_path)
