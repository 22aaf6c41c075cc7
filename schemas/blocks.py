"""Centres that route comparisons of vectors. One row is one centre of one fit of the coarse quantiser."""

from pyspark.sql import types as T

from schemas.column_types import FINGERPRINT, FIT, FLOATS, INT, LONG
from schemas.table import Table, column

BLOCKS = Table(
    name="blocks",
    columns=T.StructType(
        [
            FINGERPRINT,
            FIT,
            column("block_id", INT, "number of the centre, from 0", required=True),
            column("vector", FLOATS, "the centre, of length 1", required=True),
            column("num_documents", LONG, "documents that had a vector when it was fitted"),
        ]
    ),
    key=("fingerprint", "fit", "block_id"),
    lifetime="cache",
)
