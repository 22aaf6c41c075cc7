"""What is told of a published version beside its numbers."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.assign_splits import Params
from jobs.runtime.notices import absent_classes, unbound


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
    # r1 to r3 had `old` and have another text now; three records have `now`, which is nobody's older text
    records = [(f"r{n}", 1, "old", [f"g{n}"]) for n in (1, 2, 3)] + [(f"r{n}", 2, f"new{n}", []) for n in (1, 2, 3)]
    records += [(f"s{n}", 1, "now", ["g1"]) for n in (1, 2, 3)]
    frames = {
        "documents": spark.createDataFrame(documents, "document_id string, prompt_digest string"),
        "clean_records": spark.createDataFrame(
            records, "record_id string, revision bigint, document_id string, groups array<string>"
        ),
    }

    def told(cap: int) -> list[str]:
        context: Any = SimpleNamespace(
            scope=SimpleNamespace(current=lambda table, rows: rows, in_force=lambda table, rows: rows),
            lake=SimpleNamespace(read=lambda table: frames[table.name]),
            recipe=SimpleNamespace(params={"assign_splits": Params(prompt_cap=cap, revision_cap=cap)}),
        )
        return list(unbound(context))

    assert told(3) == []
    assert told(2) == [
        "1 prompt above the cap of 2: up to 3 documents share it and may lie in different splits",
        "1 older text above the cap of 2: up to 3 records had it, so it lends their newer texts no split",
        "1 text above the cap of 2: up to 3 groups have it, so it ties none of them",
    ]
