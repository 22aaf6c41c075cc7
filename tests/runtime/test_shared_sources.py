"""One source name is one place for all datasets of a lake."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from pyspark.sql import SparkSession

from jobs.runtime.shared_sources import compare_sources
from jobs.runtime.source import Source
from schemas.dataset_versions import DATASET_VERSIONS
from tests.conftest import frame

pytestmark = pytest.mark.spark


def context_of(spark: SparkSession, source: Source, said: list[str]) -> Any:
    """Dataset mine; other read a.csv, then b.csv; third has no such source."""

    def version(dataset: str, number: int, name: str, path: str) -> dict[str, Any]:
        recipe = orjson.dumps({"sources": [{"name": name, "path": path}]}).decode()
        return {"dataset": dataset, "dataset_version": number, "recipe": recipe}

    versions = [version("mine", 1, "faq", "old.csv"), version("other", 1, "faq", "a.csv")]
    versions += [version("other", 2, "faq", "b.csv"), version("third", 1, "chats", "c.csv")]
    lake = SimpleNamespace(
        exists=lambda table: True, read=lambda table: frame(spark, DATASET_VERSIONS.columns, *versions)
    )
    recipe = SimpleNamespace(dataset="mine", sources=(source,))
    return SimpleNamespace(lake=lake, recipe=recipe, note=said.append)


@pytest.mark.parametrize(("path", "told"), [("b.csv", 0), ("./b.csv", 0), ("a.csv", 1)])
def test_another_place_under_one_name_is_said(spark: SparkSession, path: str, told: int) -> None:
    said: list[str] = []
    compare_sources(context_of(spark, Source(name="faq", path=path, format="text"), said))
    assert len(said) == told
    assert all("its path is a.csv, but dataset other of this lake reads b.csv under that name" in one for one in said)


def test_it_says_that_records_of_the_other_place_are_dropped(spark: SparkSession) -> None:
    said: list[str] = []
    compare_sources(context_of(spark, Source(name="faq", path="a.csv", format="text", on_vanish="drop"), said))
    assert len(said) == 1 and "Its records are dropped now (on_vanish)." in said[0]
