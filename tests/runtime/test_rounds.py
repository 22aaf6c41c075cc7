"""Work in pieces: parts with fingerprints of their own, rounds that a run that ends early keeps, budgets, attempts."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.runtime import rounds
from jobs.runtime.execute import Outcome, execute
from jobs.runtime.fingerprints import all_fingerprints
from jobs.runtime.job import Job
from jobs.runtime.params import Budget
from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.scope import Scope
from jobs.runtime.tables import Lake
from schemas.column_types import ATTEMPT, ERROR, FINGERPRINT, STRING
from schemas.table import Table, column
from tests.conftest import rows

pytestmark = pytest.mark.spark

ITEMS = Table("items", T.StructType([column("item", STRING, "hexadecimal", required=True)]), ("item",), "ledger")
MARKS = Table(
    "marks",
    T.StructType(
        [
            column("item", STRING, "which", required=True),
            column("marker", STRING, "whose", required=True),
            FINGERPRINT,
            ATTEMPT,
            ERROR,
        ]
    ),
    ("item", "marker", "fingerprint", "attempt"),
    "cache",
)
IDS = [hashlib.sha256(str(n).encode()).hexdigest()[:32] for n in range(40)]


class Marker(BaseModel, frozen=True):
    color: str = "red"


class Params(BaseModel, frozen=True):
    markers: Mapping[str, Marker] = {"one": Marker()}
    budget: Budget | None = None
    attempts: int = 2


Mark = Callable[[DataFrame, str], DataFrame]


class Trial:
    """A lake of 40 items, and runs of a job that marks them."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.lake = Lake(spark, str(folder))
        for table in (ITEMS, MARKS):
            self.lake.create(table)
        self.lake.append(ITEMS, spark.createDataFrame([(item,) for item in IDS], "item string"), {})
        self.seen: list[tuple[str, int]] = []

    def run(self, params: Params, mark: Mark | None = None) -> Outcome:
        def transform(new_items: DataFrame, part: str, params: Params) -> DataFrame:
            self.seen.append((part, new_items.count()))
            marked = new_items.withColumns({"marker": F.lit(part), "error": F.lit(None).cast("string")})
            return mark(marked, part) if mark else marked

        job = Job(
            "mark",
            reads=(),
            writes=MARKS,
            transform=transform,
            params=Params,
            each=ITEMS,
            parts=lambda params: params.markers,
            part_column="marker",
            in_rounds=True,
        )
        recipe = Recipe("r.yaml", "trial", self.lake.location, Tracking(), (), {"mark": params})
        scope = Scope(self.lake, recipe, all_fingerprints([job], recipe), {"marks": "mark"})
        scope.part_columns = {"mark": "marker"}
        return execute(job, scope, {"run": "r", "job": "mark"}, {})

    def marks(self) -> list[dict[str, Any]]:
        return rows(self.lake.read(MARKS).drop("fingerprint"), "item", "marker", "attempt")


@pytest.fixture
def trial(spark: SparkSession, tmp_path: Path) -> Trial:
    return Trial(spark, tmp_path)


def test_rounds_hold_every_row_once(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "FIRST_ROWS", 5)
    monkeypatch.setattr(rounds, "MOST_GROWTH", 2)
    done = trial.run(Params())
    assert (done.rows_in, done.rows_out, done.left_over) == (40, 40, 0)
    assert len(trial.seen) >= 3 and sum(count for _, count in trial.seen) == 40
    assert [row["item"] for row in trial.marks()] == sorted(IDS)
    again = trial.run(Params())
    assert (again.rows_in, again.rows_out, again.commit) == (0, 0, None)


def test_a_run_that_ends_early_keeps_its_rounds(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "FIRST_ROWS", 10)

    def killed(marked: DataFrame, part: str) -> DataFrame:
        if len(trial.seen) == 2:
            raise KeyboardInterrupt
        return marked

    with pytest.raises(KeyboardInterrupt):
        trial.run(Params(), killed)
    kept = len(trial.marks())
    assert 0 < kept < 40
    assert trial.run(Params()).rows_out == 40 - kept
    assert [row["item"] for row in trial.marks()] == sorted(IDS)


def test_another_part_or_a_changed_one_is_all_that_is_worked(trial: Trial) -> None:
    trial.run(Params())
    trial.seen.clear()
    two = {"one": Marker(), "two": Marker(color="blue")}
    assert trial.run(Params(markers=two)).rows_out == 40 and trial.seen == [("two", 40)]
    assert trial.run(Params(markers=two | {"one": Marker(color="green")})).rows_out == 40
    assert trial.seen[1:] == [("one", 40)]


def test_a_budget_of_rows_takes_those_whose_ids_come_first_and_no_more_later(trial: Trial) -> None:
    assert trial.run(Params(budget=Budget(rows=7))).rows_out == 7
    assert [row["item"] for row in trial.marks()] == sorted(IDS)[:7]
    assert trial.run(Params(budget=Budget(rows=7))).rows_out == 0
    assert trial.run(Params(budget=Budget(rows=9))).rows_out == 2, "what a budget allows shapes no row"


def test_a_budget_of_seconds_ends_between_rounds(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "FIRST_ROWS", 10)
    done = trial.run(Params(budget=Budget(seconds=0.001)))
    assert (done.rows_out, done.left_over) == (0, 40)
    assert trial.run(Params()).rows_out == 40


def test_what_failed_is_tried_again_alone_and_not_for_ever(trial: Trial) -> None:
    bad = sorted(IDS)[:3]

    def fail(marked: DataFrame, part: str) -> DataFrame:
        return marked.withColumn("error", F.when(F.col("item").isin(bad), "ValueError"))

    first, second = trial.run(Params(), fail), trial.run(Params(), fail)
    assert (first.rows_out, first.failed, second.rows_out, second.failed) == (40, 3, 3, 3)
    assert trial.run(Params(), fail).rows_out == 0, "two attempts"
    assert trial.run(Params(attempts=3)).rows_out == 3
    assert [(row["attempt"], row["error"]) for row in trial.marks()[:3]] == [
        (1, "ValueError"),
        (2, "ValueError"),
        (3, None),
    ]
