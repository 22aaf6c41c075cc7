"""Fit the clusters of a dataset.  One output row is one centroid of one fit:
{"dataset": "bank", "fit": 1, "cluster_id": 7, "num_sampled": 131, "title": "card, lost, stolen"}

Spherical k-means on train rows alone: what val and test hold shapes no cluster.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.fits import Growth, Refit, centres_in_force, refit_due
from jobs.runtime.job import Job
from jobs.runtime.params import Count
from schemas.centroids import CENTROIDS
from schemas.documents import DOCUMENTS
from schemas.embeddings import EMBEDDINGS
from schemas.splits import SPLITS
from udfs.clusters import CENTRES_SCHEMA, centre_batches

# What titles are made from, of each text.
TITLE_CHARACTERS = 1_000
MOST_CLUSTERS = 1_000


class Params(BaseModel, frozen=True, extra="forbid"):
    """k: number of clusters; auto: the root of half the sample, at most 1,000; null fits none.
    sample: train documents to fit on, those whose ids come first.  seed: of the first centres.
    refit: never, always, or growth SHARE: when the train documents have grown so much since the last fit."""

    k: Count | Literal["auto"] | None = None
    sample: Count = 100_000
    seed: int = 1
    refit: Refit = Growth()


def transform(
    embeddings: DataFrame, documents: DataFrame, splits: DataFrame, centroids: DataFrame, params: Params
) -> DataFrame:
    """Input columns: document_id, vector; text; split; fit, cluster_id, vector, num_train of the fit in force.

    Output columns: those of centroids but dataset and fingerprint; no row where no fit is due."""
    train = splits.where("split = 'train'").select("document_id")
    vectors = embeddings.join(train, "document_id", "left_semi").select("document_id", "vector")
    num_train, last = vectors.count(), centres_in_force(centroids, "cluster_id", "num_train")
    if not refit_due(num_train, last.rows, params.refit):
        return centroids.where("false")
    sample = vectors.orderBy("document_id").limit(params.sample)
    texts = documents.select("document_id", F.substring("text", 1, TITLE_CHARACTERS).alias("text"))
    # One task has all rows of the sample in one order: sums of floats depend on both.
    rows = sample.join(texts, "document_id").repartition(1).sortWithinPartitions("document_id").select("vector", "text")
    centre = partial(
        centre_batches, k=number_of(params.k, min(num_train, params.sample)), seed=params.seed, start=last.centres
    )
    stamps = {"fit": F.lit(last.fit + 1), "num_train": F.lit(num_train).cast("bigint")}
    return rows.mapInArrow(centre, CENTRES_SCHEMA).withColumns(stamps)


def number_of(k: int | str | None, rows: int) -> int:
    """How many clusters; of `auto` the root of half the rows (Mardia, Kent, Bibby, Multivariate Analysis, 1979, 13)."""
    return k if isinstance(k, int) else min(MOST_CLUSTERS, max(1, round((rows / 2) ** 0.5)))


def idle(params: Mapping[str, Any]) -> str | None:
    """Clusters are of vectors."""
    if params["fit_clusters"].k is None:
        return "no k is given"
    return "embed_text names no model" if params["embed_text"].model is None else None


JOB = Job(
    "fit_clusters",
    reads=(EMBEDDINGS, DOCUMENTS, SPLITS, CENTROIDS),
    writes=CENTROIDS,
    params=Params,
    transform=transform,
    iterative=True,
    idle=idle,
)
