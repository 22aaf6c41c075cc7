"""Read source files inside Spark: rows of files in, rows of records out, and one row for each file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from udfs.payload_fields import EXACT_FLOATS, look_up
from udfs.read_rows import FileError, Row, open_source, read_rows
from udfs.record_ids import json_digest, keyed_record_id, keyless_record_id, payload_digest
from udfs.transcode import how_read, split_format, transcoded

RECORDS_SCHEMA = (
    "record_id string, content_id string, revision bigint, source string, path string, position bigint, "
    "payload string, payload_digest string, order_value string, file_rows bigint, detail string, drop_reason string"
)
ARROW_SCHEMA = pa.schema(
    [
        (name, {"string": pa.string(), "bigint": pa.int64()}[kind])
        for name, kind in (part.split() for part in RECORDS_SCHEMA.split(", "))
    ]
)
# Rows of one batch to Spark: bounded by number and by bytes, so that rows of 10 MB travel one by one.
BATCH_ROWS = 5_000
BATCH_BYTES = 8 << 20


class File(NamedTuple):
    """One file to read, with what its source declares."""

    source: str
    path: str
    revision: int
    uri: str | None
    format: str
    record_key: list[str]
    order_by: str | None


def ingest_files(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Input columns: those of File.  Output columns: RECORDS_SCHEMA, every file's own row last."""
    rows: list[dict[str, Any]] = []
    size = 0
    for batch in batches:
        for file in batch.select(list(File._fields)).to_pylist():
            for row in read_file(File(**file)):
                rows.append(row)
                size += len(row.get("payload") or "")
                if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                    yield pa.RecordBatch.from_pylist(rows, ARROW_SCHEMA)
                    rows, size = [], 0
    if rows:
        yield pa.RecordBatch.from_pylist(rows, ARROW_SCHEMA)


def read_file(file: File) -> Iterator[dict[str, Any]]:
    """The rows of one file, then the row of the file itself, which says how it ended."""
    count = 0
    reason: str | None = None
    said: list[str] = []
    seen: Counter[str] = Counter()
    try:
        if file.uri is not None:
            for row in _read(file.uri, file, said):
                count += 1
                yield make_record(file, row, seen)
            reason = None if count else "empty_file"
    except FileError as error:
        reason = error.reason
        unit = "row" if file.format == "parquet" else "line"
        said = [f"{unit} {error.position}: {error.detail}" if error.position else error.detail]
    # Python files without a documented definition are normal; only data files must hold rows.
    if file.format == "python" and reason == "empty_file":
        reason = None
    yield make_file_row(file, count, reason, said[0] if said else None)


def _read(uri: str, file: File, said: list[str]) -> Iterator[Row]:
    """The rows of one file; `said` takes what a user should know of how it was read."""
    if file.format == "parquet":  # which is read from its end
        from udfs.read_parquet import read_parquet  # what it needs would cost every worker a third of its start

        yield from read_parquet(uri, file.path)
        return
    format, encoding = split_format(file.format)
    with open_source(uri) as stream:
        text = transcoded(stream, encoding)
        yield from read_rows(text, format, file.path.removeprefix("package:"))
    said += filter(None, [how_read(text)])


def make_file_row(file: File, count: int, reason: str | None, detail: str | None) -> dict[str, Any]:
    """The row of the file itself: how many rows were read, and what is wrong with it."""
    found = json_digest([file.source, "file", file.path])
    return {**_place(file, 0), "record_id": found, "file_rows": count, "drop_reason": reason, "detail": detail}


def _tells_apart(value: object) -> bool:
    """Whether a key value is one: a number of more digits than a double holds came rounded, equal to its neighbours."""
    if isinstance(value, float):
        return abs(value) < EXACT_FLOATS
    return value is not None and value != "" and not isinstance(value, list | dict)


def _place(file: File, position: int) -> dict[str, Any]:
    return {"revision": file.revision, "source": file.source, "path": file.path, "position": position}


def make_record(file: File, row: Row, seen: Counter[str]) -> dict[str, Any]:
    """The record of one row; `seen` counts the payloads before it."""
    place = _place(file, row.position)
    if row.payload is None:
        found = json_digest([file.source, "quarantine", file.path, row.position, row.drop_reason, row.detail])
        return {**place, "record_id": found, "drop_reason": row.drop_reason, "detail": row.detail}
    digest = payload_digest(row.payload)
    content_id = keyless_record_id(file.source, row.payload, seen[digest])
    seen[digest] += 1
    common = {**place, "content_id": content_id, "payload": row.payload, "payload_digest": digest}
    if not file.record_key:
        return {**common, "record_id": content_id}
    values = orjson.loads(row.payload)
    key: list[Any] = [look_up(values, name) for name in file.record_key]
    if missing := [name for name, value in zip(file.record_key, key, strict=True) if not _tells_apart(value)]:
        detail = f"no plain value in {', '.join(missing)}"
        return {**place, "record_id": content_id, "drop_reason": "missing_key", "detail": detail}
    order = look_up(values, file.order_by) if file.order_by else None
    return {
        **common,
        "record_id": keyed_record_id(file.source, key[0] if len(key) == 1 else key),
        "order_value": None if order is None else str(order),
    }
