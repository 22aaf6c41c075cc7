import pytest
from pyspark.sql import SparkSession

from jobs.group_duplicates import Params, transform
from tests.conftest import matches_frame, rows

pytestmark = pytest.mark.spark


def test_groups_lie_within_one_split_at_the_datasets_threshold(spark: SparkSession) -> None:
    documents = spark.createDataFrame(
        [
            *[(name, f"fold {name}") for name in ("a", "b", "c", "d", "e", "f", "g")],
            *[(name, "same") for name in ("x", "y", "z")],
        ],
        "document_id string, fold_digest string",
    )
    splits = spark.createDataFrame(
        [(name, "test" if name in ("g", "z") else "train") for name in "abcdefgxyz"],
        "document_id string, split string",
    )
    matches = matches_frame(
        spark,
        [
            ("b", [("a", 0.7)]),
            ("c", [("b", 0.9), ("gone", 1.0)]),  # a chain; what is no current document ties nothing
            ("e", [("d", 0.699999)]),  # linked, but no duplicate
            ("g", [("f", 1.0)]),  # another split
            ("gone", [("e", 1.0), ("f", 1.0)]),
            ("x", [("c", 0.8)]),
            ("z", []),
        ],
    )
    expected = [
        *[(name, "a", 5) for name in "abc"],
        *[("d", "d", 1), ("e", "e", 1), ("f", "f", 1), ("g", "g", 1)],
        *[("x", "a", 5), ("y", "a", 5), ("z", "z", 1)],
    ]
    found = transform(documents, matches, splits, Params(threshold=0.7))
    assert rows(found, "document_id") == [
        {"document_id": document, "group_id": group, "group_size": size} for document, group, size in expected
    ]


def test_texts_that_say_the_same_count_from_a_cosine_of_their_own(spark: SparkSession) -> None:
    documents = spark.createDataFrame([(name, name) for name in "abc"], "document_id string, fold_digest string")
    splits = spark.createDataFrame([(name, "train") for name in "abc"], "document_id string, split string")
    matches = matches_frame(spark, [("b", [("a", 0.95)]), ("c", [("b", 0.6)])], "semantic")
    for least, groups in ((None, "aaa"), (0.9, "aac"), (0.99, "abc")):
        found = rows(transform(documents, matches, splits, Params(semantic=least)), "document_id")
        assert "".join(row["group_id"] for row in found) == groups
