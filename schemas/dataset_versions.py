"""Manifests. One row is one published version of a dataset; its append is the commit of the version."""

from pyspark.sql import types as T

from schemas.column_types import COUNTS, DATASET, DATASET_VERSION, LONG, NAMES, STRING, TIMESTAMP
from schemas.table import Table, column

DATASET_VERSIONS = Table(
    name="dataset_versions",
    columns=T.StructType(
        [
            DATASET,
            DATASET_VERSION,
            column("name", STRING, "name given to the version, null when none"),
            column("published_at", TIMESTAMP, "when, UTC", required=True),
            column(
                "content_digest",
                STRING,
                "order-independent digest of the examples, without float columns",
                required=True,
            ),
            column("draft", STRING, "digest of the selection that it was made from", required=True),
            column("num_examples", LONG, "examples", required=True),
            column("split_counts", COUNTS, "split -> examples", required=True),
            column("label_counts", COUNTS, "split/label -> examples", required=True),
            column("language_counts", COUNTS, "split/language -> examples", required=True),
            column("sources", COUNTS, "source -> its last revision in this version", required=True),
            column("max_revision", LONG, "last lake-wide revision that the version knows", required=True),
            column("fingerprints", NAMES, "job, or clean_text/source -> fingerprint in force", required=True),
            column("table_versions", COUNTS, "table -> Delta version read or written", required=True),
            column("recipe_digest", STRING, "digest of the recipe as resolved", required=True),
            column("recipe", STRING, "the recipe as resolved, JSON", required=True),
            column("code_version", STRING, "version of the code", required=True),
            column("gates", NAMES, "gate -> what it said", required=True),
        ]
    ),
    key=(
        "dataset",
        "dataset_version",
    ),
    lifetime="ledger",
    checks={
        "positive_version": "dataset_version >= 1",
    },
)
