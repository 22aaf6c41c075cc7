"""Matches between documents, in the long form that joins need."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def match_pairs(duplicate_matches: DataFrame) -> DataFrame:
    """Output columns: document_id, other_id, similarity, method; one row a match."""
    matches = duplicate_matches.select("document_id", "method", F.explode("matches").alias("match"))
    other = F.col("match.document_id").alias("other_id")
    return matches.select("document_id", other, F.col("match.similarity"), "method")
