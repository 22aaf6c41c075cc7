"""Clusters of documents. One row is one document and the centroid that it is nearest to, in one fit."""

from pyspark.sql import types as T

from schemas.column_types import CLUSTER_ID, DATASET, DOCUMENT_ID, DOUBLE, FINGERPRINT, FIT
from schemas.table import Table, column

CLUSTERS = Table(
    name="clusters",
    columns=T.StructType(
        [
            DATASET,
            DOCUMENT_ID,
            FINGERPRINT,
            FIT,
            CLUSTER_ID,
            column("distance", DOUBLE, "1 - cosine with its centroid, 0 to 2", required=True),
            column("margin", DOUBLE, "how much nearer that is than the next one, 0 to 2; null where there is one only"),
        ]
    ),
    key=("dataset", "document_id", "fingerprint", "fit"),
    lifetime="cache",
)
