"""Scores by pinned models and rules. One row is one attempt to score one document by one scorer."""

from pyspark.sql import types as T

from schemas.column_types import ATTEMPT, BOOL, DOCUMENT_ID, DOUBLE, ERROR, FINGERPRINT, SCORER, STRING
from schemas.table import Table, column

SCORES = Table(
    name="scores",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            SCORER,
            FINGERPRINT,
            ATTEMPT,
            column("view", STRING, "relevance, diversity, difficulty or quality", required=True),
            column("value", DOUBLE, "in the unit of its kind; null where it has nothing to say, or failed"),
            column("is_truncated", BOOL, "whether a model read less than the text"),
            ERROR,
        ]
    ),
    key=("document_id", "scorer", "fingerprint", "attempt"),
    lifetime="cache",
    checks={"no_value_with_error": "error IS NULL OR value IS NULL"},
)
