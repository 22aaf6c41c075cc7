"""Exact Jaccard similarity of shingle sets."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from udfs.jaccard import similarity_batches

SIDES = ("left", "right")


def with_similarity(pairs: DataFrame, threshold: float) -> DataFrame:
    """Input columns: left, right (structs of GRAINS, see udfs/jaccard.py), and others.  Output: the others, similarity.

    The pairs whose greatest exact Jaccard similarity over the grains that both hold, 0 to 1, rounded to 6 digits,
    reaches the threshold."""
    others = StructType([field for field in pairs.schema if field.name not in SIDES])
    found = pairs.mapInArrow(similarity_batches, others.add("similarity", "double"))
    return found.withColumn("similarity", F.round("similarity", 6)).where(F.col("similarity") >= threshold)
