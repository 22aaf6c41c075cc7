"""Records of tiny files against what the lake holds of them: ids, revisions, contested keys, vanished records."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.ingest_records import CONTESTED, Params, transform
from jobs.runtime.source import Source
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES
from tests.conftest import frame, rows

pytestmark = pytest.mark.spark

Row = dict[str, Any]
COLUMNS = [name for name in RAW_RECORDS.columns.names if name not in ("drop_value", "drop_threshold")]


def digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()[:32]


def keyed(source: str, key: Any) -> str:
    return digest(source, "key", key)


def keyless(source: str, payload: str, ordinal: int = 0) -> str:
    return digest(source, "payload", digest("payload", payload), ordinal)


def row(record_id: str, source: str, revision: int, **other: Any) -> Row:
    values = {"record_id": record_id, "source": source, "revision": revision, **other}
    if values.get("payload") and "payload_digest" not in values:
        values["payload_digest"] = digest("payload", values["payload"])
    return values


def file_row(source: str, path: str, revision: int, count: int, **other: Any) -> Row:
    place = {"path": path, "position": 0, "file_rows": count}
    return row(digest(source, "file", path), source, revision, **place, **other)


class Raw:
    """Files of a folder as a batch lists them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.listed, self.sources = folder, list[Row](), dict[str, Source]()

    def source(self, name: str, format: str = "csv", **other: Any) -> None:
        fields = {} if format == "text" else {"text": "body"}
        values = {"name": name, "path": "raw", "format": format, "fields": fields}
        self.sources[name] = Source.model_validate(values | other)

    def file(self, source: str, path: str, content: str | bytes | None, revision: int = 3) -> None:
        """One file of the batch; None: it vanished."""
        bytes_ = self.folder / f"{source} {path} {revision}"
        if content is not None:
            bytes_.write_bytes(content if isinstance(content, bytes) else content.encode())
        declared = self.sources[source]
        place = {"source": source, "path": path, "revision": revision, "vanished": content is None}
        uri = None if content is None else str(bytes_)
        rules = {"order_by": declared.order_by, "on_vanish": declared.on_vanish}
        self.listed.append(place | rules | {"uri": uri, "format": declared.format, "record_key": list(declared.key)})

    def ingest(self, spark: SparkSession, known: Sequence[Row] = ()) -> list[Row]:
        batch = transform(
            new_source_files=frame(spark, SOURCE_FILES.columns, *self.listed),
            raw_records=frame(spark, RAW_RECORDS.columns, *known),
            params=Params(sources=tuple(self.sources.values()), tasks=2),
        )
        return rows(batch, "source", "revision", "path", "position", "record_id")


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path)


def expect(*expected: Row) -> list[Row]:
    whole = [{name: found.get(name) for name in COLUMNS} for found in expected]
    order = ("source", "revision", "path", "position", "record_id")
    return sorted(whole, key=lambda found: tuple((found[name] is not None, found[name]) for name in order))


ONE, TWO = '{"text":"one"}', '{"text":"two"}'
X, Y = '{"id":"1","body":"x"}', '{"id":"","body":"y"}'
FIRST = [
    # Equal lines of one file are told apart by number; the third "one", of another file, is the first of that file.
    row(keyless("notes", ONE, 0), "notes", 1, path="a.txt", position=1, payload=ONE),
    row(keyless("notes", TWO, 0), "notes", 1, path="a.txt", position=2, payload=TWO),
    row(keyless("notes", ONE, 1), "notes", 1, path="a.txt", position=3, payload=ONE),
    file_row("notes", "a.txt", 1, 3),
    file_row("notes", "b.txt", 1, 1),
    file_row("notes", "empty.txt", 1, 0, drop_reason="empty_file"),
    row(keyed("faq", "1"), "faq", 1, path="f.csv", position=2, payload=X),
    row(keyless("faq", Y), "faq", 1, path="f.csv", position=3, drop_reason="missing_key",
        detail="no plain value in id"),
    row(digest("faq", "quarantine", "f.csv", 4, "bad_csv_row", "found 1 fields, expected 2"), "faq", 1, path="f.csv",
        position=4, drop_reason="bad_csv_row", detail="found 1 fields, expected 2"),
    file_row("faq", "f.csv", 1, 3),
]  # fmt: skip


def test_every_row_of_a_file_becomes_a_record_or_a_reason(spark: SparkSession, raw: Raw) -> None:
    raw.source("notes", format="text")
    raw.source("faq", key="id")
    for path, content in {"a.txt": "one\ntwo\none\n", "b.txt": "one", "empty.txt": ""}.items():
        raw.file("notes", path, content, revision=1)
    raw.file("faq", "f.csv", "id,body\n1,x\n,y\n2\n", revision=1)
    assert raw.ingest(spark) == expect(*FIRST)


