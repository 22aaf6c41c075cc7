"""MinHash band keys. One row is one document under one shingling.

A set of shingles is stored as bytes: an unsigned 32-bit hash, little-endian, for each, ascending.
Parquet and Spark write lists value by value, which took a third of all signing.
"""

from pyspark.sql import types as T

from schemas.column_types import BYTES, DOCUMENT_ID, FINGERPRINT, LONGS
from schemas.table import Table, column

SIGNATURES = Table(
    name="signatures",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            FINGERPRINT,
            column("fine_shingles", BYTES, "hashes of the small shingles; null where the length rule has none"),
            column("coarse_shingles", BYTES, "hashes of the big shingles; null where the length rule has none"),
            column(
                "band_keys", LONGS, "one 8-byte key a band and grain; empty when the text has no shingle", required=True
            ),
        ]
    ),
    key=(
        "document_id",
        "fingerprint",
    ),
    lifetime="cache",
)
