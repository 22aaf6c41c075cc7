"""Which code runs: what a manifest, a run in MLflow and `--version` name."""

import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jobs.runtime.fingerprints import digest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("jobs", "udfs", "schemas")
CODE = (".py", ".sql")


def code_version() -> str:
    """Version of the distribution, the commit where it runs from a checkout, and the digest of the code as it lies
    there: an edited checkout is other code. Such as 0.1.0+9ce7b9d6b0a1.4be2ba1f40a26c31."""
    code = code_digest([files(package) for package in PACKAGES])
    return f"{_number()}+{'.'.join([*_commit(), code])}"


def code_digest(packages: Sequence[Traversable]) -> str:
    """Digest of names and contents of the Python and SQL files of some packages, on disk or in a zip."""
    found = sorted((package.name, *place) for package in packages for place in _code_files(package))
    return digest([(package, place[-1], text) for package, place, text in found])


def _code_files(folder: Traversable, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for entry in folder.iterdir():
        place = (*above, entry.name)
        if entry.is_dir():
            yield from _code_files(entry, place)
        elif entry.name.endswith(CODE):
            yield place, entry.read_text(encoding="utf-8")


def _number() -> str:
    try:
        return version("sluice-sft")
    except PackageNotFoundError:
        return "0"


def _commit() -> list[str]:
    if not (ROOT / ".git").exists():
        return []
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [found.stdout.strip()] if found.returncode == 0 else []
