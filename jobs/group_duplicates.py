"""Group the near-duplicates of a dataset.  One output row is one current document and its group:
{"dataset": "reviews_zh", "document_id": "9f...", "group_id": "07...", "group_size": 3}"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.components import connected_components
from jobs.frames.matches import match_pairs
from jobs.runtime.job import Job
from jobs.runtime.params import Similarity
from schemas.documents import DOCUMENTS
from schemas.duplicate_groups import DUPLICATE_GROUPS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.splits import SPLITS


class Params(BaseModel, frozen=True, extra="forbid"):
    """threshold: exact Jaccard similarity from which this dataset removes duplicates, 0 to 1; not below the lake's
    link threshold (match_duplicates.threshold).  semantic: cosine from which it removes texts that say the same; null
    takes all that match_duplicates found."""

    threshold: Similarity = 0.7
    semantic: Similarity | None = None


def transform(documents: DataFrame, duplicate_matches: DataFrame, splits: DataFrame, params: Params) -> DataFrame:
    """Input columns: document_id, fold_digest; matches; split.  Output columns: those of duplicate_groups but dataset.

    Groups lie within one split: texts equal after folding, and components over matches at the dataset's threshold."""
    split = splits.select("document_id", "split")
    placed = documents.select("document_id", "fold_digest").join(split, "document_id").localCheckpoint()
    least = F.when(F.col("method") == "semantic", params.semantic or 0.0).otherwise(params.threshold)
    matched = match_pairs(duplicate_matches).where(F.col("similarity") >= least)
    components = connected_components(within_split(matched, placed).union(equal_texts(placed)))
    grouped = placed.select("document_id").join(components, "document_id", "left")
    group = F.coalesce("component_id", "document_id")
    size = F.count("document_id").over(Window.partitionBy("group_id"))
    return grouped.select("document_id", group.alias("group_id")).withColumn("group_size", size)


def within_split(pairs: DataFrame, placed: DataFrame) -> DataFrame:
    """Columns a, b: pairs of current documents that have the same split."""
    left = placed.select("document_id", F.col("split").alias("left_split"))
    right = placed.select(F.col("document_id").alias("other_id"), F.col("split").alias("right_split"))
    joined = pairs.join(left, "document_id").join(right, "other_id").where("left_split = right_split")
    return joined.select(F.col("document_id").alias("a"), F.col("other_id").alias("b"))


def equal_texts(placed: DataFrame) -> DataFrame:
    """Columns a, b: a star over the documents of one split whose letters and digits are equal."""
    same = Window.partitionBy("fold_digest", "split")
    starred = placed.select(F.col("document_id").alias("a"), F.min("document_id").over(same).alias("b"))
    return starred.where("a <> b")


def contradiction(params: Mapping[str, Any]) -> str | None:
    """Matches below the lake's link threshold do not exist: a lower one would silently find no more."""
    wanted, linked = params["group_duplicates"].threshold, params["match_duplicates"].threshold
    if wanted >= linked:
        return None
    return f"threshold is {wanted:g}, but the lake matches documents only from {linked:g} up. Raise it to {linked:g}."


JOB = Job(
    "group_duplicates",
    reads=(DOCUMENTS, DUPLICATE_MATCHES, SPLITS),
    writes=DUPLICATE_GROUPS,
    params=Params,
    transform=transform,
    iterative=True,
    contradiction=contradiction,
)
