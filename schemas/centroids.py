"""Centres of clusters. One row is one centroid of one fit."""

from pyspark.sql import types as T

from schemas.column_types import CLUSTER_ID, DATASET, DOUBLE, FINGERPRINT, FIT, FLOATS, LONG, STRING, STRINGS
from schemas.table import Table, column

CENTROIDS = Table(
    name="centroids",
    columns=T.StructType(
        [
            DATASET,
            FINGERPRINT,
            FIT,
            CLUSTER_ID,
            column("vector", FLOATS, "the centre, of length 1", required=True),
            column("num_sampled", LONG, "documents of the sample that are nearest to it"),
            column("similarity", DOUBLE, "mean cosine of these with it, -1 to 1"),
            column("title", STRING, "its three most telling terms; null where it has none"),
            column("terms", STRINGS, "what sets its texts apart, the most telling first"),
            column("num_train", LONG, "train documents that had a vector when it was fitted"),
        ]
    ),
    key=("dataset", "fingerprint", "fit", "cluster_id"),
    lifetime="cache",
)
