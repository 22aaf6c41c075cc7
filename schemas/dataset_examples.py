"""Published examples. One row is one example of one version."""

from pyspark.sql import types as T

from schemas.column_types import (
    DATASET,
    DATASET_VERSION,
    DOCUMENT_ID,
    DOUBLE,
    KNOWN_SPLIT,
    LEAK_GROUP_ID,
    LONG,
    MESSAGES,
    SPANS,
    SPLIT,
    STRING,
    STRINGS,
    WEIGHTS,
)
from schemas.table import Table, column

DATASET_EXAMPLES = Table(
    name="dataset_examples",
    columns=T.StructType(
        [
            DATASET,
            DATASET_VERSION,
            SPLIT,
            DOCUMENT_ID,
            LEAK_GROUP_ID,
            column("text", STRING, "contents joined by a blank line", required=True),
            column("messages", MESSAGES, "turns of a chat; null for texts"),
            column("rejected", STRING, "rejected reply of a preference example"),
            column("label", STRING, "label of a single-label set"),
            column("labels", STRINGS, "all labels", required=True),
            column("label_probabilities", WEIGHTS, "label -> probability, 0 to 1"),
            column("label_source", STRING, "gold, or later adjudicated, annotated, model, voted"),
            column("spans", SPANS, "labelled character spans; null until spans come"),
            column("language", STRING, "ISO code"),
            column("sources", STRINGS, "sources of its records", required=True),
            column("licenses", STRINGS, "licences of its records", required=True),
            column("record_ids", STRINGS, "records that have this text", required=True),
            column("origin", STRING, "record, generated or augmented", required=True),
            column("parents", STRINGS, "documents it was made from; null for records"),
            column("scores", WEIGHTS, "scorer -> value; null until scores come"),
            column("weight", DOUBLE, "training weight; null until weights come"),
            column("token_count", LONG, "tokens by the recipe's tokenizer; null until one is named"),
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
        "has_text": "length(text) >= 1",
    },
    partition_by=(
        "dataset",
        "dataset_version",
        "split",
    ),
)
