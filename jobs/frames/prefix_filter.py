"""Pairs of similar documents across splits, by exact prefix filter (udfs/prefixes.py).

Neither signatures nor matches enter: the shingles are cut anew from the texts.
"""

from functools import partial

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.frames.jaccard import with_similarity
from jobs.frames.split_order import rank_of
from udfs.jaccard import GRAINS
from udfs.minhash import shingle_batches
from udfs.prefixes import (
    PREFIX_SCHEMA,
    SKETCH_SCHEMA,
    Sketch,
    merge,
    prefix_batches,
    rarity,
    sketch_batches,
    sketch_bits,
)
from udfs.shingles import ShingleRule

SHINGLED_SCHEMA = "document_id string, fine_shingles binary, coarse_shingles binary"


def similar_across_splits(texts: DataFrame, rule: ShingleRule, threshold: float, tasks: int) -> DataFrame:
    """Input columns: document_id, split, text.  Output columns: document_id, other_id, split, other_split, similarity;
    other_id has the higher split (test > val > train).

    The candidates are made before they are verified: they are few, and only their texts are cut again."""
    named = texts.select(F.concat_ws("/", "split", "document_id").alias("document_id"), "text")
    spread = named.repartition(tasks, "document_id")
    sketch = rarity_sketch(spread, rule, sketch_bits(texts.where("split <> 'train'").count()))
    cut = partial(prefix_batches, rule=rule, sketch=sketch, threshold=threshold)
    # Both kept: the prefixes are met by themselves, the candidates lead to their texts and to each other.
    prefixes = with_split(spread.mapInArrow(cut, PREFIX_SCHEMA)).localCheckpoint()
    candidates = meet(prefixes, threshold).localCheckpoint()
    ids = candidates.select("document_id").union(candidates.select("other_id")).distinct()
    wanted = texts.select("document_id", "text").join(ids, "document_id", "left_semi")
    shingled = wanted.repartition(tasks, "document_id").mapInArrow(partial(shingle_batches, rule=rule), SHINGLED_SCHEMA)
    return verify(candidates, shingled, threshold)


def rarity_sketch(spread: DataFrame, rule: ShingleRule, bits: int) -> Sketch:
    """How common each shingle is among all documents: one bounded sketch a task, merged here."""
    flagged = spread.withColumn("is_held_out", ~F.startswith("document_id", F.lit("train/")))
    found = flagged.mapInArrow(partial(sketch_batches, rule=rule, bits=bits), SKETCH_SCHEMA).toArrow()
    if not found.num_rows:
        return np.zeros(1 << bits, np.uint16)
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
    split, other_split: pairs whose prefixes share enough members for the threshold."""
    higher = entries.where("split <> 'train'").select(
        "grain",
        "shingle",
        *[F.col(name).alias(f"other_{name}") for name in ("num", "place", "split")],
        F.col("document_id").alias("other_id"),
    )
    lower = entries.where("split <> 'test'")
    sizes = F.least("num", "other_num") >= F.greatest("num", "other_num") * F.lit(threshold - 1e-9)
    ranks = rank_of(F.col("split")) < rank_of(F.col("other_split"))
    pair = ("document_id", "other_id", "split", "other_split")
    shared = (
        lower.join(higher, ["grain", "shingle"])
        .where(ranks & sizes)
        .groupBy(*pair, "grain", "num", "other_num")
        .agg(F.count("*").alias("shared"), F.max("place").alias("place"), F.max("other_place").alias("other_place"))
    )
    needed = F.lit(threshold / (1 + threshold)) * (F.col("num") + F.col("other_num"))
    return shared.where(F.col("shared") + most_behind(threshold) >= needed - 1e-6).select(*pair).distinct()


def most_behind(threshold: float) -> Column:
    """How many members two sets can share besides those that both prefixes hold: all of these lie behind the prefix
    that ends first, and behind the last member that is shared (Xiao et al., WWW 2008, 4.2)."""
    left = [F.col(num) - F.floor(F.lit(1 - threshold) * F.col(num) + 1e-9) - 1 for num in ("num", "other_num")]
    last = [F.col("num") - F.col("place") - 1, F.col("other_num") - F.col("other_place") - 1]
    return F.least(F.greatest(*left), *last)


def verify(candidates: DataFrame, shingled: DataFrame, threshold: float) -> DataFrame:
    """The candidates whose exact Jaccard similarity reaches the threshold in a grain that both have."""
    left = shingled.select("document_id", F.struct(*GRAINS).alias("left"))
    right = shingled.select(F.col("document_id").alias("other_id"), F.struct(*GRAINS).alias("right"))
    joined = candidates.join(left, "document_id").join(right, "other_id")
    found = with_similarity(joined, threshold)
    return found.select("document_id", "other_id", "split", "other_split", "similarity")
