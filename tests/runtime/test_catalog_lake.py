"""A lake in a schema of a catalog: the same dataset as in a folder, and tables that have their names again."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime import catalogs
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from jobs.runtime.views import VIEWS
from schemas.dataset_versions import DATASET_VERSIONS

SCHEMA = "spark_catalog.curated"


@pytest.mark.parametrize("tables", ["main.sft", "spark_catalog.curated", "dev-eu.sft_v2"])
def test_two_names_with_a_dot_are_a_schema(tables: str) -> None:
    assert catalogs.is_name(tables)


@pytest.mark.parametrize("tables", ["lake", "./lake.v2", "a.b.c", "/data/lake.v2", "s3://bucket/lake.v2", "..", "2.0"])
def test_anything_else_is_a_folder(tables: str) -> None:
    assert not catalogs.is_name(tables)


def test_a_folder_of_that_name_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "lake.v2").mkdir()
    with chdir(tmp_path), pytest.raises(ConfigError, match=r"Write \./lake\.v2 for the folder"):
        catalogs.require_name("lake.v2", None)


def test_a_file_of_that_name_cannot_be_a_lake(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no lake")
    with chdir(tmp_path), pytest.raises(ConfigError, match=r"notes\.txt cannot be a lake: notes\.txt is a file"):
        catalogs.require_name("notes.txt", None)


def test_a_folder_has_no_location_besides(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="location: says where a schema's tables lie, but tables is a folder: lake"):
        catalogs.require_name("lake", "elsewhere")


def test_names_of_any_letters_are_quoted() -> None:
    assert catalogs.quoted("dev-eu.sft.raw_records") == "`dev-eu`.`sft`.`raw_records`"


@pytest.mark.spark
def test_a_catalog_that_forgets_needs_a_location(spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match="add `location: lake`"):
        Lake(spark, "spark_catalog.nowhere")


@pytest.mark.spark
def test_a_catalog_that_is_not_there_is_named(spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match=r"nobody\.sft"):
        Lake(spark, "nobody.sft").create(DATASET_VERSIONS)


@pytest.fixture
def schema(spark: SparkSession) -> Iterator[str]:
    yield SCHEMA
    spark.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


@pytest.mark.spark
def test_the_dataset_is_that_of_a_folder(spark: SparkSession, faq_lake: Path, tmp_path: Path, schema: str) -> None:
    """Run, run again in a session that has forgotten the names, and query as anyone does who knows only SQL."""
    said: list[str] = []
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
    assert {outcome.status for outcome in again.outcomes} == {"skipped"}
    assert views == set(VIEWS)
    assert splits is not None and splits["n"] == sum(in_folder[0]["split_counts"].values())
    assert (tmp_path / "lake" / "raw_records" / "_delta_log").is_dir()
    assert not [line for line in said if "could not be made" in line]
