"""Which documents a scorer is asked about, and which scores count."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.frames.cascade import Reach, counted, in_reach
from tests.conftest import rows

pytestmark = pytest.mark.spark


@pytest.fixture
def scores(spark: SparkSession) -> DataFrame:
    values = [
        *[(one, "cheap", value) for one, value in (("a", 0.1), ("b", 0.5), ("c", 0.5), ("d", 0.9), ("e", None))],
        *[(one, "mid", value) for one, value in (("a", 9.0), ("b", 1.0), ("c", 2.0), ("d", 3.0))],
        *[(one, "dear", 1.0) for one in "abcd"],
    ]
    return spark.createDataFrame(values, "document_id string, scorer string, value double")


def ids(frame: DataFrame) -> list[str]:
    return [row["document_id"] for row in rows(frame.select("document_id"), "document_id")]


def test_where_takes_what_it_is_true_of(scores: DataFrame) -> None:
    assert ids(in_reach(scores, Reach(where="cheap < 0.6 AND mid >= 1"), ["cheap", "mid"])) == ["a", "b", "c"]
    assert ids(in_reach(scores, Reach(where="mid IS NULL"), ["cheap", "mid"])) == ["e"]


def test_top_takes_the_greatest_of_what_where_left(scores: DataFrame) -> None:
    assert ids(in_reach(scores, Reach(top=2, by="cheap"), ["cheap", "mid"])) == ["b", "d"], "of equals the smaller id"
    assert ids(in_reach(scores, Reach(where="mid < 3", top=1, by="mid"), ["cheap", "mid"])) == ["c"]
    assert ids(in_reach(scores, Reach(top=9, by="cheap"), ["cheap"])) == ["a", "b", "c", "d"], "e has no value"


def test_scores_beyond_the_reach_are_as_absent_and_so_is_what_leans_on_them(scores: DataFrame) -> None:
    """mid counts for what cheap leaves (not a), so dear's best by mid is d, not a."""
    reaches = {"cheap": Reach(), "mid": Reach(where="cheap > 0.2"), "dear": Reach(top=1, by="mid")}
    left = counted(scores, reaches).where("scorer <> 'cheap'")
    found = [(row["scorer"], row["document_id"]) for row in rows(left, "scorer", "document_id")]
    assert found == [("dear", "d"), ("mid", "b"), ("mid", "c"), ("mid", "d")]
    assert counted(scores, {}).isEmpty()
