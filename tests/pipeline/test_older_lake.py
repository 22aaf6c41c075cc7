"""A lake that an earlier commit wrote: opened, run again and grown by a release that declares more columns."""

import os
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from schemas.column_types import LONGS
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.labels import LABELS
from schemas.raw_records import RAW_RECORDS
from schemas.signatures import SIGNATURES
from schemas.table import column
from tests.conftest import ROOT
from tests.lakes.make_lake import MODIFIED

pytestmark = pytest.mark.spark

GROWN = (RAW_RECORDS, SIGNATURES, LABELS, DATASET_EXAMPLES)  # ledger, cache, current, frozen
LATER = column("declared_later", LONGS, "what only a later release knows")
NEW_ROW = "13,t12,plans,Can I change my plan?,At any time under Billing.\n"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The folder of an earlier commit's lake, see tests/lakes/README.md."""
    shutil.unpack_archive(ROOT / "tests" / "lakes" / "faq.tar.gz", tmp_path)
    os.utime(tmp_path / "raw" / "faq.csv", (MODIFIED, MODIFIED))
    return tmp_path


@pytest.fixture
def later() -> Iterator[None]:
    """A release that declares one more column in a table of each lifetime; all who read a declaration share it."""
    for table in GROWN:
        table.columns.add(LATER)
    yield
    for table in GROWN:
        table.columns.fields.remove(LATER)
        table.columns.names.remove(LATER.name)


def run(spark: SparkSession, folder: Path) -> list[str]:
    """What became of each job."""
    with chdir(folder):
        context = run_recipe(spark, load_recipe("recipe.yaml", PIPELINE), PIPELINE, say=lambda _: None)
    return [outcome.status for outcome in context.outcomes]


def examples(folder: Path, spark: SparkSession) -> dict[int, set[Any]]:
    """Document, split, text and label of the examples of each version."""
    rows = Lake(spark, str(folder / "lake")).read(DATASET_EXAMPLES)
    found = rows.select("dataset_version", "document_id", "split", "text", "label").collect()
    return {version: {row[1:] for row in found if row[0] == version} for version in {row[0] for row in found}}


@pytest.mark.usefixtures("later")
def test_a_lake_of_an_earlier_commit_goes_on_under_more_columns(spark: SparkSession, older: Path) -> None:
    before = examples(older, spark)
    assert len(before[1]) == 7
    run(spark, older)  # looks at the files, which lie elsewhere now, and works what a newer release works otherwise
    stands = examples(older, spark)
    assert stands[1] == before[1] and set(stands[max(stands)]) == before[1]
    assert set(run(spark, older)) == {"skipped", "idle"}, "added columns count as changed rows"
    with (older / "raw" / "faq.csv").open("a", encoding="utf-8") as faq:
        faq.write(NEW_ROW)
    assert "done" in run(spark, older)
    after = examples(older, spark)
    assert len(after) == len(stands) + 1 and after[1] == before[1]
    new = after[max(after)] - before[1]
    assert [text for _, _, text, _ in new] == ["Can I change my plan?\n\nAt any time under Billing."]
    assert after[max(after)] == before[1] | new
    for table in GROWN:
        stored = spark.read.format("delta").load(f"{older}/lake/{table.name}")
        assert stored.schema[LATER.name].dataType == LONGS, table.name
        assert stored.where("declared_later IS NOT NULL").isEmpty()
