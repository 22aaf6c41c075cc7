"""Pairs of similar documents across splits, by exact prefix filter (udfs/prefixes.py).

Neither signatures nor matches enter: the shingles are cut anew from the texts.
"""

from functools import partial

import numpy as np
from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

from jobs.frames.jaccard import with_similarity
from jobs.frames.split_order import rank_of
from udfs.crowds import CROWD_SCHEMA, crowded_pairs
from udfs.jaccard import GRAINS
from udfs.minhash import shingle_batches
from udfs.prefixes import (
    PREFIX_SCHEMA,
    SKETCH_SCHEMA,
    Rarity,
    merge,
    prefix_batches,
    rarity,
    sketch_batches,
    sketch_bits,
)
from udfs.shingles import ShingleRule

SHINGLED_SCHEMA = "document_id string, fine_shingles binary, coarse_shingles binary"
PAIR = ("document_id", "other_id", "split", "other_split")
# Documents of a block of the lower splits and of the higher ones: every two blocks meet.
LOWER_BLOCK, HIGHER_BLOCK = 16_384, 8_192


class TooManyPairs(ValueError):
    """More pairs share a template across splits than anyone could mend; the first argument is their number."""


def similar_across_splits(texts: DataFrame, rule: ShingleRule, threshold: float, tasks: int) -> DataFrame:
    """Input columns: document_id, split, text.  Output columns: document_id, other_id, split, other_split, similarity;
    other_id has the higher split (test > val > train).  TooManyPairs where millions share a template.

    The candidates are made before they are verified: they are few, and only their texts are cut again."""
    named = texts.select(F.concat_ws("/", "split", "document_id").alias("document_id"), "text")
    spread = named.repartition(tasks, "document_id")
    known = how_rare(spread, rule, sketch_bits(texts.where("split <> 'train'").count()))
    cut = partial(prefix_batches, rule=rule, known=known, threshold=threshold)
    # Both kept: the prefixes are met by themselves, the candidates lead to their texts and to each other.
    prefixes = with_split(spread.mapInArrow(cut, PREFIX_SCHEMA)).localCheckpoint()
    candidates = meet(prefixes, threshold)
    if known.is_crowded.any():
        candidates = candidates.union(meet_in_crowds(prefixes, threshold)).distinct()
    candidates = candidates.localCheckpoint()
    ids = candidates.select("document_id").union(candidates.select("other_id")).distinct()
    wanted = texts.select("document_id", "text").join(ids, "document_id", "left_semi")
    shingled = wanted.repartition(tasks, "document_id").mapInArrow(partial(shingle_batches, rule=rule), SHINGLED_SCHEMA)
    return verify(candidates, shingled, threshold)


def how_rare(spread: DataFrame, rule: ShingleRule, bits: int) -> Rarity:
    """How common each shingle is among all documents: one bounded sketch a task, merged here."""
    flagged = spread.withColumn("is_held_out", ~F.startswith("document_id", F.lit("train/")))
    found = flagged.mapInArrow(partial(sketch_batches, rule=rule, bits=bits), SKETCH_SCHEMA).toArrow()
    if not found.num_rows:
        return rarity(np.zeros(1 << bits, np.uint16), np.zeros(1 << bits, np.uint16))
    every, held_out = (
        [np.frombuffer(one.as_buffer(), np.uint16) for one in found[name]] for name in ("every", "held_out")
    )
    return rarity(merge(every), merge(held_out))


def with_split(named: DataFrame) -> DataFrame:
    """The split travels inside the id through the cutting: a join afterwards would cost more."""
    parts = F.split("document_id", "/")
    return named.withColumns({"document_id": parts[1], "split": parts[0]})


