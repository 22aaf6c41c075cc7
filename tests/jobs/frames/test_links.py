"""What ties documents: keys, generic prompts, older texts. What follows is in tests/jobs/test_assign_splits.py."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.frames.links import (
    LINK_KINDS,
    binding,
    declared_links,
    edges_among_new,
    keys_of_new,
    link_keys,
    older_texts,
    pairs_of_new,
)
from tests.conftest import matches_frame, rows

pytestmark = pytest.mark.spark

KEYS = "document_id string, kind string, link string"


@pytest.fixture
def keys(spark: SparkSession) -> DataFrame:
    return keys_of(spark, LINK_KINDS)


def keys_of(spark: SparkSession, kinds: tuple[str, ...]) -> DataFrame:
    documents = spark.createDataFrame(
        [("a", "f1", "p1"), ("b", "f1", "p2"), ("c", "f2", "p2"), ("d", "f3", None)],
        "document_id string, fold_digest string, prompt_digest string",
    )
    records = spark.createDataFrame(
        [
            ("a", ["faq/thread=7", "faq/author=x"]),
            ("a", ["faq/thread=7"]),
            ("d", []),
            ("d", ["web/thread=7"]),
            (None, ["faq/thread=7"]),
            ("c", None),
        ],
        "document_id string, groups array<string>",
    )
    return link_keys(documents, declared_links(records), kinds, group_cap=2)


def test_keys_of_every_kind(keys: DataFrame) -> None:
    assert rows(keys, "kind", "document_id", "link") == [
        {"document_id": document, "kind": kind, "link": link}
        for kind, document, link in [
            ("folded_text", "a", "f1"),
            ("folded_text", "b", "f1"),
            ("folded_text", "c", "f2"),
            ("folded_text", "d", "f3"),
            ("group", "a", "faq/author=x"),
            ("group", "a", "faq/thread=7"),
            ("group", "d", "web/thread=7"),
            ("prompt", "a", "p1"),
            ("prompt", "b", "p2"),
            ("prompt", "c", "p2"),
        ]
    ]


def test_only_the_kinds_that_bind(spark: SparkSession) -> None:
    found = keys_of(spark, ("folded_text", "prompt"))
    assert {row["kind"] for row in rows(found)} == {"folded_text", "prompt"}


def shared(keys: DataFrame, new: str, prompt_cap: int) -> list[tuple[str, str]]:
    ids = keys.sparkSession.createDataFrame([(one,) for one in new], "document_id string")
    found = rows(keys_of_new(keys, ids, prompt_cap), "link", "document_id")
    return [(row["link"], row["document_id"]) for row in found]


def test_keys_that_tie_a_new_document_to_another(keys: DataFrame) -> None:
    assert shared(keys, "a", 2) == [("f1", "a"), ("f1", "b")]
    assert shared(keys, "b", 2) == [("f1", "a"), ("f1", "b"), ("p2", "b"), ("p2", "c")]
    assert shared(keys, "d", 2) == []  # thread 7 of two sources is two groups


def test_a_prompt_above_the_cap_is_generic(keys: DataFrame) -> None:
    assert shared(keys, "abcd", 2) == [("f1", "a"), ("f1", "b"), ("p2", "b"), ("p2", "c")]
    assert shared(keys, "abcd", 1) == [("f1", "a"), ("f1", "b")]  # the cap is for prompts only


def test_a_text_in_too_many_groups_binds_none(spark: SparkSession) -> None:
    records = [("a", ["g1", "g2"]), ("a", ["g2"]), ("b", ["g1", "g2"]), ("b", ["g3"]), ("c", ["g3"]), (None, ["g3"])]
    frame = spark.createDataFrame(records, "document_id string, groups array<string>")
    found = rows(binding(declared_links(frame), cap=2), "document_id", "link")
    assert [(row["document_id"], row["link"]) for row in found] == [("a", "g1"), ("a", "g2"), ("c", "g3")]


def test_matches_from_the_side_of_the_new_document(spark: SparkSession) -> None:
    matches = matches_frame(spark, [("b", [("a", 0.9)]), ("c", [("b", 0.8), ("a", 0.6)]), ("d", [("a", 0.5)])])
    new = spark.createDataFrame([("b",), ("c",)], "document_id string")
    found = rows(pairs_of_new(matches, new), "document_id", "other_id")
    pairs = [("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]
    assert [(row["document_id"], row["other_id"]) for row in found] == pairs
    edges = edges_among_new(spark.createDataFrame([], KEYS), new, pairs_of_new(matches, new))
    assert rows(edges) == [{"a": "c", "b": "b"}]


def test_the_newest_older_text_with_a_split_counts(spark: SparkSession) -> None:
    records = [
        # its newest older text is v2, not v1
        *[("r1", "v1", 1, 1), ("r1", "v2", 2, 2), ("r1", "new1", 3, 3)],
        # cleaned anew: one revision, and the later cleaning counts
        *[("r2", "w1", 1, 1), ("r2", "w2", 1, 2), ("r2", "new2", 1, 3)],
        # the newest older text has no split, the one before has
        *[("r3", "x1", 1, 1), ("r3", "unsplit", 2, 2), ("r3", "new3", 3, 3)],
        # three records had `common`, which is above the cap: the text before it counts, where there is one
        *[("r4", "y1", 1, 1), ("r4", "common", 2, 2), ("r4", "new4", 3, 3)],
        *[("r5", "common", 2, 2), ("r5", "new5", 3, 3), ("r6", "common", 2, 2)],
        # two records had `shared`, which is within the cap
        *[("r7", "shared", 1, 1), ("r7", "new7", 2, 2), ("r8", "shared", 1, 1), ("r8", None, 2, 2)],
    ]
    frame = spark.createDataFrame(records, "record_id string, document_id string, revision bigint, batch bigint")
    new = spark.createDataFrame([(f"new{n}",) for n in range(1, 8)], "document_id string")
    names = ("v1", "v2", "w1", "w2", "x1", "y1", "common", "shared")
    lenders = spark.createDataFrame([(name,) for name in names], "document_id string")
    assert rows(older_texts(frame, new, lenders, cap=2), "document_id") == [
        {"document_id": "new1", "other_id": "v2"},
        {"document_id": "new2", "other_id": "w2"},
        {"document_id": "new3", "other_id": "x1"},
        {"document_id": "new4", "other_id": "y1"},
        {"document_id": "new7", "other_id": "shared"},
    ]
