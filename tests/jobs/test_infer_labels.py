from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.infer_labels import Params, transform
from tests.conftest import rows

pytestmark = pytest.mark.spark

RECORDS: dict[str, list[list[str]]] = {
    "agreed": [["1"], ["1"]],
    "half": [["1"], ["0"]],
    "most": [["1"], ["0"], ["1"], []],
    "none": [[], []],
    "three": [["0"], ["1"], ["2"]],
    "two": [["b", "a"], ["a", "b"], ["b"]],
}


def row(document_id: str, label: str | None, labels: list[str], shares: dict[str, float], num: int) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "label": label,
        "labels": labels,
        "label_probabilities": shares or None,
        "label_source": "gold" if labels else None,
        "num_records": num,
        **dict.fromkeys(("drop_reason", "drop_value", "drop_threshold")),
    }


def conflict(document_id: str, labels: list[str], shares: dict[str, float], num: int) -> dict[str, Any]:
    return row(document_id, None, labels, shares, num) | {
        "drop_reason": "label_conflict",
        "drop_value": ", ".join(labels),
        "drop_threshold": "more than half of the records",
    }


def test_majorities_and_conflicts(spark: SparkSession) -> None:
    records = [(d, f"{d}{n}", labels) for d, brought in RECORDS.items() for n, labels in enumerate(brought)]
    frame = spark.createDataFrame(
        [*records, (None, "dropped", ["9"])], "document_id string, record_id string, labels array<string>"
    )
    both_ways = [
        row("agreed", "1", ["1"], {"1": 1.0}, 2),
        conflict("half", ["0", "1"], {"0": 0.5, "1": 0.5}, 2),
        row("most", "1", ["1"], {"0": 0.333333, "1": 0.666667}, 3),
        row("none", None, [], {}, 0),
        conflict("three", ["0", "1", "2"], {"0": 0.333333, "1": 0.333333, "2": 0.333333}, 3),
    ]
    shares = {"a": 0.666667, "b": 1.0}
    one = rows(transform(frame, False, Params()), "document_id")
    assert one == [*both_ways, conflict("two", ["a", "b"], shares, 3)]
    many = rows(transform(frame, True, Params()), "document_id")
    no_single = [{**row, "label": None} for row in both_ways]
    assert many == [*no_single, row("two", None, ["a", "b"], shares, 3)]
