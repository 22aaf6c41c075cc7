"""Leaks. One row is one pair of current documents in two splits that are too similar."""

from pyspark.sql import types as T

from schemas.column_types import DATASET, DOCUMENT_ID, DOUBLE, STRING
from schemas.table import Table, column

LEAKS = Table(
    name="leaks",
    columns=T.StructType(
        [
            DATASET,
            DOCUMENT_ID,
            column("other_id", STRING, "the document in the higher split (test > val > train)", required=True),
            column("split", STRING, "split of document_id, the lower one", required=True),
            column("other_split", STRING, "split of other_id", required=True),
            column("method", STRING, "folded_text, shingles, semantic or declared_key", required=True),
            column("similarity", DOUBLE, "exact Jaccard, 0 to 1; 1 for equal texts, null for declared keys"),
        ]
    ),
    key=(
        "dataset",
        "document_id",
        "other_id",
    ),
    lifetime="current",
    checks={
        "two_splits": "split <> other_split",
    },
    partition_by=("dataset",),
)
