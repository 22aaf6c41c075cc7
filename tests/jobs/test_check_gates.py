"""Gates with exact numbers: drafts of ten kept documents."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.check_gates import Params, certain_similarity, transform
from schemas.selections import SELECTIONS
from tests.conftest import matches_frame, rows

pytestmark = pytest.mark.spark

FRACTIONS = {"val": 0.2, "test": 0.2}


def draft(spark: SparkSession, kept: dict[str, str], dropped: dict[str, str]) -> DataFrame:
    """Selections: kept and dropped (cross_split) documents with their splits."""
    required = {"dataset": "d", "dataset_version": 1, "leak_group_id": "g", "group_id": "g"}
    arrays: dict[str, list[str]] = {"labels": [], "sources": [], "licenses": [], "record_ids": []}
    every: list[tuple[str, str, str | None]] = [(name, split, None) for name, split in kept.items()]
    every += [(name, split, "cross_split") for name, split in dropped.items()]
    cells = [
        required | arrays | {"document_id": name, "split": split, "drop_reason": reason, "partner_id": reason and "p"}
        for name, split, reason in every
    ]
    return spark.createDataFrame(
        [tuple(one.get(name) for name in SELECTIONS.columns.names) for one in cells], SELECTIONS.columns
    )


def judge(
    spark: SparkSession,
    selections: DataFrame,
    leaks: list[tuple[str, str]],
    matches: list[tuple[str, str]],
    params: Params,
    similarity: float | None = 0.9,
) -> dict[str, dict[str, Any]]:
    found = transform(
        selections,
        spark.createDataFrame(
            [(*leak, similarity) for leak in leaks], "document_id string, other_id string, similarity double"
        ),
        matches_frame(spark, [(holder, [(other, 0.9)]) for holder, other in matches]),
        FRACTIONS,
        0.6,
        params,
    )
    verdicts = rows(found, "gate")
    digests = {one.pop("draft") for one in verdicts}
    assert len(digests) == 1
    assert all(len(digest) == 32 for digest in digests)
    return {one.pop("gate"): one for one in verdicts}


def verdict(passed: bool, value: float, threshold: float, said: str, row_ids: list[str]) -> dict[str, Any]:
    detail = f"{value} {said}; the limit is {threshold}"
    return {"passed": passed, "value": value, "threshold": threshold, "detail": detail, "row_ids": row_ids}


LEAKS = "pairs of kept documents in two splits are linked"
REPAIRS = "of the examples were linked across splits and found by the independent check alone"
CONTENT = "drafts without an example; the views `quarantine`, `current_records` and the table `selections` say why"
SHARES = "is what val or test lacks of 0.5 of its fraction"


def test_a_clean_draft_passes(spark: SparkSession) -> None:
    """Held-out splits at exactly half their fraction; links within a split, to dropped documents, found by both."""
    kept = {**{f"train{n}": "train" for n in range(8)}, "val0": "val", "test0": "test"}
    selections = draft(spark, kept, {"dropped-train": "train", "dropped-val": "val"})
    found = judge(
        spark,
        selections,
        leaks=[("dropped-train", "test0"), ("dropped-train", "val0")],
        # the match may be held by either end; one match to a kept document is enough, whoever is the partner
        matches=[("train1", "train0"), ("val0", "dropped-train"), ("dropped-val", "test0")],
        params=Params(min_documents=10),
    )
    assert found == {
        "leaks": verdict(True, 0.0, 0.0, LEAKS, []),
        "repairs": verdict(True, 0.0, 0.001, REPAIRS, []),
        "split_shares": verdict(True, 0.0, 0.0, SHARES, []),
        "content": verdict(True, 0.0, 0.0, CONTENT, []),
    }


def test_each_gate_refuses_with_its_number(spark: SparkSession) -> None:
    kept = {**{f"train{n}": "train" for n in range(9)}, "test0": "test"}
    selections = draft(spark, kept, {"repair1": "train", "repair2": "train", "matched": "train", "repair3": "train"})
    found = judge(
        spark,
        selections,
        # one pair, which both found, from both ends; another by the check; a third by a match
        leaks=[("train0", "test0"), ("train1", "test0"), ("repair1", "test0"), ("repair2", "test0")],
        matches=[
            *[("test0", "train0"), ("train2", "test0"), ("matched", "test0")],
            # a match within the split, or to a dropped document, is not what dropped it
            *[("repair1", "train3"), ("repair3", "matched")],
        ],
        params=Params(repair=0.25, min_documents=10),
    )
    assert found == {
        "leaks": verdict(False, 3.0, 0.0, LEAKS, ["test0", "train0", "test0", "train1", "test0", "train2"]),
        "repairs": verdict(False, 0.3, 0.25, REPAIRS, ["repair1", "p", "repair2", "p", "repair3", "p"]),
        "split_shares": verdict(False, 0.1, 0.0, SHARES, []),  # val has 0 of 10, half of its fraction is 0.1
        "content": verdict(True, 0.0, 0.0, CONTENT, []),
    }
    # at the limit, and with one document less than what the share gate asks for
    found = judge(spark, selections, [], [("matched", "test0")], Params(repair=0.3, min_documents=11))
    assert [(gate, one["passed"], one["value"]) for gate, one in found.items()] == [
        ("content", True, 0.0),
        ("leaks", True, 0.0),
        ("repairs", True, 0.3),
        ("split_shares", True, 0.0),
    ]


def test_a_draft_without_an_example_is_refused(spark: SparkSession) -> None:
    found = judge(spark, draft(spark, {}, {"gone": "train"}), [], [], Params())
    assert found["content"] == verdict(False, 1.0, 0.0, CONTENT, [])


@pytest.mark.parametrize(
    ("similarity", "repair", "value"), [(0.55, 0.001, 0.0), (0.55, 0.0, 0.1), (0.6, 0.001, 0.1), (None, 0.001, 0.1)]
)
def test_pairs_that_minhash_is_expected_to_miss_tell_nothing(
    spark: SparkSession, similarity: float | None, repair: float, value: float
) -> None:
    kept = {**{f"train{n}": "train" for n in range(8)}, "val0": "val", "test0": "test"}
    selections = draft(spark, kept, {"dropped": "train"})
    found = judge(spark, selections, [("dropped", "test0")], [], Params(repair=repair), similarity)
    assert (found["repairs"]["value"], found["repairs"]["passed"]) == (value, value == 0)


def test_without_repairs_nothing_may_have_been_linked_across_whoever_found_it(spark: SparkSession) -> None:
    kept = {**{f"train{n}": "train" for n in range(8)}, "val0": "val", "test0": "test"}
    selections, match = draft(spark, kept, {"dropped": "train"}), [("dropped", "test0")]
    said = REPAIRS.removesuffix(" and found by the independent check alone")
    assert judge(spark, selections, [], match, Params(repair=0.0))["repairs"] == verdict(
        False, 0.1, 0.0, said, ["dropped", "p"]
    )
    assert judge(spark, selections, [], match, Params())["repairs"]["passed"]


def test_only_the_first_pairs_are_named(spark: SparkSession) -> None:
    kept = {**{f"train{n:02}": "train" for n in range(15)}, "test": "test"}
    found = judge(spark, draft(spark, kept, {}), [(f"train{n:02}", "test") for n in range(15)], [], Params())
    assert found["leaks"]["value"] == 15.0
    assert found["leaks"]["row_ids"] == [name for n in range(10) for name in ("test", f"train{n:02}")]


def test_the_certain_similarity_misses_one_pair_in_a_hundred() -> None:
    assert (1 - certain_similarity(32, 4) ** 4) ** 32 == pytest.approx(0.01)
