"""The lake that `make demo` has left: what README shows of it, its sums, and a hundred records explained."""

import os
import random
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime import console
from jobs.runtime.execute import Outcome
from jobs.runtime.explain import facts_of
from jobs.runtime.recipe import load_recipe
from jobs.runtime.story import tell
from jobs.runtime.tables import Lake
from jobs.runtime.views import register
from tests.pipeline.story import assert_told, drawn
from tests.test_notebooks import execute
from tests.test_readme import blocks

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[2]
RECIPES = {name: ROOT / "conf" / "recipes" / f"{name}.yaml" for name in ("reviews_zh", "python_docs")}
CACHED = (
    "raw_records",
    "clean_records",
    "documents",
    "duplicate_matches",
    "splits",
    "labels",
    "selections",
    "outcomes",
)
# Each takes seconds: a hundred by hand.
RECORDS_OF_EACH = 10 if os.environ.get("CI") else 50


@pytest.fixture(scope="module")
def demo(spark: SparkSession) -> Lake:
    """The lake with its tables and views in memory: each explained record asks them a dozen questions."""
    if not (ROOT / "lake" / "dataset_versions").is_dir():
        if os.environ.get("CI"):
            pytest.fail("`make demo` has left no lake in CI")
        pytest.skip("needs the lake of `make demo`")
    spark.conf.set("spark.sql.codegen.wholeStage", "true")
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
    lake = Lake(spark, str(ROOT / "lake"))
    register(lake)
    for name in CACHED:
        spark.catalog.cacheTable(name)
    return lake


def test_readme_shows_what_the_demo_printed(demo: Lake) -> None:
    """Line for line, but for the seconds."""
    excerpt = next(block for block in blocks("text") if "reviews_zh (conf" in block).splitlines()
    first = demo.spark.sql("SELECT * FROM job_runs WHERE dataset = 'reviews_zh' ORDER BY run_id, position").collect()
    printed = {row["job"]: console.line(outcome_of(row)) for row in reversed(first)}
    shown = [line for line in excerpt if line.endswith(" s")]
    assert len(shown) == 5
    for line in shown:
        assert line.rsplit("  ", 1)[0] == printed[line.split()[0]].rsplit("  [dim]", 1)[0]
    manifest = demo.spark.sql("SELECT * FROM dataset_versions WHERE dataset = 'reviews_zh'").collect()[0]
    assert f"reviews_zh version 1  content digest {manifest['content_digest']}" in excerpt
    with console.console.capture() as grid:
        console.console.print(console.split_grid(manifest["split_counts"], manifest["label_counts"]))
    assert grid.get().splitlines() == excerpt[-len(grid.get().splitlines()) :]


def outcome_of(row: Row) -> Outcome:
    counts = {name: row[name] for name in ("rows_in", "rows_out", "rows_changed", "dropped")}
    return Outcome(row["job"], "done", seconds=row["seconds"], **counts)


def test_python_docs_is_what_its_packages_hold(demo: Lake) -> None:
    """Other releases of the six packages have other texts; their size and their largest group hardly change."""
    records, published, largest = demo.spark.sql("""
        SELECT (SELECT count(*) FROM outcomes WHERE dataset = 'python_docs'),
               (SELECT count(*) FROM dataset_examples WHERE dataset = 'python_docs'),
               (SELECT max(n) FROM (SELECT count(*) AS n, count(DISTINCT split) AS splits FROM selections
                                    WHERE dataset = 'python_docs' GROUP BY leak_group_id))""").collect()[0]
    assert 15_000 < records < 20_000 and 14_000 < published < records
    assert 800 < largest < 2_000


@pytest.mark.parametrize("dataset", RECIPES)
def test_every_record_has_one_outcome(demo: Lake, dataset: str) -> None:
    sources = ", ".join(f"'{source.name}'" for source in load_recipe(str(RECIPES[dataset]), PIPELINE).sources)
    records = f"SELECT count(DISTINCT record_id) FROM raw_records WHERE file_rows IS NULL AND source IN ({sources})"
    examples = f"SELECT count(*) FROM dataset_examples WHERE dataset = '{dataset}' AND dataset_version = 1"
    outcomes = demo.spark.sql(f"""
        SELECT count(*) AS n, count(DISTINCT record_id) AS records, count_if(outcome = 'published') AS published,
               count_if(outcome = 'missing') AS missing
        FROM outcomes WHERE dataset = '{dataset}' AND dataset_version = 1""").collect()[0]
    expected = [demo.spark.sql(query).collect()[0][0] for query in (records, records, examples)]
    assert list(outcomes) == [*expected, 0]


@pytest.mark.parametrize("dataset", RECIPES)
def test_random_records_are_explained_as_the_outcomes_say(
    demo: Lake, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    recipe = load_recipe(str(RECIPES[dataset]), PIPELINE)
    rows = demo.spark.sql(f"SELECT * FROM outcomes WHERE dataset = '{dataset}' AND dataset_version = 1").collect()
    fates = {row["record_id"]: [row] for row in random.Random(1).sample(sorted(rows), 5_000)}
    for ident in drawn(fates)[:RECORDS_OF_EACH]:
        assert_told(tell(facts_of(demo, recipe, ident)), fates[ident][0])


def test_the_notebook_reads_a_version(demo: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process and a session of its own, as a user has it."""
    settings = {"SLUICE_LAKE": demo.location, "SLUICE_DATASET": "reviews_zh", "SLUICE_MASTER": "local[1]"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    outputs = execute("read_a_version.ipynb", tmp_path)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    shown = [output.data["text/plain"] for output in outputs if "text/plain" in output.get("data", {})]
    for said in ("reviews_zh", "train", "label_conflict", "duplicate", "merged"):
        assert any(said in text for text in shown), said
