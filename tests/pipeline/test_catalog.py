"""A lake in a schema of a catalog: the same dataset as in a folder, and tables that have their names again."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from jobs.runtime.views import VIEWS, register
from schemas.dataset_versions import DATASET_VERSIONS

pytestmark = pytest.mark.spark

SCHEMA = "spark_catalog.curated"


@pytest.fixture
def schema(spark: SparkSession) -> Iterator[str]:
    yield SCHEMA
    spark.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def test_the_dataset_is_that_of_a_folder(spark: SparkSession, faq_lake: Path, tmp_path: Path, schema: str) -> None:
    """Run, run again in a session that has forgotten the names, and query as anyone does who knows only SQL."""
    said: list[str] = []
    register(Lake(spark, str(faq_lake)))  # views of another lake, that this session alone sees, under the same names
    (tmp_path / "raw").symlink_to(faq_lake.parent / "raw")
    recipe = (faq_lake.parent / "recipe.yaml").read_text(encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(recipe.replace("tables: lake", f"tables: {schema}\nlocation: lake"))
    with chdir(tmp_path):
        loaded = load_recipe("recipe.yaml", PIPELINE)
        first = run_recipe(spark, loaded, PIPELINE, say=lambda text: said.append(str(text)))
        views = {row["viewName"] for row in spark.sql(f"SHOW VIEWS IN {schema}").collect() if not row["isTemporary"]}
        splits = spark.sql(f"SELECT sum(examples) AS n FROM {schema}.split_sizes").first()
        spark.sql(f"DROP SCHEMA {schema} CASCADE")  # the files stay where `location` says
        again = run_recipe(spark, loaded, PIPELINE, say=lambda text: said.append(str(text)))
    columns = ("content_digest", "split_counts", "num_examples")
    in_folder = Lake(spark, str(faq_lake)).read(DATASET_VERSIONS).select(*columns).collect()
    assert first.lake.read(DATASET_VERSIONS).select(*columns).collect() == in_folder
    assert {outcome.status for outcome in again.outcomes} == {"skipped", "idle"}
    # Those over tables of models come with the tables: nothing was asked of a model.
    assert views == set(VIEWS) - {"current_scores", "current_clusters", "score_extremes"}
    assert splits is not None and splits["n"] == sum(in_folder[0]["split_counts"].values())
    assert (tmp_path / "lake" / "raw_records" / "_delta_log").is_dir()
    assert not [line for line in said if "could not be made" in line]
