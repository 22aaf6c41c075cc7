"""Pairs of similar documents across splits, by exact prefix filter (Bayardo et al., WWW 2007, section 3).

Two sets of n and m members with Jaccard >= t share a member among the first floor((1 - t) n) + 1 of one and the first
floor((1 - t) m) + 1 of the other, whatever total order both follow. The order here is rarity among held-out documents,
so that a train document most of whose shingles no held-out document has leaves after one join.
"""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.jaccard import GRAINS, similarity


def similar_across_splits(texts: DataFrame, cut: Callable[[DataFrame], DataFrame], threshold: float) -> DataFrame:
    """Input columns: document_id, split, text; `cut` turns them into document_id, split, fine, coarse.
    Output columns: document_id, other_id, split, other_split, similarity; other_id has the higher split
    (test > val > train).

    The candidates are few and are made before they are verified: cutting is dear, and a lazy frame used three times
    would cut three times."""
    held_out = long_form(cut(texts.where("split <> 'train'")))
    prefixes = long_form(cut(texts)).transform(with_rarity, held_out).transform(prefix_of, threshold)
    candidates = meet(prefixes, threshold).localCheckpoint()
    ids = candidates.select("document_id").union(candidates.select("other_id")).distinct()
    return verify(candidates, cut(texts.join(ids, "document_id", "left_semi")), threshold)


def rank_of(split: Column) -> Column:
    """0 for train, 1 for val, 2 for test: the higher one keeps its row."""
    return F.when(split == "test", 2).when(split == "val", 1).otherwise(0)


def long_form(shingled: DataFrame) -> DataFrame:
    """Columns document_id, rank, grain, num (shingles of that grain), shingle."""
    grains = F.array(*[F.struct(F.lit(name).alias("grain"), F.col(name).alias("hashes")) for name in GRAINS])
    each = shingled.select("document_id", rank_of(F.col("split")).alias("rank"), F.inline(grains))
    return each.where("hashes IS NOT NULL").select(
        "document_id", "rank", "grain", F.size("hashes").alias("num"), F.explode("hashes").alias("shingle")
    )


def with_rarity(entries: DataFrame, held_out: DataFrame) -> DataFrame:
    """Adds frequency among held-out documents; shingles that none of them has are left out."""
    rarity = held_out.groupBy("grain", "shingle").agg(F.count(F.lit(1)).alias("frequency"))
    return entries.join(rarity, ["grain", "shingle"])


def prefix_of(entries: DataFrame, threshold: float) -> DataFrame:
    """The members of each set's prefix. Shingles that were left out come first in the order and use up places."""
    own = Window.partitionBy("document_id", "grain")
    placed = entries.withColumns(
        {
            "left": F.count(F.lit(1)).over(own),
            "place": F.row_number().over(own.orderBy("frequency", "shingle")),
        }
    )
    length = F.floor(F.lit(1 - threshold + 1e-9) * F.col("num")) + 1
    return placed.where((F.col("num") - F.col("left") + F.col("place")) <= length).select(
        "document_id", "rank", "grain", "num", "shingle"
    )


def meet(prefixes: DataFrame, threshold: float) -> DataFrame:
    """Columns document_id (lower split), other_id (higher): they share a prefix member, sizes allow the threshold."""
    lower = prefixes.where("rank < 2")
    higher = prefixes.where("rank > 0").select(
        "grain",
        "shingle",
        F.col("document_id").alias("other_id"),
        F.col("rank").alias("other_rank"),
        F.col("num").alias("other_num"),
    )
    sizes = F.least("num", "other_num") >= F.greatest("num", "other_num") * F.lit(threshold - 1e-9)
    met = lower.join(higher, ["grain", "shingle"]).where((F.col("rank") < F.col("other_rank")) & sizes)
    return met.select("document_id", "other_id").distinct()


def verify(candidates: DataFrame, shingled: DataFrame, threshold: float) -> DataFrame:
    """The candidates whose exact Jaccard similarity reaches the threshold in a grain that both have."""
    left = shingled.select("document_id", "split", F.struct(*GRAINS).alias("left"))
    right = shingled.select(
        F.col("document_id").alias("other_id"), F.col("split").alias("other_split"), F.struct(*GRAINS).alias("right")
    )
    joined = candidates.join(left, "document_id").join(right, "other_id")
    found = joined.withColumn("similarity", similarity("left", "right")).where(F.col("similarity") >= threshold)
    return found.select("document_id", "other_id", "split", "other_split", "similarity")
