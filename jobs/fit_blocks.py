"""Fit the centres that route comparisons of vectors.  One output row is one centre of one fit:
{"fit": 1, "block_id": 17, "num_documents": 20000}

They belong to the lake, and decide only what is compared: a refit compares nothing anew.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.fits import Growth, Refit, centres_in_force, refit_due
from jobs.runtime.job import Job
from jobs.runtime.params import Count
from schemas.blocks import BLOCKS
from schemas.embeddings import EMBEDDINGS
from udfs.clusters import BLOCKS_SCHEMA, block_batches


class Params(BaseModel, frozen=True, extra="forbid"):
    """sample: documents to fit on, those whose ids come first.  seed: of the first centres.
    refit: never, always, or growth SHARE: when the documents have grown so much since the last fit."""

    sample: Count = 100_000
    seed: int = 1
    refit: Refit = Growth()


def transform(embeddings: DataFrame, blocks: DataFrame, params: Params) -> DataFrame:
    """Input columns: document_id, vector; fit, block_id, vector, num_documents of the fit in force.

    Output columns: those of blocks but fingerprint; the root of the number of documents many rows, none where no fit is
    due."""
    count, last = embeddings.count(), centres_in_force(blocks, "block_id", "num_documents")
    if not refit_due(count, last.rows, params.refit):
        return blocks.where("false")
    sample = embeddings.select("document_id", "vector").orderBy("document_id").limit(params.sample)
    rows = sample.repartition(1).sortWithinPartitions("document_id").select("vector")
    fit = partial(block_batches, k=max(1, round(count**0.5)), seed=params.seed)
    stamps = {"fit": F.lit(last.fit + 1), "num_documents": F.lit(count).cast("bigint")}
    return rows.mapInArrow(fit, BLOCKS_SCHEMA).withColumns(stamps)


def idle(params: Mapping[str, Any]) -> str | None:
    """Only comparisons of vectors need routing."""
    return "match_duplicates compares no vectors" if params["match_duplicates"].semantic is None else None


JOB = Job(
    "fit_blocks",
    reads=(EMBEDDINGS, BLOCKS),
    writes=BLOCKS,
    params=Params,
    transform=transform,
    lake=(EMBEDDINGS,),
    iterative=True,
    idle=idle,
)
