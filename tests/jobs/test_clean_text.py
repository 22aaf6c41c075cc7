"""Payloads under a recipe's mapping and rules: the whole row that each becomes, kept or dropped."""

import hashlib
import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.clean_text import JOB, Params, transform
from jobs.runtime.fingerprints import all_fingerprints
from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.source import Source
from schemas.clean_records import CLEAN_RECORDS
from schemas.raw_records import RAW_RECORDS
from tests.conftest import frame, rows
from udfs.folding import fold_digest

NOTES = Source(name="notes", path="x", format="text", label="1", license="MIT")
CHATS = Source(
    name="chats",
    path="x",
    format="json",
    fields={"prompt": "q", "response": "a", "label": "label", "group": {"thread": "t"}, "subject": "who"},
)
COLUMNS = [name for name in CLEAN_RECORDS.columns.names if name not in ("fingerprint", "batch")]
Row = dict[str, Any]


def digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def raw(number: int, payload: Any, source: str = "notes") -> Row:
    text = None if payload is None else json.dumps(payload)
    place = {"source": source, "path": "f", "position": number}
    return {"record_id": f"{number:032}", "revision": 3, "payload": text, **place}


def clean(number: int, source: str = "notes", **values: Any) -> Row:
    place = {"record_id": f"{number:032}", "revision": 3, "source": source, "path": "f", "position": number}
    return {name: (place | values).get(name) for name in COLUMNS}


def note(number: int, text: str, changed_by: list[str] = [], **other: Any) -> Row:  # noqa: B006 never changed
    facts: Row = {
        "kind": "text",
        "text": text,
        "labels": ["1"],
        "license": "MIT",
        "groups": [],
        "changed_by": changed_by,
    }
    ids: Row = {"document_id": digest({"text": text}), "fold_digest": fold_digest(text), "num_chars": len(text)}
    return clean(number, **facts, **ids, **other)


def turn(role: str, content: str) -> Row:
    return {"role": role, "content": content, "extra": None}


@pytest.mark.spark
def test_every_record_becomes_one_row(spark: SparkSession) -> None:
    turns = [turn("user", "1+1?"), turn("assistant", "2")]
    chat: Row = {
        "kind": "chat", "text": "1+1?\n\n2", "messages": turns, "labels": ["b"], "groups": ["chats/thread=7"],
        "subject": "ann", "num_chars": 7, "changed_by": [], "fold_digest": fold_digest("1+1?\n\n2"),
        "document_id": digest({"messages": turns, "rejected": None}), "prompt_digest": fold_digest("1+1?"),
    }  # fmt: skip
    dropped: Row = {"kind": "text", "labels": ["1"], "license": "MIT", "groups": [], "changed_by": []}
    cases = [
        (raw(1, {"text": "Hello there"}), note(1, "Hello there")),
        (raw(2, {"text": "cafÃ©\x00  \r\n"}),
         note(2, "café", ["repair_unicode", "strip_control_characters", "normalize_whitespace"])),
        (raw(3, {"q": "1+1?", "a": 2, "label": "b", "t": 7, "who": "ann"}, "chats"), clean(3, "chats", **chat)),
        (raw(4, None), clean(4, drop_reason="vanished")),
        (raw(5, {"q": "x", "a": None}, "chats"), clean(5, "chats", drop_reason="missing_field", drop_value="a")),
        (raw(6, {"q": [], "a": "y"}, "chats"),
         clean(6, "chats", drop_reason="bad_field", drop_value="q: expected text, found list")),
        (raw(7, {"text": "\x00"}), clean(7, drop_reason="empty_text", drop_value="text: empty after cleaning")),
        (raw(8, {"text": "ab"}),
         clean(8, **dropped, num_chars=2, drop_reason="too_short", drop_value="2", drop_threshold="3")),
        (raw(9, {"text": "x" * 21}),
         clean(9, **dropped, num_chars=21, drop_reason="too_long", drop_value="21", drop_threshold="20")),
        (raw(10, {"q": "x", "a": "y", "label": "c"}, "chats"),
         clean(10, "chats", kind="chat", labels=["c"], groups=[], num_chars=4, changed_by=[],
               drop_reason="unknown_label", drop_value="c", drop_threshold="1, b")),
    ]  # fmt: skip
    params = Params(sources=(NOTES, CHATS), min_chars=3, max_chars=20, labels=("1", "b"), language_model=None)
    cleaned = transform(frame(spark, RAW_RECORDS.columns, *(row for row, _ in cases)), None, params)
    assert rows(cleaned.select(*COLUMNS), "position") == [row for _, row in cases]


@pytest.mark.spark
def test_records_of_one_partition_are_cleaned_by_all_tasks(spark: SparkSession) -> None:
    records = frame(spark, RAW_RECORDS.columns, *(raw(n, {"text": "x"}) for n in range(64))).coalesce(1)
    cleaned = transform(records, None, Params(sources=(NOTES,), language_model=None, tasks=4))
    assert cleaned.select(F.spark_partition_id()).distinct().count() == 4


def test_the_fingerprint_is_of_what_shapes_rows() -> None:
    def prints(params: Params, *sources: Source) -> Any:
        return all_fingerprints((JOB,), Recipe("r", "d", "lake", Tracking(), sources, {"clean_text": params}))[
            "clean_text"
        ]

    before = prints(Params(), NOTES, CHATS)
    assert prints(Params(tasks=64), NOTES.model_copy(update={"path": "y"}), CHATS) == before
    relabelled = prints(Params(), NOTES.model_copy(update={"label": "0"}), CHATS)
    assert relabelled["notes"] != before["notes"] and relabelled["chats"] == before["chats"]
    assert prints(Params(min_chars=2), CHATS)["chats"] != before["chats"]
