"""Splits, for ever. One row is the split and leak group of one document."""

from pyspark.sql import types as T

from schemas.column_types import DOCUMENT_ID, KNOWN_SPLIT, LEAK_GROUP_ID, SPLIT, STRING
from schemas.table import Table, column, drop_columns

SPLITS = Table(
    name="splits",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            SPLIT,
            column(
                "reason",
                STRING,
                "hash (drawn), lent (by a linked document), large_group, merged (several splits)",
                required=True,
            ),
            LEAK_GROUP_ID,
            *drop_columns(),
        ]
    ),
    key=("document_id",),
    lifetime="ledger",
    checks={
        **KNOWN_SPLIT,
    },
    reasons={
        "conflict": "linked to documents of several splits: never published, lends nothing",
        "large_group": "its leak group is larger than a held-out split may take: not published, still lends",
    },
)
