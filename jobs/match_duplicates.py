"""Find and verify near-duplicates.  One output row is one document with its matches to earlier or equal ones:
{"document_id": "9f...", "method": "minhash", "matches": [{"document_id": "07..", "similarity": 0.84}], "uncompared": 0}

New documents meet all documents of the lake that share a band key; the exact Jaccard similarity of their shingles
decides. Old documents are neither signed nor compared again.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.jaccard import with_similarity
from jobs.runtime.job import Job
from jobs.runtime.params import Count, Similarity
from schemas.documents import DOCUMENTS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.signatures import SIGNATURES
from udfs.band_entries import ENTRIES_SCHEMA, entry_batches, marks_of
from udfs.buckets import MEETING_SCHEMA, meeting_batches
from udfs.jaccard import GRAINS

# New documents whose band keys every task gets, as marks of 2 MB, so that the keys of all others are not shuffled.
MOST_MARKED = 20_000
# New documents that every task gets to tell them from old ones: 8 bytes each, some 50 MB as a hash table.
MOST_SENT = 1_000_000
# Pairs whose documents every task gets, so that the shingles of all others are not shuffled: some 60 MB likewise.
MOST_PAIRS_SENT = 500_000
# Tasks that look for meetings hold their entries in memory: 80 bytes each.
LEAST_TASKS, ENTRIES_A_TASK = 8, 4_000_000
# Parts of the keys that a task gets: with one each, the hash of their numbers would give a task three and others none.
PARTS_A_TASK, MOST_PARTS = 16, 1 << 16


class Params(BaseModel, frozen=True, extra="forbid"):
    """threshold: exact Jaccard similarity from which documents are linked, 0 to 1.
    bucket_cap: up to this many documents of one bucket all meet; a greater bucket is divided by the next band keys,
    and its divisions meet in its smallest document by hash.
    anchors: what is still too great meets only this many of its documents, the smallest by hash."""

    threshold: Similarity = 0.5
    bucket_cap: int = Field(default=100, strict=True, ge=2)
    anchors: Count = 10


def transform(new_documents: DataFrame, signatures: DataFrame, params: Params) -> DataFrame:
    """Input columns of signatures: document_id, fine_shingles, coarse_shingles, band_keys.

    Output columns: document_id, method, matches, uncompared; one row for every new document."""
    fresh = new_documents.select("document_id", F.xxhash64("document_id").alias("doc")).localCheckpoint()
    num_new, (num_signed, num_keys) = fresh.count(), sizes(signatures)
    new_docs = F.broadcast(fresh) if num_new <= MOST_SENT else fresh
    marks = wanted_keys(signatures, new_docs) if num_new <= MOST_MARKED and num_new * 4 <= num_signed else None
    tasks = max(LEAST_TASKS, num_keys // ENTRIES_A_TASK)
    met = meetings(key_entries(signatures, new_docs, tasks, marks), params, tasks).localCheckpoint()
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


def wanted_keys(signatures: DataFrame, new_docs: DataFrame) -> NDArray[np.uint8]:
    """Marks of the band keys of the new documents: what else has none of them can meet none of these."""
    new = signatures.select(F.xxhash64("document_id").alias("doc"), "band_keys").join(new_docs, "doc", "left_semi")
    keys = new.select(F.explode("band_keys").alias("key")).toArrow()
    return marks_of(keys.column("key").to_numpy())


def key_entries(
    signatures: DataFrame, new_docs: DataFrame, tasks: int, marks: NDArray[np.uint8] | None = None
) -> DataFrame:
    """Columns part, entries: blocks of band keys with their documents (udfs/band_entries.py). Ids travel as 8 bytes.

    marks: of the keys that matter; None: all do."""
    new = new_docs.select("doc", F.lit(True).alias("is_new"))
    marked = signatures.select(F.xxhash64("document_id").alias("doc"), "band_keys").join(new, "doc", "left")
    named = marked.select("doc", F.coalesce("is_new", F.lit(False)).alias("is_new"), "band_keys")
    cut = partial(entry_batches, parts=min(PARTS_A_TASK * tasks, MOST_PARTS), wanted=marks)
    return named.mapInArrow(cut, ENTRIES_SCHEMA)


def meetings(entries: DataFrame, params: Params, tasks: int) -> DataFrame:
    """Columns left_doc, right_doc, left_new, right_new: the meetings of each bucket; and missed, in rows of their own
    with the new document as left_doc (udfs/buckets.py)."""
    meet = partial(meeting_batches, cap=params.bucket_cap, anchors=params.anchors)
    return entries.repartition(tasks, "part").mapInArrow(meet, MEETING_SCHEMA)


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
    named = signatures.select(F.xxhash64("document_id").alias("doc"), "document_id", F.struct(*GRAINS).alias("sets"))
    if pairs.count() <= MOST_PAIRS_SENT:
        ids = pairs.select(F.explode(F.array("left_doc", "right_doc")).alias("doc")).distinct()
        named = named.join(F.broadcast(ids), "doc", "left_semi")
    sides = {
        side: named.select(
            F.col("doc").alias(f"{side}_doc"),
            F.col("document_id").alias(f"{side}_id"),
            F.col("sets").alias(side),
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
    revision=2,  # divisions meet in a root
)
