"""Rule 7: drops, then groups, then survivors. Every case is a corner of one draft."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from jobs.runtime.source import Source
from jobs.select_examples import Params, transform
from schemas.splits import SPLITS
from tests.conftest import matches_frame, rows

SOURCES = (Source(name="first", path="x", format="text"), Source(name="second", path="x", format="text"))
LIMITS = {"duplicate": 0.7, "match": 0.5, "shingles": 0.6}
LEAKS = "document_id string, other_id string, method string, similarity double"


@dataclass(frozen=True)
class Doc:
    """A current document with one record. drop: reason, value, threshold by the split; label_drop: by the label."""

    id: str
    split: str
    group: str = ""
    chars: int = 10
    source: str = "first"
    revision: int = 1
    drop: tuple[str, str, str] | tuple[None, None, None] = (None, None, None)
    label_drop: tuple[str, str, str] | tuple[None, None, None] = (None, None, None)


def select(
    spark: SparkSession,
    docs: list[Doc],
    matches: list[tuple[str, list[tuple[str, float]]]],
    leaks: list[tuple[str, str, str, float | None]],
    params: Params,
    partitions: int = 1,
) -> list[dict[str, Any]]:
    def frame(cells: list[Any], schema: Any) -> Any:
        return spark.createDataFrame(cells, schema).repartition(partitions)

    found = transform(
        frame(
            [(d.id, f"r-{d.id}", d.source, "MIT", "en", d.revision) for d in docs],
            "document_id string, record_id string, source string, license string, language string, revision bigint",
        ),
        frame([(d.id, d.chars) for d in docs], "document_id string, num_chars bigint"),
        frame(
            [(d.id, None, ["0", "1"] if d.label_drop[0] else [], None, *d.label_drop) for d in docs],
            "document_id string, label string, labels array<string>, label_source string, "
            "drop_reason string, drop_value string, drop_threshold string",
        ),
        matches_frame(spark, matches).repartition(partitions),
        frame([(d.id, d.group or d.id) for d in docs], "document_id string, group_id string"),
        frame(leaks, LEAKS),
        frame([(d.id, d.split, "hash", f"leak-{d.id}", *d.drop) for d in docs], SPLITS.columns),
        LIMITS,
        params,
    )
    return rows(found, "document_id")


def threshold(reason: str | None, value: str | None) -> str | None:
    """That of the duplicates, of the matches or of the check; equal texts and declared keys have none."""
    found = str(value).split(" ")[0] if reason == "cross_split" else str(reason)
    return {"duplicate": "0.7", "match": "0.5", "shingles": "0.6"}.get(found)


def row(doc: Doc, reason: str | None = None, value: str | None = None, partner: str | None = None) -> dict[str, Any]:
    return {
        "document_id": doc.id,
        "split": doc.split,
        "leak_group_id": f"leak-{doc.id}",
        "group_id": doc.group or doc.id,
        "label": None,
        "labels": ["0", "1"] if doc.label_drop[0] else [],
        "label_source": None,
        "language": "en",
        "sources": [doc.source],
        "licenses": ["MIT"],
        "record_ids": [f"r-{doc.id}"],
        "partner_id": partner,
        "drop_reason": reason,
        "drop_value": value,
        "drop_threshold": threshold(reason, value),
    }


@pytest.mark.spark
def test_drops_then_survivors_from_test_to_train(spark: SparkSession) -> None:
    by_label = ("label_conflict", "0, 1", "more than half")
    conflict = ("conflict", "test, val", "none")
    expected = {
        # what is dropped anyway keeps the first reason, and its own values
        Doc("a-both", "train", drop=conflict, label_drop=by_label): by_label,
        Doc("a-conflict", "train", drop=conflict): conflict,
        Doc("a-label", "test", label_drop=by_label): by_label,
        Doc("a-large", "val", drop=("large_group", "6", "5.0")): ("large_group", "6", "5.0"),
        # only kept higher ends block: a-label, t-dup, v-cut and a-large are dropped
        Doc("r-label", "train"): None,
        Doc("r-large", "train"): None,
        Doc("r-dup", "train"): None,
        Doc("r-cut", "train"): None,
        Doc("t-keep", "test", group="g-t", chars=20): None,
        Doc("t-dup", "test", group="g-t"): ("duplicate", "g-t", "t-keep"),
        Doc("v-cut", "val"): ("cross_split", "match 0.55", "t-keep"),
        Doc("v-keep", "val"): None,
        # the smallest kept partner, whoever holds the match, however it was found
        Doc("r-two", "train"): ("cross_split", "match 0.8", "t-keep"),
        Doc("r-found", "train"): ("cross_split", "shingles 0.61", "v-keep"),
        Doc("r-key", "train"): ("cross_split", "declared_key", "v-keep"),
        Doc("r-same", "train"): ("cross_split", "folded_text 1.0", "v-keep"),
        # what is cut leaves its group before the survivor is chosen: r-long goes, the next one survives
        Doc("r-long", "train", group="g-r", chars=99): ("cross_split", "match 0.5", "v-keep"),
        Doc("r-mid", "train", group="g-r", chars=50): None,
        Doc("r-short", "train", group="g-r", chars=40): ("duplicate", "g-r", "r-mid"),
        # a match within a split is left to the groups
        Doc("r-alone", "train"): None,
    }
    matches = [
        *[("r-label", [("a-label", 0.9)]), ("r-large", [("a-large", 0.9)]), ("r-dup", [("t-dup", 0.9)])],
        *[("r-cut", [("v-cut", 0.9)]), ("t-keep", [("v-cut", 0.55), ("r-two", 0.8)])],
        *[("r-two", [("v-keep", 0.9)]), ("v-keep", [("r-long", 0.5)]), ("r-alone", [("r-mid", 0.6)])],
        ("a-conflict", [("t-keep", 0.9)]),
    ]
    leaks = [("r-found", "v-keep", "shingles", 0.61), ("r-key", "v-keep", "declared_key", None)]
    leaks.append(("r-same", "v-keep", "folded_text", 1.0))
    wanted = []
    for doc, end in expected.items():
        reason, value, last = end or (None, None, None)
        dropped_early = reason in ("label_conflict", "conflict", "large_group")
        one = row(doc, reason, value, None if dropped_early else last)
        wanted.append(one | ({"drop_threshold": last} if dropped_early else {}))
    wanted.sort(key=lambda one: str(one["document_id"]))
    docs, params = list(expected), Params(sources=SOURCES)
    assert select(spark, docs, matches, leaks, params) == wanted
    assert select(spark, docs[::-1], matches[::-1], leaks[::-1], params, partitions=3) == wanted


SURVIVORS = [
    *[Doc("a1", "train", "g1", 30, "second", 1), Doc("a2", "train", "g1", 10, "first", 2)],
    Doc("a3", "train", "g1", 20, "first", 1),
    # equal by source and length: newest, then the smallest id
    *[Doc("b1", "train", "g2", 10, "first", 1), Doc("b3", "train", "g2", 10, "first", 2)],
    Doc("b2", "train", "g2", 10, "first", 2),
]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("order", "first"),
    [
        (("source", "longest"), "a3"),
        (("source", "shortest"), "a2"),
        (("longest",), "a1"),
        (("newest", "longest"), "a2"),
    ],
)
def test_the_recipes_order_names_the_survivor(spark: SparkSession, order: tuple[str, ...], first: str) -> None:
    found = select(spark, SURVIVORS, [], [], Params(sources=SOURCES, order=order))
    kept = {"g1": first, "g2": "b2"}
    assert found == [
        row(doc) if kept[doc.group] == doc.id else row(doc, "duplicate", doc.group, kept[doc.group])
        for doc in sorted(SURVIVORS, key=lambda doc: doc.id)
    ]


@pytest.mark.spark
def test_a_document_of_many_records_has_its_best_source_and_newest_revision(spark: SparkSession) -> None:
    """The records of `b` are in two sources: it beats `a`, whose one source comes second, and names all records."""
    records = [
        ("a", "r1", "second", "MIT", "en", 9),
        ("b", "r3", "second", None, "fr", 5),
        ("b", "r2", "first", "BSD", "de", 1),
        (None, "r4", "first", "MIT", None, 1),
    ]
    nothing = (None, None, None)
    found = transform(
        spark.createDataFrame(
            records,
            "document_id string, record_id string, source string, license string, language string, revision bigint",
        ),
        spark.createDataFrame([("a", 10), ("b", 10)], "document_id string, num_chars bigint"),
        spark.createDataFrame(
            [("a", None, [], None, *nothing), ("b", "1", ["1"], "gold", *nothing)],
            "document_id string, label string, labels array<string>, label_source string, "
            "drop_reason string, drop_value string, drop_threshold string",
        ),
        matches_frame(spark, []),
        spark.createDataFrame([("a", "g"), ("b", "g")], "document_id string, group_id string"),
        spark.createDataFrame([], LEAKS),
        spark.createDataFrame([(one, "train", "hash", "l", *nothing) for one in "ab"], SPLITS.columns),
        LIMITS,
        Params(sources=SOURCES),
    )
    common = {"split": "train", "leak_group_id": "l", "group_id": "g"}
    assert rows(found, "document_id") == [
        {
            **common,
            **{"document_id": "a", "label": None, "labels": [], "label_source": None, "language": "en"},
            **{"sources": ["second"], "licenses": ["MIT"], "record_ids": ["r1"]},
            **{"partner_id": "b", "drop_reason": "duplicate", "drop_value": "g", "drop_threshold": "0.7"},
        },
        {
            **common,
            **{"document_id": "b", "label": "1", "labels": ["1"], "label_source": "gold", "language": "de"},
            **{"sources": ["first", "second"], "licenses": ["BSD"], "record_ids": ["r2", "r3"]},
            **{"partner_id": None, "drop_reason": None, "drop_value": None, "drop_threshold": None},
        },
    ]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown order oldest; known: source, longest, shortest, newest"):
        Params(order=("source", "oldest"))
