"""Find and verify near-duplicates.  One output row is one document with its matches to earlier or equal ones:
{"document_id": "9f...", "method": "minhash", "matches": [{"document_id": "07..", "similarity": 0.84}], "uncompared": 0}

New documents meet all documents of the lake that share a band key; the exact Jaccard similarity of their shingles
decides. Old documents are neither signed nor compared again.
"""

from pydantic import BaseModel, Field
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.jaccard import similarity
from jobs.runtime.job import Job
from jobs.runtime.params import Count, Similarity
from schemas.documents import DOCUMENTS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.signatures import SIGNATURES

# New documents whose band keys every task gets: 32 keys of 8 bytes each, some 20 MB as a hash table.
MOST_SENT = 20_000
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
    entries = bucket_entries(signatures, fresh, few=are_few(fresh, signatures)).transform(divide_buckets, params)
    matches = candidate_pairs(entries, params).transform(verify, signatures, params).transform(by_document)
    return (
        fresh.join(matches, "document_id", "left")
        .join(left_out(entries, params), "doc", "left")
        .select(
            "document_id",
            F.lit("minhash").alias("method"),
            F.coalesce("matches", F.array().cast("array<struct<document_id: string, similarity: double>>")).alias(
                "matches"
            ),
            F.coalesce("uncompared", F.lit(0)).cast("bigint").alias("uncompared"),
        )
    )


def are_few(fresh: DataFrame, signatures: DataFrame) -> bool:
    """Whether the new documents are so few that their band keys, sent to every task, save a shuffle of all others."""
    count = fresh.count()
    return count <= MOST_SENT and count * 4 <= signatures.count()


def bucket_entries(signatures: DataFrame, fresh: DataFrame, *, few: bool) -> DataFrame:
    """One row a document and band: key, the finer key that divides a great bucket, whether the document is new.

    Only buckets that hold a new document and another one stay. Ids travel as 8 bytes.
    """
    marked = signatures.select("document_id", "band_keys").join(
        fresh.select("document_id", F.lit(True).alias("is_new")), "document_id", "left"
    )
    named = marked.select(
        F.xxhash64("document_id").alias("doc"), F.coalesce("is_new", F.lit(False)).alias("is_new"), _keys()
    )
    entries = named.select("doc", "is_new", "key", F.xxhash64("key", *NEXT_KEYS).alias("finer"))
    if few:
        wanted = signatures.join(F.broadcast(fresh), "document_id", "left_semi").select(
            F.explode("band_keys").alias("key")
        )
        entries = entries.join(F.broadcast(wanted.distinct()), "key", "left_semi")
    bucket = Window.partitionBy("key")
    counted = entries.withColumns({"size": F.count("doc").over(bucket), "has_new": F.bool_or("is_new").over(bucket)})
    return counted.where("size > 1 AND has_new").drop("has_new")


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


def divide_buckets(entries: DataFrame, params: Params) -> DataFrame:
    """Columns doc, is_new, bucket, bucket_size (documents that meet), place (order in it by hash), size (undivided)."""
    bucket = F.when(F.col("size") <= params.bucket_cap, F.col("key")).otherwise(F.xxhash64("key", "finer"))
    divided = entries.withColumn("bucket", bucket)
    meeting = Window.partitionBy("bucket")
    return divided.select(
        "doc",
        "is_new",
        "bucket",
        "size",
        F.count("doc").over(meeting).alias("bucket_size"),
        F.row_number().over(meeting.orderBy("doc")).alias("place"),
    )


def candidate_pairs(entries: DataFrame, params: Params) -> DataFrame:
    """Columns left_doc, right_doc: distinct pairs that meet in a bucket, at least one of them new.

    Sizes are equal within a bucket. Naming them keeps the column in both sides, so that Spark shuffles the entries once
    for the pairs and for `left_out`.
    """
    meeting = (F.col("bucket_size") <= params.bucket_cap) | (F.col("place") <= params.anchors)
    left = entries.where(meeting).select(
        "bucket",
        F.col("size").alias("left_size"),
        F.col("doc").alias("left_doc"),
        F.col("place").alias("left_place"),
        F.col("is_new").alias("left_new"),
    )
    right = entries.select(
        "bucket",
        F.col("size").alias("right_size"),
        F.col("doc").alias("right_doc"),
        F.col("place").alias("right_place"),
        F.col("is_new").alias("right_new"),
    )
    wanted = "left_place < right_place AND (left_new OR right_new) AND left_size <= right_size"
    pairs = left.join(right, "bucket").where(wanted)
    return pairs.groupBy("left_doc", "right_doc").agg(
        F.max("left_new").alias("left_new"), F.max("right_new").alias("right_new")
    )


def verify(pairs: DataFrame, signatures: DataFrame, params: Params) -> DataFrame:
    """Columns document_id, other_id, similarity of the pairs whose exact Jaccard similarity reaches the threshold.

    The new document of a pair holds the match; of two new ones the one with the greater id."""
    sides = {
        side: signatures.select(
            F.xxhash64("document_id").alias(f"{side}_doc"),
            F.struct("document_id", "fine", "coarse").alias(side),
        )
        for side in ("left", "right")
    }
    joined = pairs.join(sides["left"], "left_doc").join(sides["right"], "right_doc")
    found = joined.withColumn("similarity", similarity("left", "right")).where(F.col("similarity") >= params.threshold)
    both = F.col("left_new") & F.col("right_new")
    left_holds = F.when(both, F.col("left.document_id") > F.col("right.document_id")).otherwise(F.col("left_new"))
    left_id, right_id = F.col("left.document_id"), F.col("right.document_id")
    return found.select(
        F.when(left_holds, left_id).otherwise(right_id).alias("document_id"),
        F.when(left_holds, right_id).otherwise(left_id).alias("other_id"),
        "similarity",
    )


def by_document(pairs: DataFrame) -> DataFrame:
    """One row a document with its matches in order of id."""
    match = F.struct(F.col("other_id").alias("document_id"), "similarity")
    return pairs.groupBy("document_id").agg(F.array_sort(F.collect_list(match)).alias("matches"))


def left_out(entries: DataFrame, params: Params) -> DataFrame:
    """Meetings that the caps left out, per new document: those of other divisions, and those beyond the anchors."""
    beyond = F.when(
        (F.col("bucket_size") > params.bucket_cap) & (F.col("place") > params.anchors),
        F.col("bucket_size") - 1 - params.anchors,
    ).otherwise(0)
    missed = F.col("size") - F.col("bucket_size") + beyond
    return entries.where("is_new AND bucket IS NOT NULL").groupBy("doc").agg(F.sum(missed).alias("uncompared"))


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
