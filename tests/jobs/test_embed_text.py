"""Vectors of documents by the real encoder of conf/assets.yaml that needs no torch; which documents are tried again."""

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.embed_text import JOB, Params, idle, transform
from jobs.runtime.model_places import find_model
from jobs.runtime.scope import still_to_try
from tests.conftest import rows
from udfs.embedders import EMBEDDERS

pytestmark = pytest.mark.spark


@pytest.mark.network
def test_texts_of_one_meaning_lie_together_in_both_languages(spark: SparkSession) -> None:
    texts = [
        ("cat-en", "The cat sleeps on the sofa.", 1),
        ("cat-zh", "猫在沙发上睡觉。", 2),
        ("tax-en", "Taxes on imported steel were raised again.", 1),
        ("long", "word " * 2_000, 1),
    ]
    documents = spark.createDataFrame(texts, "document_id string, text string, attempt int")
    found = {
        row["document_id"]: row
        for row in rows(transform(documents, find_model("use", EMBEDDERS), Params(model="use", tasks=2)))
    }
    assert {name: (row["attempt"], row["is_truncated"], row["error"]) for name, row in found.items()} == {
        "cat-en": (1, False, None),
        "cat-zh": (2, False, None),
        "tax-en": (1, False, None),
        "long": (1, True, None),
    }
    assert found["long"]["num_tokens"] == 512
    vectors = {name: np.array(row["vector"]) for name, row in found.items()}
    assert all(len(one) == 512 and abs(np.linalg.norm(one) - 1) < 1e-3 for one in vectors.values())
    assert vectors["cat-en"] @ vectors["cat-zh"] > 0.7 > 0.3 > vectors["cat-en"] @ vectors["tax-en"]


def test_only_what_failed_is_tried_again_and_not_for_ever(spark: SparkSession) -> None:
    documents = spark.createDataFrame(
        [("new",), ("done",), ("failed",), ("mended",), ("given up",)], "document_id string"
    )
    attempts = [
        ("done", 1, None),
        ("failed", 1, "ValueError"),
        ("mended", 1, "ValueError"),
        ("mended", 2, None),
        ("given up", 1, "ValueError"),
        ("given up", 2, "ValueError"),
    ]
    target = spark.createDataFrame(attempts, "document_id string, attempt int, error string")
    left = still_to_try(documents, target, ["document_id"], 2)
    assert rows(left, "document_id") == [{"document_id": "failed", "attempt": 2}, {"document_id": "new", "attempt": 1}]


def test_without_a_model_there_is_nothing_to_do() -> None:
    assert idle({"embed_text": Params()}) == "no model is named"
    assert idle({"embed_text": Params(model="use")}) is None
    assert JOB.models == ("model",)
