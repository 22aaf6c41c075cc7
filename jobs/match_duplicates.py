"""Find and verify near-duplicates.  One output row is one document with its matches to earlier or equal ones:
{"document_id": "9f...", "method": "minhash", "matches": [{"document_id": "07..", "similarity": 0.84}], "uncompared": 0}

New documents meet all documents of the lake that share a band key; the exact Jaccard similarity of their shingles
decides. Old documents are neither signed nor compared again.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.jaccard import with_similarity
from jobs.frames.match_rows import by_document, held, left_out, match_rows
from jobs.frames.semantic_matches import semantic_matches
from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.model_places import same_from
from jobs.runtime.params import Count, Similarity
from schemas.blocks import BLOCKS
from schemas.documents import DOCUMENTS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.embeddings import EMBEDDINGS
from schemas.signatures import SIGNATURES
from schemas.table import Table
from udfs.band_entries import ENTRIES_SCHEMA, entry_batches, marks_of
from udfs.buckets import MEETING_SCHEMA, meeting_batches
from udfs.jaccard import GRAINS

MINHASH, SEMANTIC = "minhash", "semantic"
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


class MinHash(BaseModel, frozen=True, extra="forbid"):
    """What shapes matches by shingles."""

    threshold: Similarity
    bucket_cap: int
    anchors: int


class Semantic(BaseModel, frozen=True, extra="forbid"):
    """threshold: cosine of vectors from which texts say the same; null takes that of the model, where it has one."""

    threshold: Similarity | None = None


class Params(BaseModel, frozen=True, extra="forbid"):
    """threshold: exact Jaccard similarity from which documents are linked, 0 to 1.
    bucket_cap: up to this many documents of one bucket all meet; a greater bucket is divided by the next band keys,
    and its divisions meet in its smallest document by hash.
    anchors: what is still too great meets only this many of its documents, the smallest by hash.
    semantic: compare vectors too, from a threshold up; null compares none."""

    threshold: Similarity = 0.5
    bucket_cap: int = Field(default=100, strict=True, ge=2)
    anchors: Count = 10
    semantic: Semantic | None = None


def parts(params: Params) -> dict[str, BaseModel]:
    """The methods that the recipe asks for."""
    minhash: dict[str, BaseModel] = {MINHASH: MinHash(**params.model_dump(exclude={SEMANTIC}))}
    return minhash | ({SEMANTIC: params.semantic} if params.semantic else {})


def transform(
    new_documents: DataFrame,
    signatures: DataFrame,
    embeddings: DataFrame,
    blocks: DataFrame,
    cosine: float | None,
    part: str,
    params: Params,
) -> DataFrame:
    """Input columns: document_id; document_id, fine_shingles, coarse_shingles, band_keys; document_id, vector;
    block_id, vector.  cosine: from which texts say the same.

    Output columns: document_id, method, matches, uncompared; one row for every new document (that has a vector, where
    vectors are compared)."""
    if part == MINHASH:
        return shingle_matches(new_documents, signatures, params)
    assert cosine is not None  # the recipe was checked
    return semantic_matches(new_documents, embeddings, blocks, cosine)


def shingle_matches(new_documents: DataFrame, signatures: DataFrame, params: Params) -> DataFrame:
    """Matches of the documents that share a band key, from the exact Jaccard similarity up."""
    fresh = new_documents.select("document_id", F.xxhash64("document_id").alias("doc")).localCheckpoint()
    num_new, (num_signed, num_keys) = fresh.count(), sizes(signatures)
    new_docs = F.broadcast(fresh) if num_new <= MOST_SENT else fresh
    marks = wanted_keys(signatures, new_docs) if num_new <= MOST_MARKED and num_new * 4 <= num_signed else None
    tasks = max(LEAST_TASKS, num_keys // ENTRIES_A_TASK)
    met = meetings(key_entries(signatures, new_docs, tasks, marks), params, tasks).localCheckpoint()
    matches = verify(candidate_pairs(met).localCheckpoint(), signatures, params).transform(by_document)
    return match_rows(fresh, matches, left_out(met), MINHASH)


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
    return held(with_similarity(joined, params.threshold))


def contradiction(params: Mapping[str, Any]) -> str | None:
    """Vectors are compared where there are any."""
    if params["match_duplicates"].semantic is None or params["embed_text"].model is not None:
        return None
    return "semantic compares vectors, but embed_text names no model. Name one."


def external(context: Context) -> dict[str, Any]:
    """From which cosine texts say the same."""
    return {"cosine": same_from(context.recipe.params)}


def part_reads(part: BaseModel) -> tuple[Table, ...]:
    """Blocks decide what is compared and not what is alike: they shape nothing."""
    return (EMBEDDINGS,) if isinstance(part, Semantic) else (SIGNATURES,)


JOB = Job(
    "match_duplicates",
    reads=(SIGNATURES, EMBEDDINGS, BLOCKS),
    writes=DUPLICATE_MATCHES,
    params=Params,
    transform=transform,
    each=DOCUMENTS,
    lake=(SIGNATURES, EMBEDDINGS),
    external=external,
    iterative=True,
    parts=parts,
    part_column="method",
    part_reads=part_reads,
    contradiction=contradiction,
    lake_params=("threshold", "bucket_cap", "anchors"),
    revision=2,  # divisions meet in a root
)
