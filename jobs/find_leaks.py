"""Check splits against each other, trusting neither signatures nor matches.  One output row is one pair:
{"dataset": "faq", "document_id": "9f...", "other_id": "07...", "split": "train", "other_split": "test",
 "method": "shingles", "similarity": 0.71}"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.links import binding, declared_links, leak_threshold
from jobs.frames.prefix_filter import TooManyPairs, similar_across_splits
from jobs.frames.semantic_matches import near_across_splits
from jobs.frames.shingling import Shingling
from jobs.frames.split_order import rank_of
from jobs.runtime.cleanings import cleaned_in_force
from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job
from jobs.runtime.model_places import same_from
from jobs.runtime.params import Count, Similarity
from schemas.blocks import BLOCKS
from schemas.clean_records import CLEAN_RECORDS
from schemas.documents import DOCUMENTS
from schemas.embeddings import EMBEDDINGS
from schemas.leaks import LEAKS
from schemas.splits import SPLITS
from udfs.shingles import ShingleRule

# A declared key that ties this many pairs apart is a mistake; they would be rows of `leaks`.
MOST_PAIRS = 2_000_000


class Params(BaseModel, frozen=True, extra="forbid"):
    """threshold: exact Jaccard similarity that counts as a leak, 0 to 1; null takes that of match_duplicates.
    shingles: the rule of this check; null takes that of hash_shingles.  tasks: how many share the shingling."""

    threshold: Similarity | None = None
    shingles: Shingling | None = None
    tasks: Count = 8


class Check(NamedTuple):
    """threshold: exact Jaccard similarity that counts as a leak.  rule: of the shingles.  bind: kinds of key that tie
    documents.  group_cap: a text in more groups ties none of them.  cosine: from which vectors say the same, null where
    they are not compared."""

    threshold: float
    rule: ShingleRule
    bind: tuple[str, ...]
    group_cap: int
    cosine: float | None = None


def transform(
    documents: DataFrame,
    clean_records: DataFrame,
    splits: DataFrame,
    embeddings: DataFrame,
    blocks: DataFrame,
    declared: DataFrame,
    check: Check,
    params: Params,
) -> DataFrame:
    """Input columns: document_id, text, fold_digest; groups; split; vector; block_id, vector; link.

    Output columns: those of leaks but dataset.

    declared: document_id and link of all keys that count in the lake.  check: what links documents in this lake;
    declared keys are checked where they do."""
    placed = splits.where("drop_reason IS NULL").select("document_id", "split")
    texts = documents.join(placed, "document_id").select("document_id", "split", "text", "fold_digest")
    folds = texts.select("document_id", "split", F.col("fold_digest").alias("link"))
    pairs = equal_links(folds, "folded_text", 1.0).union(similar_texts(texts, check, params.tasks))
    if check.cosine is not None:
        pairs = pairs.union(near_across_splits(embeddings, blocks, texts.select("document_id", "split"), check.cosine))
    if "group" in check.bind:
        mine = declared_links(clean_records).join(
            binding(declared, check.group_cap), ["document_id", "link"], "left_semi"
        )
        # Kept: they are counted before they are paired.
        keys = mine.join(placed, "document_id").select("document_id", "split", "link").localCheckpoint()
        pairs = pairs.union(equal_links(refuse_most(keys), "declared_key", None))
    weakness = F.struct(-F.coalesce("similarity", F.lit(0.0)), "method")
    strongest = F.min_by(F.struct("split", "other_split", "method", "similarity"), weakness)
    return (
        pairs.groupBy("document_id", "other_id")
        .agg(strongest.alias("best"))
        .select("document_id", "other_id", "best.*")
    )


def equal_links(linked: DataFrame, method: str, similarity: float | None) -> DataFrame:
    """Pairs of documents of two splits with the same link.  Input columns: document_id, split, link."""
    spread = linked.groupBy("link").agg(F.count_distinct("split").alias("n")).where("n > 1")
    rows = linked.join(spread, "link", "left_semi").withColumn("rank", rank_of(F.col("split")))
    higher = rows.select(
        "link",
        F.col("document_id").alias("other_id"),
        F.col("split").alias("other_split"),
        F.col("rank").alias("other_rank"),
    )
    pairs = rows.join(higher, "link").where("rank < other_rank")
    return pairs.select(
        "document_id",
        "other_id",
        "split",
        "other_split",
        F.lit(method).alias("method"),
        F.lit(similarity).cast("double").alias("similarity"),
    )


def refuse_most(keys: DataFrame) -> DataFrame:
    """The keys; ConfigError where they tie more pairs across splits than anyone could mend: they were declared after
    the documents had been split."""
    sizes = keys.groupBy("link").pivot("split", ["train", "val", "test"]).count().fillna(0)
    pairs = sizes.select((F.expr("train * (val + test) + val * test")).alias("pairs"))
    total = pairs.agg(F.sum("pairs").alias("pairs"), F.count_if(F.col("pairs") > 0).alias("keys")).first()
    if total is not None and (total["pairs"] or 0) > MOST_PAIRS:
        raise ConfigError(
            f"find_leaks: {total['keys']:,} declared keys tie {total['pairs']:,} pairs of documents that lie in "
            "different splits already. Splits never move: take the key out of fields.group, or, while no version is "
            "published, run with --resplit."
        )
    return keys


def similar_texts(texts: DataFrame, check: Check, tasks: int) -> DataFrame:
    """Pairs by exact prefix filter on shingles cut anew from the texts; ConfigError where a template lies in two splits
    with millions of pairs that nothing had linked."""
    try:
        found = similar_across_splits(texts, check.rule, check.threshold, tasks)
    except TooManyPairs as error:
        raise ConfigError(
            f"find_leaks: {error.args[0]:,} pairs of documents in different splits may be alike from {check.threshold} "
            "up: they share a template, and nothing linked them when they were split. Splits never move: declare what "
            "ties them in fields.group and, while no version is published, run with --resplit."
        ) from error
    return found.select(
        "document_id", "other_id", "split", "other_split", F.lit("shingles").alias("method"), "similarity"
    )


def external(context: Context) -> dict[str, Any]:
    """What links documents in this lake, and its declared keys."""
    check = links_of(context.recipe.params)._replace(cosine=same_from(context.recipe.params))
    return {"check": check, "declared": declared_links(cleaned_in_force(context))}


def links_of(params: Mapping[str, Any]) -> Check:
    """What links documents by a recipe's parameters: this job's own where it has some, else those of matching."""
    mine: Params = params["find_leaks"]
    shingles: Shingling = mine.shingles or params["hash_shingles"].shingles
    splitting = params["assign_splits"]
    return Check(leak_threshold(params), shingles.rule(), splitting.bind, splitting.revision_cap)


JOB = Job(
    "find_leaks",
    reads=(DOCUMENTS, CLEAN_RECORDS, SPLITS, EMBEDDINGS, BLOCKS),
    writes=LEAKS,
    params=Params,
    transform=transform,
    external=external,
    iterative=True,
    lake_params=("threshold", "shingles"),
)
