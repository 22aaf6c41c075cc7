"""What is told of a published version beside its numbers."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.assign_splits import Params
from jobs.runtime.notices import WEAKEST, absent_classes, large_leak_groups, unbound, weakest_links
from schemas.documents import DOCUMENTS
from schemas.job_runs import JOB_RUNS
from schemas.selections import SELECTIONS
from schemas.splits import SPLITS
from schemas.table import Table
from tests.conftest import frame, matches_frame


def test_classes_that_a_split_lacks() -> None:
    labels = {"train/a": 5, "train/b": 4, "val/a": 1, "test/unlabelled": 2}
    assert list(absent_classes({"train": 9, "val": 1, "test": 2}, labels)) == [
        "val has no example of 1 of 2 labels: b",
        "test has no example of 2 of 2 labels: a, b",
    ]
    assert list(absent_classes({"train": 9}, labels)) == []  # an empty split lacks nothing


@pytest.mark.spark
def test_prompts_and_older_texts_above_their_caps(spark: SparkSession) -> None:
    documents = [("d1", "p1"), ("d2", "p1"), ("d3", "p1"), ("d4", "p2"), ("d5", "p2"), ("d6", None)]
    # d2 and d3 are another dataset's: with them the prompt is generic
    # r1 to r3 had `old` and have another text now; three records have `now`, which is nobody's older text
    records: list[tuple[str, str, int, str, list[str]]] = [("f", f"r{n}", 1, "old", [f"g{n}"]) for n in (1, 2, 3)]
    records += [("f", f"r{n}", 2, f"new{n}", []) for n in (1, 2, 3)]
    records += [("f", f"s{n}", 1, "now", ["g1"]) for n in (1, 2, 3)]
    frames = {
        "documents": spark.createDataFrame(documents, "document_id string, prompt_digest string"),
        "clean_records": spark.createDataFrame(
            records, "fingerprint string, record_id string, revision bigint, document_id string, groups array<string>"
        ),
        "job_runs": frame(spark, JOB_RUNS.columns),
    }

    def read(table: Table) -> DataFrame:
        return frames[table.name]

    def told(cap: int, bind: tuple[str, ...] = ("folded_text", "prompt", "group")) -> list[str]:
        params = Params(prompt_cap=cap, revision_cap=cap, bind=bind)
        recipe = SimpleNamespace(dataset="d", params={"assign_splits": params})
        scope = SimpleNamespace(
            current=lambda table, rows: rows.where("document_id NOT IN ('d2', 'd3')"),
            in_force=lambda table, rows: rows,
            **{"producers": {"clean_records": "clean_text"}, "fingerprints": {"clean_text": "f"}},
            **{"recipe": recipe, "read": read},
        )
        context: Any = SimpleNamespace(scope=scope, lake=SimpleNamespace(read=read), recipe=recipe)
        return list(unbound(context))

    assert told(3) == []
    assert told(2) == [
        "1 prompt above the cap of 2: up to 3 documents of the lake share it and may lie in different splits",
        "1 older text above the cap of 2: up to 3 records had it, so it lends their newer texts no split",
        "1 text above the cap of 2: up to 3 groups have it, so it ties none of them",
    ]
    assert [line.split(" above")[0] for line in told(2, ("folded_text",))] == ["1 older text"]


@pytest.mark.spark
def test_a_large_leak_group_is_told_with_what_ties_it(spark: SparkSession) -> None:
    """Of the forty documents of version 2, g1 has five; g2 two, just the 5 % that is not told; all else is alone."""
    group = {f"a{n}": "g1" for n in range(1, 6)} | {"b1": "g2", "b2": "g2"} | {f"z{n}": f"z{n}" for n in range(33)}
    lake = [*group.items(), ("x", "g1")]
    drafts = [
        {"dataset": dataset, "dataset_version": version, "document_id": one, "split": "test", "leak_group_id": leak}
        for dataset, version in (("d", 1), ("d", 2), ("other", 2))
        for one, leak in (group if version == 2 and dataset == "d" else dict.fromkeys(group, "g1")).items()
    ]
    # of g1, a1 to a3 are matched in a row, a3 and a4 have one folded text, a4 and a5 one declared key;
    # b1 and b2 are matched too, and a1 has a prompt that only another group has
    matches = [("a2", [("a1", 0.9)]), ("a1", [("a2", 0.9)]), ("a3", [("a2", 0.8)]), ("a2", [("a3", 0.8)])]
    matches += [("b1", [("b2", 0.9)]), ("b2", [("b1", 0.9)])]
    # x is another dataset's, in g1 too and weakly matched with a5 and a1; a5 and b1 are matched across the groups
    matches += [("a5", [("x", 0.51), ("b1", 0.5)]), ("a1", [("x", 0.7)]), ("x", [("a1", 0.6)])]
    folds = {"a4": "a3"}
    prompts = {"a1": "p1", "b1": "p1"}
    documents = [{"document_id": o, "fold_digest": folds.get(o, o), "prompt_digest": prompts.get(o)} for o in group]
    records = [("f", "a4", ["k"]), ("f", "a5", ["k"]), ("f", "a5", ["l"]), ("of no dataset", "a1", ["k"])]
    frames = {
        "selections": frame(spark, SELECTIONS.columns, *drafts),
        "documents": frame(spark, DOCUMENTS.columns, *documents),
        "duplicate_matches": matches_frame(spark, matches),
        "clean_records": spark.createDataFrame(records, "fingerprint string, document_id string, groups array<string>"),
        "job_runs": frame(spark, JOB_RUNS.columns),
        "splits": frame(spark, SPLITS.columns, *({"document_id": one, "leak_group_id": leak} for one, leak in lake)),
    }
    recipe = SimpleNamespace(dataset="d", params={"assign_splits": Params()})

    def read(table: Table) -> DataFrame:
        return frames[table.name]

    scope = SimpleNamespace(
        producers={"clean_records": "clean_text"}, fingerprints={"clean_text": "f"}, recipe=recipe, read=read
    )
    context: Any = SimpleNamespace(scope=scope, lake=SimpleNamespace(read=read), recipe=recipe)
    assert list(large_leak_groups(context, 2)) == [
        "leak group g1 holds 5 documents (12.5%), all in test; tied: 4 by near-duplicate matches, "
        "2 by equal letters and digits, 2 by declared keys",
        "weakest links of leak group g1: a5 and x (0.510), a1 and x (0.700), a2 and a3 (0.800), a1 and a2 (0.900)",
    ]
    assert len(list(large_leak_groups(context, 1))) == 2 and list(large_leak_groups(context, 3)) == []
    frames["duplicate_matches"] = matches_frame(
        spark, [(one, [(f"z{n}", n / 100) for n in range(33)]) for one in ("a1", "a2")]
    )
    frames["splits"] = frame(spark, SPLITS.columns, *({"document_id": one, "leak_group_id": "g1"} for one in group))
    ends = [(row["low_id"], row["high_id"]) for row in weakest_links(context, ["g1", "g2"])["g1"]]
    assert ends == [(one, f"z{n}") for n in range(5) for one in ("a1", "a2")] and len(ends) == WEAKEST
