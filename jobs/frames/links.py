"""Leak links: what ties documents so that they must share a split."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.matches import match_pairs

LINK_KINDS = ("folded_text", "prompt", "group")


def leak_threshold(params: Mapping[str, Any]) -> float:
    """Similarity that counts as a leak, by a recipe's parameters: that of the check, else that of matching."""
    own, linked = params["find_leaks"].threshold, params["match_duplicates"].threshold
    return float(linked if own is None else own)


def link_keys(documents: DataFrame, declared: DataFrame, kinds: tuple[str, ...], group_cap: int) -> DataFrame:
    """Columns document_id, kind, link: documents with equal links of one kind are tied.

    folded_text: equal letters and digits.  prompt: equal folded prompt of a chat.  group: a declared key.
    declared: document_id, link of the declared keys (`declared_links`).
    """
    folded = documents.select("document_id", F.lit("folded_text").alias("kind"), F.col("fold_digest").alias("link"))
    prompts = documents.where("prompt_digest IS NOT NULL").select(
        "document_id", F.lit("prompt").alias("kind"), F.col("prompt_digest").alias("link")
    )
    groups = binding(declared, group_cap).select("document_id", F.lit("group").alias("kind"), "link")
    every = {"folded_text": folded, "prompt": prompts, "group": groups}
    chosen = [every[kind] for kind in LINK_KINDS if kind in kinds]
    keys = chosen[0]
    for more in chosen[1:]:
        keys = keys.union(more)
    return keys


def declared_links(clean_records: DataFrame) -> DataFrame:
    """Columns document_id, link: the groups that records declare, distinct."""
    keys = clean_records.where("document_id IS NOT NULL").select("document_id", F.explode("groups").alias("link"))
    return keys.distinct()


def binding(declared: DataFrame, cap: int) -> DataFrame:
    """The declared links that bind.

    A text in more than `cap` groups says nothing of any ("Thank you!", or what a mistyped mapping made of all records):
    it would tie them all together, so its groups do not bind."""
    number = F.count("link").over(Window.partitionBy("document_id"))
    return declared.withColumn("number", number).where(F.col("number") <= cap).drop("number")


def keys_of_new(keys: DataFrame, new_ids: DataFrame, prompt_cap: int) -> DataFrame:
    """The keys that tie a new document to another, new or old: columns document_id, kind, link.

    Prompts that more than `prompt_cap` documents share are generic ("Summarise this text.") and bind nothing."""
    mine = keys.join(new_ids, "document_id", "left_semi").select("kind", "link").distinct()
    size = F.count("document_id").over(Window.partitionBy("kind", "link"))
    shared = keys.join(mine, ["kind", "link"], "left_semi").withColumn("size", size).where("size > 1")
    generic = (F.col("kind") == "prompt") & (F.col("size") > prompt_cap)
    return shared.where(~generic).select("document_id", "kind", "link")


def pairs_of_new(duplicate_matches: DataFrame, new_ids: DataFrame) -> DataFrame:
    """Columns document_id (new), other_id: every match of a new document, from the new one's side."""
    pairs = match_pairs(duplicate_matches).select("document_id", "other_id")
    both_ways = pairs.union(pairs.select("other_id", "document_id"))
    return both_ways.join(new_ids, "document_id", "left_semi").select("document_id", "other_id")


def edges_among_new(keys: DataFrame, new_ids: DataFrame, pairs: DataFrame) -> DataFrame:
    """Columns a, b: ties between two new documents; of a shared key a star to its smallest document."""
    smallest = F.min("document_id").over(Window.partitionBy("kind", "link"))
    mine = keys.join(new_ids, "document_id", "left_semi")
    by_key = mine.select(F.col("document_id").alias("a"), smallest.alias("b")).where("a <> b")
    both_new = pairs.join(new_ids.withColumnRenamed("document_id", "other_id"), "other_id", "left_semi")
    # A match of two new documents is there from both sides.
    by_match = both_new.where("document_id > other_id").select("document_id", "other_id").toDF("a", "b")
    return by_key.union(by_match)


def touches(
    keys: DataFrame,
    new_ids: DataFrame,
    lenders: DataFrame,
    pairs: DataFrame,
    clean_records: DataFrame,
    revision_cap: int,
) -> DataFrame:
    """Columns document_id (new), split, leak_group_id: what documents that have a split lend to new ones.

    lenders: document_id, split, leak_group_id of those that lend. A key lends the smallest leak group of each split,
    however many documents share it.
    """
    smallest = F.min("leak_group_id").alias("leak_group_id")
    lent = keys.join(lenders, "document_id").groupBy("kind", "link", "split").agg(smallest)
    by_key = keys.join(new_ids, "document_id", "left_semi").join(lent, ["kind", "link"])
    ties = pairs.union(older_texts(clean_records, new_ids, lenders, revision_cap))
    by_tie = ties.join(lenders.withColumnRenamed("document_id", "other_id"), "other_id")
    wanted = ("document_id", "split", "leak_group_id")
    return by_key.select(*wanted).union(by_tie.select(*wanted)).distinct()


def older_texts(clean_records: DataFrame, new_ids: DataFrame, lenders: DataFrame, cap: int) -> DataFrame:
    """Columns document_id (new), other_id: each record's newest older text that has a split and lends it.

    A text that more than `cap` records had says nothing of any of them (a mistyped mapping gives all records one text):
    the one before it counts.
    """
    texts = clean_records.where("document_id IS NOT NULL").select("record_id", "document_id", "revision", "batch")
    now = texts.join(new_ids, "document_id", "left_semi").select("record_id", "document_id").distinct()
    common = texts.groupBy("document_id").agg(F.count_distinct("record_id").alias("n")).where(F.col("n") > cap)
    before = (
        texts.join(now.select("record_id").distinct(), "record_id", "left_semi")
        .join(lenders.select("document_id"), "document_id", "left_semi")
        .join(common, "document_id", "left_anti")
        .groupBy("record_id")
        .agg(F.max_by("document_id", F.struct("revision", "batch", "document_id")).alias("other_id"))
    )
    return now.join(before, "record_id").select("document_id", "other_id").distinct()
