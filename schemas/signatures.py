"""MinHash band keys. One row is one document under one shingling."""

from pyspark.sql import types as T

from schemas.column_types import DOCUMENT_ID, FINGERPRINT, INTS, LONGS
from schemas.table import Table, column

SIGNATURES = Table(
    name="signatures",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            FINGERPRINT,
            column("fine", INTS, "hashes of the small shingles, ascending; null where the length rule has none"),
            column("coarse", INTS, "hashes of the big shingles, ascending; null where the length rule has none"),
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
