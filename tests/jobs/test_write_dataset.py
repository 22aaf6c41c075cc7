import pytest
from pyspark.sql import SparkSession

from jobs.runtime.job import NoParams
from jobs.write_dataset import transform
from schemas.labels import LABELS
from schemas.selections import SELECTIONS
from tests.conftest import rows

pytestmark = pytest.mark.spark


def test_kept_rows_with_their_texts_and_labels(spark: SparkSession) -> None:
    about = {"leak_group_id": "g", "language": "en", "sources": ["faq"], "licenses": ["MIT"], "record_ids": ["r"]}
    label = {"label": "1", "labels": ["1"], "label_source": "gold"}
    selected = [
        {**about, **label, "document_id": "a", "split": "train"},
        {**about, "labels": [], "document_id": "b", "split": "test"},
        {**about, **label, "document_id": "c", "split": "train", "drop_reason": "duplicate"},
    ]
    names = SELECTIONS.columns.names
    required = {"dataset": "d", "dataset_version": 1, "group_id": "g"}
    selections = spark.createDataFrame(
        [tuple((required | one).get(name) for name in names) for one in selected], SELECTIONS.columns
    )
    labelled = [
        {"dataset": "d", "document_id": "a", "labels": ["1"], "label_probabilities": {"1": 0.75}, "num_records": 4},
        {"dataset": "d", "document_id": "b", "labels": [], "num_records": 0},
    ]
    labels = spark.createDataFrame(
        [tuple(one.get(name) for name in LABELS.columns.names) for one in labelled], LABELS.columns
    )
    documents = spark.createDataFrame(
        [
            ("a", "hello", None, None, "record"),
            ("b", "hi\n\nyo", [("user", "hi", None), ("assistant", "yo", None)], "no", "record"),
            ("c", "other", None, None, "record"),
        ],
        "document_id string, text string, messages array<struct<role: string, content: string, extra: string>>, "
        "rejected string, origin string",
    )
    turns = [{"role": role, "content": said, "extra": None} for role, said in (("user", "hi"), ("assistant", "yo"))]
    assert rows(transform(selections, documents, labels, NoParams()), "document_id") == [
        {
            **about,
            **label,
            "document_id": "a",
            "split": "train",
            "text": "hello",
            "messages": None,
            "rejected": None,
            "origin": "record",
            "label_probabilities": {"1": 0.75},
        },
        {
            **about,
            "document_id": "b",
            "split": "test",
            "label": None,
            "labels": [],
            "label_source": None,
            "text": "hi\n\nyo",
            "messages": turns,
            "rejected": "no",
            "origin": "record",
            "label_probabilities": None,
        },
    ]
