"""The manifest of a version: counts, sources, gates and a digest that no order changes."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.publish_dataset import Params, transform
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.gate_results import GATE_RESULTS
from schemas.source_files import SOURCE_FILES
from tests.conftest import frame, rows

pytestmark = pytest.mark.spark

EXAMPLES: list[dict[str, Any]] = [
    {"document_id": "a", "split": "train", "label": "1", "labels": ["1"], "language": "en"},
    {"document_id": "b", "split": "train", "label": "0", "labels": ["0"], "language": "zh"},
    {"document_id": "c", "split": "train", "labels": ["0", "1"], "language": "zh"},
    {"document_id": "d", "split": "test", "labels": [], "language": None},
]


def manifest(spark: SparkSession, examples: list[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    gates = [
        {"gate": "leaks", "detail": "0 pairs", "draft": "d1"},
        {"gate": "repairs", "detail": "none", "draft": "d1"},
    ]
    files = [{"source": "faq", "revision": 1}, {"source": "faq", "revision": 3}, {"source": "web", "revision": 2}]
    found = transform(
        frame(spark, DATASET_EXAMPLES.columns, *examples),
        frame(spark, GATE_RESULTS.columns, *gates),
        frame(spark, SOURCE_FILES.columns, *files),
        facts,
        Params(name="spring"),
    )
    (row,) = rows(found, "content_digest")
    return row


def test_the_whole_manifest(spark: SparkSession) -> None:
    found = manifest(spark, EXAMPLES, recipe="{}", table_versions={"splits": 3})
    digest = found.pop("content_digest")
    assert len(digest) == 32
    assert found == {
        "num_examples": 4,
        "split_counts": {"test": 1, "train": 3},
        # an example with two labels counts for each
        "label_counts": {"test/unlabelled": 1, "train/0": 2, "train/1": 2},
        "language_counts": {"test/und": 1, "train/en": 1, "train/zh": 2},
        "sources": {"faq": 3, "web": 2},
        "max_revision": 3,
        "gates": {"leaks": "0 pairs", "repairs": "none"},
        "draft": "d1",
        "name": "spring",
        "recipe": "{}",
        "table_versions": {"splits": 3},
    }


def test_the_digest_is_of_the_content_alone(spark: SparkSession) -> None:
    one = manifest(spark, EXAMPLES, recipe="{}")["content_digest"]
    assert manifest(spark, EXAMPLES[::-1], recipe="another")["content_digest"] == one
    noise = [row | {"label_probabilities": {"1": 0.1}, "dataset": "d", "dataset_version": 9} for row in EXAMPLES]
    assert manifest(spark, noise)["content_digest"] == one
    moved = [EXAMPLES[0] | {"split": "val"}, *EXAMPLES[1:]]
    assert manifest(spark, moved)["content_digest"] != one
    assert manifest(spark, EXAMPLES[1:])["content_digest"] != one
    assert manifest(spark, [*EXAMPLES, EXAMPLES[0]])["content_digest"] != one
