"""The independent check: equal folds, declared keys and shingles of real texts, across splits only."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.assign_splits import Params as SplitParams
from jobs.find_leaks import Check, Params, links_of, refuse_most, transform
from jobs.frames.links import LINK_KINDS, declared_links
from jobs.frames.shingling import Shingling
from jobs.hash_shingles import Params as HashParams
from jobs.match_duplicates import Params as MatchParams
from jobs.runtime.errors import ConfigError
from tests.conftest import rows
from udfs.folding import fold_digest
from udfs.shingles import ShingleRule

pytestmark = pytest.mark.spark

# document_id, split, drop reason of the split, text. Shingles are single words, so that similarities count words.
DOCUMENTS = [
    ("fold-train", "train", None, "One, two, three!"),
    ("fold-val", "val", None, "one two three"),
    ("fold-test", "test", None, "one TWO three"),
    ("fold-test2", "test", None, "one two... three"),  # the same split: no leak
    ("empty-train", "train", None, "?!"),
    ("empty-test", "test", None, "?!"),  # no letters: the text itself
    ("empty-val", "val", None, "!?"),
    ("near-train", "train", None, "red green blue black"),
    ("near-test", "test", None, "green blue black white"),  # 3 of 5
    ("half-train", "train", None, "north south east"),
    ("half-val", "val", None, "south east west"),  # 2 of 4: counts
    ("less-train", "train", None, "spring summer autumn"),
    ("less-val", "val", None, "summer winter harvest"),  # 1 of 5: does not
    ("key-train", "train", None, "alpha"),
    ("key-test", "test", None, "beta"),
    ("key-val", "val", None, "gamma"),
    ("marked-train", "train", "conflict", "red green blue black"),
    ("marked-test", "test", "large_group", "one two three"),
]
RECORDS = [
    *[("key-train", ["faq/thread=1"]), ("key-test", ["faq/thread=1", "faq/author=x"]), ("key-val", ["web/thread=1"])],
    # a declared key beside a stronger finding
    *[("near-train", ["faq/thread=2"]), ("near-test", ["faq/thread=2"])],
    *[("marked-train", ["faq/thread=1"]), (None, ["faq/thread=1"])],
]


def leak(low: str, high: str, method: str, similarity: float | None) -> dict[str, Any]:
    split_of = {document: split for document, split, _, _ in DOCUMENTS}
    return {
        "document_id": low,
        "other_id": high,
        "split": split_of[low],
        "other_split": split_of[high],
        "method": method,
        "similarity": similarity,
    }


EXPECTED = [
    leak("empty-train", "empty-test", "folded_text", 1.0),
    leak("fold-train", "fold-test", "folded_text", 1.0),
    leak("fold-train", "fold-test2", "folded_text", 1.0),
    leak("fold-train", "fold-val", "folded_text", 1.0),
    leak("fold-val", "fold-test", "folded_text", 1.0),
    leak("fold-val", "fold-test2", "folded_text", 1.0),
    leak("half-train", "half-val", "shingles", 0.5),
    leak("key-train", "key-test", "declared_key", None),
    leak("near-train", "near-test", "shingles", 0.6),
]


def no_vectors(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    """Embeddings and blocks of a lake without a model."""
    embeddings = spark.createDataFrame([], "document_id string, vector array<float>")
    return embeddings, spark.createDataFrame([], "block_id int, vector array<float>")


@pytest.mark.parametrize("bind", [LINK_KINDS, ("folded_text", "prompt")])
def test_pairs_of_two_splits(spark: SparkSession, bind: tuple[str, ...]) -> None:
    """Each pair once, by its strongest finding; equal ones by the fold. Declared keys count where they bind."""
    documents = spark.createDataFrame(
        [(name, text, fold_digest(text)) for name, _, _, text in DOCUMENTS],
        "document_id string, text string, fold_digest string",
    )
    splits = spark.createDataFrame(
        [(name, split, drop) for name, split, drop, _ in DOCUMENTS],
        "document_id string, split string, drop_reason string",
    )
    records = spark.createDataFrame(RECORDS, "document_id string, groups array<string>")
    check = Check(0.5, ShingleRule.words(1), bind, group_cap=20)
    found = transform(documents, records, splits, *no_vectors(spark), declared_links(records), check, Params(tasks=1))
    expected = EXPECTED if "group" in bind else [one for one in EXPECTED if one["method"] != "declared_key"]
    assert rows(found, "document_id", "other_id") == expected


def test_a_text_that_binds_nowhere_in_the_lake_is_not_held_against_its_groups(spark: SparkSession) -> None:
    """The cap counts what all recipes of the lake declare, as assign_splits does."""
    documents = spark.createDataFrame(
        [("a", "x", "fa"), ("b", "y", "fb")], "document_id string, text string, fold_digest string"
    )
    splits = spark.createDataFrame(
        [("a", "train", None), ("b", "test", None)], "document_id string, split string, drop_reason string"
    )
    mine = spark.createDataFrame([("a", ["g1"]), ("b", ["g1"])], "document_id string, groups array<string>")
    elsewhere = spark.createDataFrame([("a", ["h1", "h2"])], "document_id string, groups array<string>")
    declared = declared_links(mine.union(elsewhere))
    check = Check(0.5, ShingleRule.words(1), LINK_KINDS, group_cap=2)
    assert rows(transform(documents, mine, splits, *no_vectors(spark), declared, check, Params(tasks=1))) == []
    found = rows(transform(documents, mine, splits, *no_vectors(spark), declared_links(mine), check, Params(tasks=1)))
    assert [(row["document_id"], row["other_id"], row["method"]) for row in found] == [("a", "b", "declared_key")]


def test_a_key_that_ties_all_across_splits_is_refused(spark: SparkSession) -> None:
    pairs = spark.createDataFrame(
        [(f"d{n}", "train" if n % 2 else "test", "faq/label=1") for n in range(3000)],
        "document_id string, split string, link string",
    )
    with pytest.raises(ConfigError, match=r"1 declared keys tie 2,250,000 pairs .* --resplit"):
        refuse_most(pairs)
    assert refuse_most(pairs.limit(100)).count() == 100


def test_links_are_those_of_matching_unless_the_check_has_its_own() -> None:
    params = {
        "hash_shingles": HashParams(shingles=Shingling(words=5)),
        "match_duplicates": MatchParams(threshold=0.7),
        "assign_splits": SplitParams(bind=("folded_text",), revision_cap=7),
    }
    assert links_of(params | {"find_leaks": Params()}) == Check(0.7, ShingleRule.words(5), ("folded_text",), 7)
    own = Params(threshold=0.6, shingles=Shingling(words=3))
    assert links_of(params | {"find_leaks": own}) == Check(0.6, ShingleRule.words(3), ("folded_text",), 7)
