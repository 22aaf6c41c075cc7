"""Writing a job's rows: a commit that comes in between, rows read, row rules, columns declared later."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import types as T

from jobs.runtime.errors import SchemaMismatchError
from jobs.runtime.execute import execute
from jobs.runtime.job import Job, NoParams
from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.scope import Scope
from jobs.runtime.tables import Lake
from schemas.column_types import LONG, STRING
from schemas.table import Table, column, drop_columns

pytestmark = pytest.mark.spark

NUMBERS = Table("numbers", T.StructType([column("number", LONG, "itself", required=True)]), ("number",), "ledger")
THINGS = Table(
    "things",
    T.StructType([column("name", STRING, "its name", required=True), column("size", LONG, "size"), *drop_columns()]),
    ("name",),
    "ledger",
    checks={"has_size": "size > 0"},
    reasons={"odd": "it is odd"},
)


def scope_of(spark: SparkSession, folder: Path, job: Job) -> Scope:
    recipe = Recipe("r.yaml", "trial", str(folder), Tracking(), (), {job.name: NoParams()})
    lake = Lake(spark, str(folder))
    lake.create(job.writes)
    return Scope(lake, recipe, {job.name: "f"}, {job.writes.name: job.name})


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    raise TimeoutError(path)


def overtaken(batches: Iterable[pd.DataFrame], folder: Path) -> Iterator[pd.DataFrame]:
    """The rows, once another writer has committed to the table that this query is being written to."""
    (folder / "writing").touch()
    wait_for(folder / "numbers" / "_delta_log" / f"{1:020}.json")
    yield from batches


def append_meanwhile(lake: Lake, folder: Path) -> None:
    wait_for(folder / "writing")
    lake.append(NUMBERS, lake.spark.range(1).toDF("number"), {})


def test_a_job_that_is_overtaken_plans_once_more(spark: SparkSession, tmp_path: Path) -> None:
    """Its rows are those that the live table lacks: Delta refuses the first commit, the second knows better."""
    planned: list[int] = []

    def transform(params: NoParams) -> DataFrame:
        planned.append(1)
        rows = spark.range(0, 3, 1, numPartitions=1)  # the other writer needs a core too
        return rows.toDF("number").mapInPandas(partial(overtaken, folder=tmp_path), "number bigint")

    job = Job("count", reads=(), writes=NUMBERS, transform=transform)
    scope = scope_of(spark, tmp_path, job)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(append_meanwhile, scope.lake, tmp_path)
        done = execute(job, scope, {"run": "r", "job": "count"}, {})
        other.result()
    assert len(planned) == 2 and done.rows_out == 2
    assert sorted(row["number"] for row in scope.lake.read(NUMBERS).collect()) == [0, 1, 2]


def test_rows_that_break_a_rule_stay_with_the_rule_as_their_reason(spark: SparkSession, tmp_path: Path) -> None:
    values: list[tuple[Any, ...]] = [("good", 1, None), ("broken", 0, None), ("absent", None, None), ("odd", 0, "odd")]
    frame = spark.createDataFrame(values, "name string, size bigint, drop_reason string")
    job = Job("measure", reads=(), writes=THINGS, transform=lambda params: frame)
    scope = scope_of(spark, tmp_path, job)
    done = execute(job, scope, {"run": "r", "job": "measure"}, {})
    assert done.rows_out == 4 and done.dropped == {"odd": 1, "rule:has_size": 2}
    found = {row["name"]: row["drop_reason"] for row in scope.lake.read(THINGS).collect()}
    assert found == {"good": None, "broken": "rule:has_size", "absent": "rule:has_size", "odd": "odd"}
    with pytest.raises(Exception, match="CHECK constraint"):  # nobody else writes one either
        scope.lake.append(THINGS, spark.createDataFrame([("sly", 0)], "name string, size bigint"), {})


def silent(observation: Observation) -> dict[str, Any]:
    Event().wait()
    raise AssertionError("nobody sets it")


def failing(observation: Observation) -> dict[str, Any]:
    raise ConnectionError("the engine is gone")


@pytest.mark.parametrize("answer", [silent, failing])
def test_counts_that_do_not_come_undo_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Observation], Any]
) -> None:
    job = Job("measure", reads=(), writes=THINGS, transform=lambda params: spark.sql("SELECT 'a' AS name, 1L AS size"))
    scope = scope_of(spark, tmp_path, job)
    monkeypatch.setattr("jobs.runtime.execute.OBSERVATION_SECONDS", 0.1)
    monkeypatch.setattr(Observation, "get", property(answer))
    done = execute(job, scope, {"run": "r", "job": "measure"}, {})
    assert (done.status, done.rows_out, done.dropped) == ("done", 1, {})
    assert done.note == "the engine did not say what it counted"


def test_a_column_declared_later_is_added_and_another_type_or_rule_refused(spark: SparkSession, tmp_path: Path) -> None:
    Lake(spark, str(tmp_path)).create(THINGS)
    grown = replace(THINGS, columns=T.StructType([*THINGS.columns.fields, column("color", STRING, "its color")]))
    lake = Lake(spark, str(tmp_path))
    lake.create(grown)
    assert spark.read.format("delta").load(f"{tmp_path}/things").columns[-1] == "color"
    typed = replace(THINGS, columns=T.StructType([column("name", LONG, "its name"), *drop_columns()]))
    with pytest.raises(SchemaMismatchError, match="name is string, declared bigint"):
        Lake(spark, str(tmp_path)).create(typed)
    ruled = replace(grown, checks={"has_size": "size > 1"})
    with pytest.raises(SchemaMismatchError, match="other row rules than its declaration"):
        Lake(spark, str(tmp_path)).create(ruled)


def test_tables_ask_for_no_feature_that_other_readers_lack(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    lake.create(THINGS)
    detail = spark.sql(f"DESCRIBE DETAIL {lake.name(THINGS)}").first()
    assert detail is not None
    assert (detail["minReaderVersion"], detail["minWriterVersion"]) == (1, 3)
    assert set(detail["tableFeatures"]) <= {"appendOnly", "invariants", "checkConstraints"}
