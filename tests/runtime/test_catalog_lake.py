"""What names a schema of a catalog, and what is said where there is none."""

from contextlib import chdir
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.runtime import catalogs
from jobs.runtime.errors import ConfigError
from jobs.runtime.tables import Lake
from schemas.dataset_versions import DATASET_VERSIONS


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
