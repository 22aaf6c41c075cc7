"""Find and verify near-duplicates.  One output row is one document with its matches to earlier or equal ones:
{"document_id": "9f...", "method": "minhash", "matches": [{"document_id": "07..", "similarity": 0.84}], "uncompared": 0}

New documents meet all documents of the lake that share a band key; the exact Jaccard similarity of their shingles
decides. Old documents are neither signed nor compared again.
"""

from functools import partial

from pydantic import BaseModel, Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.frames.jaccard import with_similarity
from jobs.runtime.job import Job
from jobs.runtime.params import Count, Similarity
from schemas.documents import DOCUMENTS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.signatures import SIGNATURES
from udfs.buckets import MEETING_SCHEMA, meeting_batches

# New documents whose band keys every task gets: 32 keys of 8 bytes each, some 20 MB as a hash table.
MOST_SENT = 20_000
# Pairs whose documents every task gets, so that the shingles of all others are not shuffled: some 60 MB likewise.
MOST_PAIRS_SENT = 500_000
# Tasks that look for meetings hold their entries in memory: 60 bytes each.
LEAST_TASKS, ENTRIES_A_TASK = 8, 4_000_000
NEXT_KEYS = ("next_1", "next_2", "next_3")


class Params(BaseModel, frozen=True, extra="forbid"):
    """threshold: exact Jaccard similarity from which documents are linked, 0 to 1.
    bucket_cap: up to this many documents of one bucket all meet; a greater bucket is divided by the next band keys.
    anchors: what is still too great meets only this many of its documents, the smallest by hash."""

    threshold: Similarity = 0.5
    bucket_cap: int = Field(default=100, strict=True, ge=2)
    anchors: Count = 10


