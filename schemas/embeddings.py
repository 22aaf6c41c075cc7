"""Vectors of documents. One row is one attempt to embed one document under one model."""

from pyspark.sql import types as T

from schemas.column_types import ATTEMPT, BOOL, DOCUMENT_ID, ERROR, FINGERPRINT, FLOATS, INT
from schemas.table import Table, column

EMBEDDINGS = Table(
    name="embeddings",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            FINGERPRINT,
            ATTEMPT,
            column("vector", FLOATS, "numbers of length 1 together; null where the attempt failed"),
            column("num_tokens", INT, "tokens that the model read"),
            column("is_truncated", BOOL, "whether the text was longer than the model reads"),
            ERROR,
        ]
    ),
    key=("document_id", "fingerprint", "attempt"),
    lifetime="cache",
    checks={"vector_or_error": "(vector IS NULL) = (error IS NOT NULL)"},
)
