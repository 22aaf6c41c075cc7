"""Records as received. One row is one revision of one source record, or what became of one file."""

from pyspark.sql import types as T

from schemas.column_types import LONG, STRING
from schemas.table import Table, column, drop_columns

RAW_RECORDS = Table(
    name="raw_records",
    columns=T.StructType(
        [
            column("record_id", STRING, "digest of source and key, or of source, payload and ordinal", required=True),
            column("revision", LONG, "batch of source_files in which this payload came, from 1", required=True),
            column("source", STRING, "name of the source", required=True),
            column("path", STRING, "logical path of the file; null on a record that vanished"),
            column(
                "position",
                LONG,
                "line, row, JSON value or definition in the file, from 1; 0 on a file's row; null in a table",
            ),
            column("payload", STRING, "as received, a JSON object; null: vanished, quarantined, or a file's row"),
            column("payload_digest", STRING, "first 32 hex of sha2-256 of the payload"),
            column("file_rows", LONG, "only on the row of a file: rows read from it; null on records"),
            column(
                "detail",
                STRING,
                "what was found where a row or file is quarantined, without its text; of a file its detected encoding",
            ),
            *drop_columns(),
        ]
    ),
    key=(
        "record_id",
        "revision",
    ),
    lifetime="ledger",
    checks={
        "positive_revision": "revision >= 1",
    },
    reasons={
        "bad_encoding": "the row holds bytes that are not in the declared encoding",
        "bad_json": "the line, or the element of an array, is not one valid JSON value",
        "not_an_object": "the line or element is JSON, but not an object",
        "bad_csv_row": "the row has another number of fields than the header, or a quote that never closes",
        "bad_value": "the row holds a value that JSON cannot hold, such as a map with one key twice",
        "bad_python": "the file does not parse as Python",
        "bad_header": "the header has a repeated column name, or none",
        "too_large": "one record is larger than a reader takes: 64 MiB, of the format file 16 MiB",
        "missing_key": "the record lacks a value of its declared key",
        "duplicate_key": "several different rows of one batch have this key and order_by does not decide",
        "empty_file": "the file holds no rows",
        "truncated_file": "the file ends in the middle of its data; it is tried again, three times as it is",
        "wrong_encoding": "the file as a whole is in another encoding than declared",
        "unreadable_file": "the file could not be read; it is tried again, three times as it is",
    },
)
