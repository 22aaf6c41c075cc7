"""Matches as rows of duplicate_matches: which document of a pair holds it, one row a document."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

NONE = "array<struct<document_id: string, similarity: double>>"


def held(pairs: DataFrame) -> DataFrame:
    """Columns document_id, other_id, similarity: the new document of a pair holds it; of two the one with the greater
    id.  Input columns: left_id, right_id, left_new, right_new, similarity."""
    both = F.col("left_new") & F.col("right_new")
    left_holds = F.when(both, F.col("left_id") > F.col("right_id")).otherwise(F.col("left_new"))
    return pairs.select(
        F.when(left_holds, F.col("left_id")).otherwise(F.col("right_id")).alias("document_id"),
        F.when(left_holds, F.col("right_id")).otherwise(F.col("left_id")).alias("other_id"),
        "similarity",
    )


def by_document(pairs: DataFrame) -> DataFrame:
    """One row a document with its matches in order of id."""
    match = F.struct(F.col("other_id").alias("document_id"), "similarity")
    return pairs.groupBy("document_id").agg(F.array_sort(F.collect_list(match)).alias("matches"))


def left_out(met: DataFrame) -> DataFrame:
    """Columns doc, uncompared: meetings that caps left out.  Input columns: left_doc, missed (null for pairs)."""
    missed = met.where("missed IS NOT NULL").select(F.col("left_doc").alias("doc"), "missed")
    return missed.groupBy("doc").agg(F.sum("missed").alias("uncompared"))


def match_rows(fresh: DataFrame, matches: DataFrame, uncompared: DataFrame, method: str) -> DataFrame:
    """Columns document_id, method, matches, uncompared; one row for each fresh document (document_id, doc)."""
    return (
        fresh.join(matches, "document_id", "left")
        .join(uncompared, "doc", "left")
        .select(
            "document_id",
            F.lit(method).alias("method"),
            F.coalesce("matches", F.array().cast(NONE)).alias("matches"),
            F.coalesce("uncompared", F.lit(0)).cast("bigint").alias("uncompared"),
        )
    )