def meet(entries: DataFrame, threshold: float) -> DataFrame:
    """Input columns: those of PREFIX_SCHEMA, split.  Output columns: document_id (lower split), other_id (higher),
    split, other_split: pairs whose prefixes share enough members for the threshold, one at least that is not crowded.
    """
    rare = entries.where("NOT is_crowded")
    higher = rare.where("split <> 'train'").select(
        "grain",
        "shingle",
        *[F.col(name).alias(f"other_{name}") for name in ("num", "num_crowded", "place", "split")],
        F.col("document_id").alias("other_id"),
    )
    lower = rare.where("split <> 'test'")
    sizes = F.least("num", "other_num") >= F.greatest("num", "other_num") * F.lit(threshold - 1e-9)
    ranks = rank_of(F.col("split")) < rank_of(F.col("other_split"))
    crowded = F.least("num_crowded", "other_num_crowded").alias("crowded")
    shared = (
        lower.join(higher, ["grain", "shingle"])
        .where(ranks & sizes)
        .groupBy(*PAIR, "grain", "num", "other_num", crowded)
        .agg(F.count("*").alias("shared"), F.max("place").alias("place"), F.max("other_place").alias("other_place"))
    )
    needed = F.lit(threshold / (1 + threshold)) * (F.col("num") + F.col("other_num"))
    most = F.col("shared") + F.col("crowded") + most_behind(threshold)
    return shared.where(most >= needed - 1e-6).select(*PAIR).distinct()


def most_behind(threshold: float) -> Column:
    """How many members two sets can share besides those that both prefixes hold: all of these lie behind the prefix
    that ends first, and behind the last member that is shared (Xiao et al., WWW 2008, 4.2), which is not known where
    crowded ones may be."""
    left = [F.col(num) - F.floor(F.lit(1 - threshold) * F.col(num) + 1e-9) - 1 for num in ("num", "other_num")]
    last = [F.col("num") - F.col("place") - 1, F.col("other_num") - F.col("other_place") - 1]
    behind = F.greatest(*left)
    return F.when(F.col("crowded") > 0, behind).otherwise(F.least(behind, *last))


def meet_in_crowds(entries: DataFrame, threshold: float) -> DataFrame:
    """The pairs whose crowded members alone are enough, with the columns of `meet` (udfs/crowds.py)."""
    documents = entries.where("is_crowded").groupBy("document_id", "split", "grain", "num")
    crowds = documents.agg(F.collect_list("shingle").alias("members")).localCheckpoint()
    is_lower, is_higher = F.col("split") != "test", F.col("split") != "train"
    counted = crowds.agg(F.count_if(is_lower), F.count_if(is_higher)).first()
    num_lower, num_higher = counted or (0, 0)
    blocks, other_blocks = 1 + num_lower // LOWER_BLOCK, 1 + num_higher // HIGHER_BLOCK
    lower = in_blocks(crowds.where(is_lower), "block", blocks, "other_block", other_blocks)
    higher = in_blocks(crowds.where(is_higher), "other_block", other_blocks, "block", blocks)
    met = lower.cogroup(higher).applyInArrow(partial(crowded_pairs, threshold=threshold), CROWD_SCHEMA)
    found = met.localCheckpoint()
    left_out = found.agg(F.sum("left_out")).first()
    if left_out and left_out[0]:
        raise TooManyPairs(left_out[0])
    return found.select(*PAIR)


def in_blocks(crowds: DataFrame, own: str, num_own: int, others: str, num_others: int) -> GroupedData:
    """Each document in its block, once for every block of the other side."""
    block = F.pmod(F.xxhash64("document_id"), F.lit(num_own))
    every = F.explode(F.sequence(F.lit(0), F.lit(num_others - 1)))
    return crowds.withColumn(own, block).withColumn(others, every).groupBy("block", "other_block")


def verify(candidates: DataFrame, shingled: DataFrame, threshold: float) -> DataFrame:
    """The candidates whose exact Jaccard similarity reaches the threshold in a grain that both have."""
    left = shingled.select("document_id", F.struct(*GRAINS).alias("left"))
    right = shingled.select(F.col("document_id").alias("other_id"), F.struct(*GRAINS).alias("right"))
    joined = candidates.join(left, "document_id").join(right, "other_id")
    found = with_similarity(joined, threshold)
    return found.select("document_id", "other_id", "split", "other_split", "similarity")
