"""The local session: its Python workers, and what is said where Spark does not start."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.runtime.errors import ConfigError
from jobs.runtime.session import DELTA_SQL, LOCAL_CONF, _require_delta

ROOT = Path(__file__).resolve().parents[2]

# It tells its version, as any Java 17, and fails at all else with something that only the log may show.
BROKEN_JAVA = """#!/bin/sh
case "$*" in *-version*) echo "    java.home = {home}"; echo 'openjdk version "17.0.9"'; exit 0;; esac
echo "unresolved dependency: of the jars" >&2; exit 1
"""
RECIPE = "dataset: one\ntables: lake\nsources: [{name: a, path: a.txt, format: text}]\n"


def zips_read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The archives whose directories this worker reads before every task."""
    import sys
    from zipimport import zipimporter

    for _ in batches:
        pass
    found = [path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimporter)]
    yield pa.RecordBatch.from_pydict({"path": pa.array(found, pa.string())})


def submitted(conf: dict[str, str], fault: str) -> Any:
    """What is asked of a session whether it has Delta."""

    def load(_: str) -> None:
        raise RuntimeError(fault)

    read = SimpleNamespace(format=lambda _: SimpleNamespace(load=load))
    return SimpleNamespace(conf=SimpleNamespace(get=lambda key, default: conf.get(key, default)), read=read)


def test_a_submitted_session_without_delta_is_told_what_it_lacks() -> None:
    whole = {key: LOCAL_CONF[key] for key in DELTA_SQL}
    _require_delta(submitted(whole, "[DELTA_TABLE_NOT_FOUND] nothing there"))
    with pytest.raises(
        ConfigError, match=r"^this Spark session has no Delta\. Submit with --packages io\.delta:\S+, or"
    ):
        _require_delta(submitted(whole, "[DATA_SOURCE_NOT_FOUND] delta"))
    more = {"spark.sql.extensions": "org.example.Other"}
    with pytest.raises(
        ConfigError, match=r"Submit with --conf spark\.sql\.extensions=io\.delta.+catalog\.DeltaCatalog$"
    ):
        _require_delta(submitted(more, "[DELTA_TABLE_NOT_FOUND] nothing there"))


@pytest.mark.spark
def test_workers_read_no_archive_of_spark(spark: SparkSession) -> None:
    for _ in range(2):  # the second task of a worker finds what the first one left
        assert spark.range(2, numPartitions=2).mapInArrow(zips_read, "path string").collect() == []


def test_where_spark_does_not_start_the_log_is_named_and_keeps_the_noise(tmp_path: Path) -> None:
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(BROKEN_JAVA.format(home=tmp_path / "java"), encoding="utf-8")
    java.chmod(0o755)
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "a.txt").write_text("a text\n", encoding="utf-8")
    environment = {**os.environ, "JAVA_HOME": str(tmp_path / "java"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jobs.runtime.cli", "run", "recipe.yaml"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    (log,) = (tmp_path / "logs").iterdir()
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"error: Spark did not start, with the Java in {tmp_path}/java. {log} says why.")
    assert "spark.jars.ivySettings" in ran.stderr and "unresolved" not in ran.stdout + ran.stderr
    assert "unresolved dependency: of the jars" in log.read_text(encoding="utf-8")
