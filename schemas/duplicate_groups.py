"""Duplicate groups. One row is one current document of a dataset and its group."""

from pyspark.sql import types as T

from schemas.column_types import DATASET, DOCUMENT_ID, LONG, STRING
from schemas.table import Table, column

DUPLICATE_GROUPS = Table(
    name="duplicate_groups",
    columns=T.StructType(
        [
            DATASET,
            DOCUMENT_ID,
            column("group_id", STRING, "smallest document id of the group", required=True),
            column("group_size", LONG, "documents in the group, 1 when alone", required=True),
        ]
    ),
    key=(
        "dataset",
        "document_id",
    ),
    lifetime="current",
    checks={
        "counted": "group_size >= 1",
    },
    partition_by=("dataset",),
)