def test_the_same_rows_under_a_new_name_add_nothing(spark: SparkSession, raw: Raw) -> None:
    raw.source("notes", format="text")
    raw.source("faq", key="id")
    raw.file("notes", "a.txt", None)
    raw.file("notes", "renamed.txt", "two\none\none\n")
    raw.file("faq", "renamed.csv", "id,body\n1,x\n,y\n")
    renamed = [
        file_row("notes", "renamed.txt", 3, 3),
        file_row("faq", "renamed.csv", 3, 2),
        # what is set aside stands as long as the newest reading of its file has it
        row(keyless("faq", Y), "faq", 3, path="renamed.csv", position=3, drop_reason="missing_key",
            detail="no plain value in id"),
    ]  # fmt: skip
    assert raw.ingest(spark, FIRST) == expect(*renamed, file_row("notes", "a.txt", 3, 0))


def said(name: str, body: str, **order: Any) -> str:
    return json.dumps({"id": name, "body": body, **order}, separators=(",", ":"))


def known(source: str, name: str, revision: int, body: str | None, path: str = "old") -> Row:
    payload = None if body is None else said(name, body)
    return row(keyed(source, name), source, revision, payload=payload, path=None if body is None else path)


def test_a_changed_payload_is_a_revision_also_back_to_an_older_one(spark: SparkSession, raw: Raw) -> None:
    raw.source("s", format="json", key="id")
    history = [
        known("s", "back", 1, "a"), known("s", "back", 2, "b"), known("s", "same", 1, "a"), known("s", "same", 2, "b"),
        known("s", "changed", 1, "a"), known("s", "returned", 1, "a"), known("s", "returned", 2, None),
    ]  # fmt: skip
    lines = [said(*pair) for pair in (("back", "a"), ("same", "b"), ("changed", "c"), ("returned", "a"), ("new", "a"))]
    raw.file("s", "now", "\n".join(lines))
    news = {1: "back", 3: "changed", 4: "returned", 5: "new"}
    taken = [row(keyed("s", name), "s", 3, path="now", position=n, payload=lines[n - 1]) for n, name in news.items()]
    assert raw.ingest(spark, history) == expect(*taken, file_row("s", "now", 3, 5))


def test_two_listings_that_waited_for_one_run(spark: SparkSession, raw: Raw) -> None:
    raw.source("s", format="json", key="id")
    raw.file("s", "v", "\n".join([said("both", "a"), said("twice", "a")]), revision=3)
    raw.file("s", "w", None, revision=3)  # listed in 3, changed and listed in 4 before anything was read
    raw.file("s", "w", "\n".join([said("both", "b"), said("twice", "a"), said("later", "a")]), revision=4)
    raw.listed[1] |= {"vanished": False, "uri": raw.listed[2]["uri"]}
    assert raw.ingest(spark, [known("s", "both", 2, "b")]) == expect(
        row(keyed("s", "both"), "s", 3, path="v", position=1, payload=said("both", "a")),
        row(keyed("s", "twice"), "s", 3, path="v", position=2, payload=said("twice", "a")),
        file_row("s", "v", 3, 2),
        file_row("s", "w", 3, 0),
        row(keyed("s", "both"), "s", 4, path="w", position=1, payload=said("both", "b")),
        row(keyed("s", "later"), "s", 4, path="w", position=3, payload=said("later", "a")),
        file_row("s", "w", 4, 3),
    )


CONTESTS: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    # Values of order_by of rows with one key, and which of the rows remain; several remain where it does not decide.
    "numbers": ((9, 10), (1,)),
    "numbers as text": (("9", "10", "1e1"), (1, 2)),
    "texts": (("2024-02-01", "2023-12-31"), (0,)),
    "tie of the greatest": ((1, 2, 2), (1, 2)),
    "equal numbers": ((1, 1.0), (0, 1)),
    "nanoseconds": ((1700000000000000001, 1700000000000000002), (1,)),
    "absent": ((None, "a"), (1,)),
    "all absent": ((None, None), (0, 1)),
    "text and number": (("z", 1), (1,)),
}


def test_of_rows_with_one_key_the_greatest_order_stays_and_a_tie_sets_all_aside(spark: SparkSession, raw: Raw) -> None:
    raw.source("s", format="json", key="id", order_by="at")
    lines = [
        said(name, f"row {n}", at=value)
        for name, (values, _) in CONTESTS.items()
        for n, value in enumerate(values)
    ]  # fmt: skip
    raw.file("s", "now", "\n".join(lines))
    expected = [file_row("s", "now", 3, len(lines))]
    for name, (values, left) in CONTESTS.items():
        for n in left:
            payload = said(name, f"row {n}", at=values[n])
            place: Row = {"path": "now", "position": lines.index(payload) + 1}
            if len(left) == 1:
                expected.append(row(keyed("s", name), "s", 3, payload=payload, **place))
            else:
                expected.append(set_aside("s", payload, 3, **place))
    # The record keeps what it had: no row of the batch has its id.
    assert raw.ingest(spark, [known("s", "all absent", 1, "before")]) == expect(*expected)


