import pytest
from pyspark.sql import SparkSession

from jobs.frames.matches import match_pairs
from tests.conftest import rows

pytestmark = pytest.mark.spark


def test_matches_in_long_form(spark: SparkSession) -> None:
    schema = "document_id string, matches array<struct<document_id: string, similarity: double>>"
    matches = spark.createDataFrame([("c", [("a", 0.5), ("b", 0.75)]), ("b", [("a", 1.0)]), ("a", [])], schema)
    assert rows(match_pairs(matches), "document_id", "other_id") == [
        {"document_id": "b", "other_id": "a", "similarity": 1.0},
        {"document_id": "c", "other_id": "a", "similarity": 0.5},
        {"document_id": "c", "other_id": "b", "similarity": 0.75},
    ]
