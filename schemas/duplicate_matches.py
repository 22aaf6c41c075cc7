"""Verified near-duplicates. One row is one document with all its matches to earlier or equal ones."""

from pyspark.sql import types as T

from schemas.column_types import DOCUMENT_ID, FINGERPRINT, LONG, MATCHES, STRING
from schemas.table import Table, column

DUPLICATE_MATCHES = Table(
    name="duplicate_matches",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            column("method", STRING, "minhash or semantic", required=True),
            FINGERPRINT,
            column(
                "matches",
                MATCHES,
                "to each its exact Jaccard similarity, or its cosine, 0 to 1, 6 digits; empty when none",
                required=True,
            ),
            column("uncompared", LONG, "candidate meetings left out because a bucket was above the cap", required=True),
        ]
    ),
    key=(
        "document_id",
        "method",
        "fingerprint",
    ),
    lifetime="cache",
    checks={
        "counted": "uncompared >= 0",
    },
)
