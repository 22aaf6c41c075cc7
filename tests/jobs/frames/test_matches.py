import pytest
from pyspark.sql import SparkSession

from jobs.frames.matches import match_pairs
from tests.conftest import matches_frame, rows

pytestmark = pytest.mark.spark


def test_matches_in_long_form(spark: SparkSession) -> None:
    shingled = matches_frame(spark, [("c", [("a", 0.5), ("b", 0.75)]), ("b", [("a", 1.0)]), ("a", [])])
    said = matches_frame(spark, [("c", [("a", 0.95)])], "semantic")
    assert rows(match_pairs(shingled.union(said)), "document_id", "other_id", "method") == [
        {"document_id": "b", "other_id": "a", "similarity": 1.0, "method": "minhash"},
        {"document_id": "c", "other_id": "a", "similarity": 0.5, "method": "minhash"},
        {"document_id": "c", "other_id": "a", "similarity": 0.95, "method": "semantic"},
        {"document_id": "c", "other_id": "b", "similarity": 0.75, "method": "minhash"},
    ]
