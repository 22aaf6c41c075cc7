"""Gates. One row is one gate's verdict on one draft."""

from pyspark.sql import types as T

from schemas.column_types import BOOL, DATASET, DATASET_VERSION, DOUBLE, STRING, STRINGS
from schemas.table import Table, column

GATE_RESULTS = Table(
    name="gate_results",
    columns=T.StructType(
        [
            DATASET,
            DATASET_VERSION,
            column("gate", STRING, "leaks, repairs, split_shares or content", required=True),
            column("draft", STRING, "digest of the selection that was judged", required=True),
            column("passed", BOOL, "whether the draft may be published", required=True),
            column("value", DOUBLE, "what was measured"),
            column("threshold", DOUBLE, "the limit"),
            column("detail", STRING, "what the verdict says in words", required=True),
            column("row_ids", STRINGS, "documents it names, pair by pair: at most ten pairs", required=True),
        ]
    ),
    key=(
        "dataset",
        "dataset_version",
        "gate",
        "draft",
    ),
    lifetime="frozen",
    partition_by=(
        "dataset",
        "dataset_version",
    ),
)
