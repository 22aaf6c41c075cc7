"""Matches between documents, in the long form that joins need."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def match_pairs(duplicate_matches: DataFrame) -> DataFrame:
    """Output columns: document_id, other_id, similarity; one row a match."""
    matches = duplicate_matches.select("document_id", F.explode("matches").alias("match"))
    return matches.select("document_id", F.col("match.document_id").alias("other_id"), F.col("match.similarity"))


def number_of_matches(duplicate_matches: DataFrame) -> int:
    """All matches together: one aggregate, an upper bound for the edges made of them."""
    row = duplicate_matches.agg(F.sum(F.size("matches")).alias("matches")).first()
    return int(row["matches"] or 0) if row else 0
