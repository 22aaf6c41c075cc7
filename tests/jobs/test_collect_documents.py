"""Cleaned records against the documents that they make."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.collect_documents import transform
from jobs.runtime.job import NoParams
from schemas.clean_records import CLEAN_RECORDS
from tests.conftest import frame, rows

DOCUMENT = {"kind": "text", "num_chars": 1, "rejected": None, "prompt_digest": None, "messages": None}


def record(record_id: str, text: str, **other: Any) -> dict[str, Any]:
    ids = {"record_id": record_id, "revision": 1, "document_id": f"d-{text}", "fold_digest": f"f-{text}"}
    return DOCUMENT | ids | {"text": text, "source": "s", "labels": [record_id]} | other


@pytest.mark.spark
def test_a_text_is_one_document_whoever_brought_it(spark: SparkSession) -> None:
    turns = [{"role": "user", "content": "q", "extra": None}, {"role": "assistant", "content": "c", "extra": '{"x":1}'}]
    chat: dict[str, Any] = {"kind": "chat", "messages": turns, "rejected": "r", "prompt_digest": "p-q"}
    cleaned = [
        record("1", "a"),
        record("2", "a", source="another", labels=["other"], language="en", revision=4),
        record("3", "b"),
        record("4", "c", **chat),
        {"record_id": "5", "revision": 1, "drop_reason": "empty_text"},
    ]
    found = transform(frame(spark, CLEAN_RECORDS.columns, *cleaned), NoParams())
    assert rows(found, "document_id") == [
        DOCUMENT | {"document_id": "d-a", "text": "a", "fold_digest": "f-a", "origin": "record"},
        DOCUMENT | {"document_id": "d-b", "text": "b", "fold_digest": "f-b", "origin": "record"},
        DOCUMENT | {"document_id": "d-c", "text": "c", "fold_digest": "f-c", "origin": "record"} | chat,
    ]
