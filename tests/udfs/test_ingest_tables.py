"""Records of a table's rows: those of a Parquet file with the same rows, but for their places."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from udfs.ingest_files import ARROW_SCHEMA, File, ingest_files
from udfs.ingest_tables import ARROW_PAYLOADS, STEP_ROWS, file_record, make_records, read_payloads

Rows = list[dict[str, Any]]
TORN = pa.Array.from_buffers(
    pa.string(), 7, pa.array([b"one", b"two", b"one", b"one", b"\xff", b"\xff", None]).buffers()
)
TABLE = pa.table({"id": [1, 2, 1, None, 4, 5, None], "body": TORN, "at": pa.array([3, 2, 3, 1, 1, 1, None])})


def of_file(file: File, folder: Path) -> Rows:
    pq.write_table(TABLE, folder / "x.parquet")
    listed = pa.RecordBatch.from_pylist([file._replace(uri=str(folder / "x.parquet"), format="parquet")._asdict()])
    return [row for batch in ingest_files([listed]) for row in batch.to_pylist()]


def of_table(file: File) -> Rows:
    """As jobs/frames/table_rows.py puts the steps together."""
    payloads = [row for batch in read_payloads(TABLE.to_batches()) for row in batch.to_pylist()]
    seen: Counter[tuple[str, ...]] = Counter()
    for row in payloads:
        same = (row["payload_digest"], row["drop_reason"], row["detail"])
        seen[same] += 1
        row["ordinal"] = seen[same]
    columns = ARROW_PAYLOADS.append(pa.field("ordinal", pa.int32()))
    records = make_records([pa.RecordBatch.from_pylist(payloads, columns)], file)
    whole = file_record([pa.record_batch({"file_rows": [len(payloads)]})], file)
    batches = [*records, *whole]
    assert all(batch.schema == ARROW_SCHEMA for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


def without_place(rows: Rows) -> Rows:
    """Without position, and without the id of a row that cannot be read: it is that of its place."""
    return [
        {name: value for name, value in row.items() if name != "position"}
        | ({"record_id": None} if row["drop_reason"] == "bad_encoding" else {})
        for row in rows
    ]


@pytest.mark.parametrize(("key", "order_by"), [([], None), (["id"], "at"), (["id", "body"], None)])
def test_a_table_gives_what_a_file_gives(key: list[str], order_by: str | None, tmp_path: Path) -> None:
    file = File("s", "main.faq", 3, "main.faq@v7", "delta", key, order_by)
    found = of_table(file)
    assert without_place(found) == without_place(of_file(file, tmp_path))
    good = [row for row in found if row["payload"]]
    assert {row["position"] for row in good} == {None}
    assert [row["position"] for row in found if row["drop_reason"] == "bad_encoding"] == [1, 2]
    assert len({row["record_id"] for row in found}) == (8 if not key else 7), "rows with one key are one record"
    assert (found[-1]["file_rows"], found[-1]["position"], found[-1]["drop_reason"]) == (7, 0, None)


def test_an_empty_table_is_an_empty_file() -> None:
    file = File("s", "main.faq", 3, "main.faq@v7", "delta", [], None)
    [batch] = file_record([pa.record_batch({"file_rows": [0]})], file)
    assert batch["drop_reason"].to_pylist() == ["empty_file"]


def test_large_batches_become_values_in_steps() -> None:
    batch = pa.record_batch({"a": range(2 * STEP_ROWS + 1)})
    assert [step.num_rows for step in read_payloads([batch])] == [STEP_ROWS, STEP_ROWS, 1]
