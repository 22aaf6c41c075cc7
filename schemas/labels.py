"""Labels. One row is the label of one current document of a dataset."""

from pyspark.sql import types as T

from schemas.column_types import DATASET, DOCUMENT_ID, LONG, STRING, STRINGS, WEIGHTS
from schemas.table import Table, column, drop_columns

LABELS = Table(
    name="labels",
    columns=T.StructType(
        [
            DATASET,
            DOCUMENT_ID,
            column("label", STRING, "the label of a single-label set; null when unlabelled or in conflict"),
            column("labels", STRINGS, "all labels of the document, ascending; empty when unlabelled", required=True),
            column(
                "label_probabilities",
                WEIGHTS,
                "label -> share of the records that bring it, 0 to 1, rounded to 6 digits",
            ),
            column("label_source", STRING, "gold: brought by records; null when unlabelled"),
            column("num_records", LONG, "labelled records of this document", required=True),
            *drop_columns(),
        ]
    ),
    key=(
        "dataset",
        "document_id",
    ),
    lifetime="current",
    reasons={
        "label_conflict": "its records disagree and no label has the majority",
    },
    partition_by=("dataset",),
)
