"""Selections. One row is one current document of one draft or version: kept, or dropped with its reason."""

from pyspark.sql import types as T

from schemas.column_types import (
    DATASET,
    DATASET_VERSION,
    DOCUMENT_ID,
    KNOWN_SPLIT,
    LEAK_GROUP_ID,
    SPLIT,
    STRING,
    STRINGS,
)
from schemas.table import Table, column, drop_columns

SELECTIONS = Table(
    name="selections",
    columns=T.StructType(
        [
            DATASET,
            DATASET_VERSION,
            DOCUMENT_ID,
            SPLIT,
            LEAK_GROUP_ID,
            column("group_id", STRING, "duplicate group in this dataset", required=True),
            column("label", STRING, "label, null when unlabelled"),
            column("labels", STRINGS, "all labels", required=True),
            column("label_source", STRING, "where the label is from"),
            column("language", STRING, "language of the survivor record"),
            column("sources", STRINGS, "sources whose records have this text, ascending", required=True),
            column("licenses", STRINGS, "licences of those records, ascending", required=True),
            column("record_ids", STRINGS, "records that have this text, ascending", required=True),
            column("partner_id", STRING, "document it was dropped for: the survivor, or the other end of a leak"),
            *drop_columns(),
        ]
    ),
    key=(
        "dataset",
        "dataset_version",
        "document_id",
    ),
    lifetime="frozen",
    checks={
        **KNOWN_SPLIT,
    },
    reasons={
        "conflict": "linked to documents of several splits",
        "large_group": "its leak group is larger than a held-out split may take",
        "label_conflict": "its records disagree and no label has the majority",
        "cross_split": "too similar to a kept document of a higher split",
        "duplicate": "a near-duplicate of the survivor of its group",
    },
    partition_by=(
        "dataset",
        "dataset_version",
    ),
)