def transform(new_documents: DataFrame, signatures: DataFrame, params: Params) -> DataFrame:
    """Input columns of signatures: document_id, fine, coarse, band_keys.  Output columns: document_id, method,
    matches, uncompared; one row for every new document."""
    fresh = new_documents.select("document_id", F.xxhash64("document_id").alias("doc")).localCheckpoint()
    num_new, (num_signed, num_keys) = fresh.count(), sizes(signatures)
    few = num_new <= MOST_SENT and num_new * 4 <= num_signed
    tasks = max(LEAST_TASKS, num_keys // ENTRIES_A_TASK)
    met = meetings(key_entries(signatures, fresh, few=few), params, tasks).localCheckpoint()
    matches = verify(candidate_pairs(met).localCheckpoint(), signatures, params).transform(by_document)
    return (
        fresh.join(matches, "document_id", "left")
        .join(left_out(met), "doc", "left")
        .select(
            "document_id",
            F.lit("minhash").alias("method"),
            F.coalesce("matches", F.array().cast("array<struct<document_id: string, similarity: double>>")).alias(
                "matches"
            ),
            F.coalesce("uncompared", F.lit(0)).cast("bigint").alias("uncompared"),
        )
    )


def sizes(signatures: DataFrame) -> tuple[int, int]:
    """How many documents are signed, and how many band keys they have together."""
    counted = signatures.agg(F.count("document_id").alias("documents"), F.sum(F.size("band_keys")).alias("keys"))
    row = counted.first()
    return (row["documents"], row["keys"] or 0) if row else (0, 0)


def key_entries(signatures: DataFrame, fresh: DataFrame, *, few: bool) -> DataFrame:
    """One row a document and band: doc, is_new, key, finer (divides a great bucket).  Ids travel as 8 bytes.

    few: the new documents are so few that their band keys, sent to every task, save a shuffle of all others."""
    marked = signatures.select("document_id", "band_keys").join(
        fresh.select("document_id", F.lit(True).alias("is_new")), "document_id", "left"
    )
    is_new = F.coalesce("is_new", F.lit(False)).alias("is_new")
    named = marked.select(F.xxhash64("document_id").alias("doc"), is_new, _keys())
    entries = named.select("doc", "is_new", "key", F.xxhash64("key", *NEXT_KEYS).alias("finer"))
    if not few:
        return entries
    wanted = signatures.join(F.broadcast(fresh), "document_id", "left_semi").select(F.explode("band_keys").alias("key"))
    return entries.join(F.broadcast(wanted.distinct()), "key", "left_semi")


def _keys() -> Column:
    """Columns key, next_1, next_2, next_3: a row for each band key and the three that follow, wrapping round.

    Together they divide in a way that no arrival changes.  Rotated arrays: Spark would interpret a lambda a key."""
    size = F.size("band_keys")
    turned = []
    for step, name in enumerate(NEXT_KEYS, start=1):
        first = F.pmod(F.lit(step), F.greatest(size, F.lit(1))).cast("int")
        rest = F.slice("band_keys", first + 1, size - F.least(first, size))
        turned.append(F.concat(rest, F.slice("band_keys", F.lit(1), first)).alias(name))
    return F.inline(F.arrays_zip(F.col("band_keys").alias("key"), *turned))


def meetings(entries: DataFrame, params: Params, tasks: int) -> DataFrame:
    """Columns left_doc, right_doc, left_new, right_new: the meetings of each bucket; and missed, in rows of their own
    with the new document as left_doc (udfs/buckets.py)."""
    meet = partial(meeting_batches, cap=params.bucket_cap, anchors=params.anchors)
    return entries.repartition(tasks, "key").mapInArrow(meet, MEETING_SCHEMA)


def candidate_pairs(met: DataFrame) -> DataFrame:
    """Columns left_doc, right_doc, left_new, right_new: distinct pairs."""
    pairs = met.where("missed IS NULL").groupBy("left_doc", "right_doc")
    return pairs.agg(F.max("left_new").alias("left_new"), F.max("right_new").alias("right_new"))


def left_out(met: DataFrame) -> DataFrame:
    """Columns doc (new), uncompared: meetings that the caps left out."""
    missed = met.where("missed IS NOT NULL").select(F.col("left_doc").alias("doc"), "missed")
    return missed.groupBy("doc").agg(F.sum("missed").alias("uncompared"))


def verify(pairs: DataFrame, signatures: DataFrame, params: Params) -> DataFrame:
    """Columns document_id, other_id, similarity of the pairs whose exact Jaccard similarity reaches the threshold.

    The new document of a pair holds the match; of two new ones the one with the greater id."""
    named = signatures.withColumn("doc", F.xxhash64("document_id"))
    if pairs.count() <= MOST_PAIRS_SENT:
        ids = pairs.select(F.explode(F.array("left_doc", "right_doc")).alias("doc")).distinct()
        named = named.join(F.broadcast(ids), "doc", "left_semi")
    sides = {
        side: named.select(
            F.col("doc").alias(f"{side}_doc"),
            F.col("document_id").alias(f"{side}_id"),
            F.struct("fine", "coarse").alias(side),
        )
        for side in ("left", "right")
    }
    joined = pairs.join(sides["left"], "left_doc").join(sides["right"], "right_doc").drop("left_doc", "right_doc")
    found = with_similarity(joined, params.threshold)
    both = F.col("left_new") & F.col("right_new")
    left_holds = F.when(both, F.col("left_id") > F.col("right_id")).otherwise(F.col("left_new"))
    return found.select(
        F.when(left_holds, F.col("left_id")).otherwise(F.col("right_id")).alias("document_id"),
        F.when(left_holds, F.col("right_id")).otherwise(F.col("left_id")).alias("other_id"),
        "similarity",
    )


def by_document(pairs: DataFrame) -> DataFrame:
    """One row a document with its matches in order of id."""
    match = F.struct(F.col("other_id").alias("document_id"), "similarity")
    return pairs.groupBy("document_id").agg(F.array_sort(F.collect_list(match)).alias("matches"))


JOB = Job(
    "match_duplicates",
    reads=(SIGNATURES,),
    writes=DUPLICATE_MATCHES,
    params=Params,
    transform=transform,
    each=DOCUMENTS,
    lake=(SIGNATURES,),
    iterative=True,
    lake_params=("threshold", "bucket_cap", "anchors"),
)
