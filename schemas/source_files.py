"""Files and tables that sources hold. One row is one version of one file or table, or the fact that it vanished."""

from pyspark.sql import types as T

from schemas.column_types import BOOL, LONG, STRING, STRINGS
from schemas.table import Table, column

SOURCE_FILES = Table(
    name="source_files",
    columns=T.StructType(
        [
            column("source", STRING, "name of the source in the recipe", required=True),
            column(
                "path",
                STRING,
                "logical path of the file, as the recipe reaches it; stays when caches move",
                required=True,
            ),
            column("revision", LONG, "lake-wide number of the batch that listed this version, from 1", required=True),
            column(
                "uri",
                STRING,
                "where the bytes are read from, of a table with @v and its Delta version; null when vanished",
            ),
            column("size_bytes", LONG, "size in bytes; null when vanished"),
            column("modified_ms", LONG, "modification time, milliseconds since 1970 UTC; null when vanished"),
            column("vanished", BOOL, "true when the file was there before and is gone", required=True),
            column("format", STRING, "format of the source; fixed by its first listing", required=True),
            column(
                "record_key",
                STRINGS,
                "names of the columns that identify a record; empty: content identifies it",
                required=True,
            ),
            column(
                "order_by", STRING, "column that decides between two rows with one key, greatest wins; null: neither"
            ),
            column(
                "on_vanish",
                STRING,
                "keep or drop: what becomes of records that are no longer in the source",
                required=True,
            ),
        ]
    ),
    key=(
        "source",
        "path",
        "revision",
    ),
    lifetime="ledger",
    checks={
        "positive_revision": "revision >= 1",
        "known_size": "vanished OR size_bytes >= 0",
        "known_rule": "on_vanish IN ('keep', 'drop')",
    },
)