def set_aside(source: str, payload: str, revision: int, **place: Any) -> Row:
    facts = {"payload_digest": digest("payload", payload), "detail": CONTESTED, "drop_reason": "duplicate_key"}
    return row(keyless(source, payload), source, revision, **facts, **place)


def test_without_order_by_different_rows_are_set_aside_once_and_equal_rows_are_one(
    spark: SparkSession, raw: Raw
) -> None:
    raw.source("s", format="json", key="id")
    a, b, same = said("1", "a"), said("1", "b"), said("2", "same")
    raw.file("s", "f", "\n".join([a, same]))
    raw.file("s", "g", "\n".join([same, b, b]))
    first = [
        set_aside("s", a, 3, path="f", position=1),
        set_aside("s", b, 3, path="g", position=2),
        row(keyed("s", "2"), "s", 3, path="f", position=2, payload=same),
        file_row("s", "f", 3, 2),
        file_row("s", "g", 3, 3),
    ]
    held = [known("s", "1", 1, "a"), known("s", "3", 1, "x")]
    assert raw.ingest(spark, held) == expect(*first)
    again = Raw(raw.folder)
    again.source("s", format="json", key="id")
    again.file("s", "f2", "\n".join([b, a]), revision=4)
    assert again.ingest(spark, [*held, *first]) == expect(
        set_aside("s", b, 4, path="f2", position=1),
        set_aside("s", a, 4, path="f2", position=2),
        file_row("s", "f2", 4, 2),
    )


def test_a_key_and_an_order_may_lie_inside(spark: SparkSession, raw: Raw) -> None:
    raw.source("deep", "json", key="meta.id", order_by="meta.at")
    raw.file("deep", "a.jsonl", '{"meta":{"id":1,"at":2},"body":"old"}\n{"meta":{"id":1,"at":3},"body":"new"}\n')
    found = [row for row in raw.ingest(spark) if row["file_rows"] is None]
    assert [(row["record_id"], row["drop_reason"]) for row in found] == [(keyed("deep", 1), None)]
    assert '"new"' in found[0]["payload"]


def test_a_key_that_came_rounded_tells_nothing_apart(spark: SparkSession, raw: Raw) -> None:
    """JSON numbers of 30 digits are read as doubles: two neighbours would be one record."""
    raw.source("s", format="json", key="id")
    lines = [f'{{"id":{10**29 + n}}}' for n in range(2)] + ['{"id":1.5}']
    raw.file("s", "f", "\n".join(lines))
    found = raw.ingest(spark)
    assert [(one["position"], one["drop_reason"]) for one in found] == [
        (0, None),
        (1, "missing_key"),
        (2, "missing_key"),
        (3, None),
    ]


def test_what_left_a_source_with_on_vanish_drop_gets_a_revision_without_payload(spark: SparkSession, raw: Raw) -> None:
    cut = gzip.compress("\n".join(said(str(n), "x" * n) for n in range(1, 400)).encode())
    for name in ("keep", "drop", "failing", "broken", "contested", "quiet", "emptied"):
        raw.source(name, format="json", key="id", on_vanish="keep" if name == "keep" else "drop")
    raw.file("keep", "now", said("1", "a"))
    raw.file("drop", "now", "\n".join([said("1", "a"), said("3", "c")]))
    raw.file("drop", "old", None)
    raw.file("emptied", "old", None)
    raw.file("failing", "now", cut[: len(cut) // 2])
    raw.file("broken", "old", said("1", "a")[:-1])
    raw.file("broken", "now", said("3", "c"))
    raw.file("contested", "now", "\n".join([said("1", "a"), said("1", "b")]))
    held = [known(name, key, 1, "a") for name in raw.sources for key in ("1", "2")]
    held += [known("drop", "gone", 1, "a"), known("drop", "gone", 2, None), known("broken", "4", 1, "a", path="now")]
    held += [set_aside("drop", said("1", "z"), 1, path="old", position=9)]
    left = (("drop", "2"), ("broken", "4"), ("contested", "2"), ("emptied", "1"), ("emptied", "2"))
    gone = [row(keyed(source, key), source, 3) for source, key in left]
    found = raw.ingest(spark, held)
    assert [r for r in found if r["path"] is None] == expect(*gone)
    failed = next(r for r in found if r["source"] == "failing" and r["file_rows"])
    assert failed["detail"] == f"line {failed['file_rows']}: the compressed data stop before their end"
