"""Make records of the rows of a table, in two steps: payloads first, then, when equal ones are numbered, their ids."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from udfs.arrow_payloads import make_payloads
from udfs.ingest_files import ARROW_SCHEMA, RECORDS_SCHEMA, File, make_file_row, make_record
from udfs.payload_fields import DropError
from udfs.read_rows import Row
from udfs.record_ids import payload_digest

__all__ = ["PAYLOADS_SCHEMA", "RECORDS_SCHEMA", "file_record", "make_records", "read_payloads"]

PAYLOADS_SCHEMA = "payload string, payload_digest string, drop_reason string, detail string"
ARROW_PAYLOADS = pa.schema([(name.split()[0], pa.string()) for name in PAYLOADS_SCHEMA.split(", ")])
# Rows that become Python values at once; Spark's own batches are bounded by bytes, not as tightly.
STEP_ROWS = 1_000


def read_payloads(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Input columns: any.  Output columns: PAYLOADS_SCHEMA; payload is null where drop_reason says why."""
    for batch in batches:
        for start in range(0, batch.num_rows, STEP_ROWS):
            rows = [_payload_row(found) for found in make_payloads(batch.slice(start, STEP_ROWS), {})]
            yield pa.RecordBatch.from_pylist(rows, ARROW_PAYLOADS)


def _payload_row(found: str | DropError) -> dict[str, str]:
    if isinstance(found, DropError):
        return {"drop_reason": found.reason, "detail": found.detail}
    return {"payload": found, "payload_digest": payload_digest(found)}


def make_records(batches: Iterable[pa.RecordBatch], file: File) -> Iterator[pa.RecordBatch]:
    """Input columns: PAYLOADS_SCHEMA and ordinal, the number among equal rows, from 1.  Output columns: RECORDS_SCHEMA;
    position is null, but on a row without payload: its number tells it from others with one fault."""
    for batch in batches:
        rows = []
        for found in batch.to_pylist():
            row = Row(found["ordinal"], found["payload"], found["drop_reason"], found["detail"])
            record = make_record(file, row, Counter({found["payload_digest"]: found["ordinal"] - 1}))
            rows.append(record | {"position": None} if row.payload is not None else record)
        yield pa.RecordBatch.from_pylist(rows, ARROW_SCHEMA)


def file_record(batches: Iterable[pa.RecordBatch], file: File) -> Iterator[pa.RecordBatch]:
    """Input columns: file_rows, one row.  Output columns: RECORDS_SCHEMA, the row of the table itself."""
    for batch in batches:
        counts = batch["file_rows"].to_pylist()
        rows = [make_file_row(file, count, None if count else "empty_file", None) for count in counts]
        yield pa.RecordBatch.from_pylist(rows, ARROW_SCHEMA)
