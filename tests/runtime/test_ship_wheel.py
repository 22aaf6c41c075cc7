"""A wheel given by --py-files reaches executors as a zip, installed packages and a zip need nothing; a server of Spark
Connect gets them all."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest

from jobs.runtime.ship_wheel import ship_packages, ship_wheel


@pytest.mark.parametrize(
    ("name", "shipped"), [("sluice_sft-0.1.0-py3-none-any.whl", True), ("sluice.zip", False), ("folder.whl", False)]
)
def test_only_a_wheel_is_shipped(name: str, shipped: bool, tmp_path: Path) -> None:
    given = tmp_path / name
    if given.stem == "folder":
        given.mkdir()
    else:
        given.write_bytes(b"the packages")
    added: list[tuple[Path, bytes]] = []

    def add(path: str, **options: Any) -> None:
        assert options == {"pyfile": True}
        added.append((Path(path), Path(path).read_bytes()))

    ship_wheel(SimpleNamespace(addArtifact=add), given)  # type: ignore[arg-type]
    assert [(path.name, data) for path, data in added] == [(f"{given.stem}.zip", b"the packages")] * shipped


def test_installed_packages_are_shipped_as_a_zip_of_code() -> None:
    names: list[str] = []
    ship_packages(SimpleNamespace(addArtifact=lambda path, pyfile: names.extend(ZipFile(path).namelist())))  # type: ignore[arg-type]
    assert {"udfs/folding.py", "schemas/table.py", "jobs/frames/links.py", "jobs/__init__.py"} <= set(names)
    assert len(names) == len(set(names)) and all(name.endswith(".py") for name in names)
    assert not any(name.startswith(("tests", ".venv")) for name in names)
