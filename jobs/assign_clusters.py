"""Find the cluster of every document.  One output row is one document in one fit:
{"dataset": "bank", "document_id": "9f...", "fit": 1, "cluster_id": 7, "distance": 0.31, "margin": 0.08}"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.job import Job, NoParams
from schemas.centroids import CENTROIDS
from schemas.clusters import CLUSTERS
from schemas.embeddings import EMBEDDINGS
from udfs.clusters import PLACES_SCHEMA, place_batches
from udfs.vectors import vectors_of


def transform(new_embeddings: DataFrame, centroids: DataFrame, params: NoParams) -> DataFrame:
    """Input columns: document_id, vector; fit, cluster_id, vector of the fit in force.

    Output columns: those of clusters but dataset and fingerprint."""
    found = centroids.select("cluster_id", "vector", "fit").orderBy("cluster_id").toArrow()
    fit = found["fit"][0].as_py() if found.num_rows else 0
    vectors = new_embeddings.select("document_id", "vector").where(F.lit(fit > 0))
    places = vectors.mapInArrow(partial(place_batches, centres=vectors_of(found["vector"])), PLACES_SCHEMA)
    return places.withColumn("fit", F.lit(fit))


def idle(params: Mapping[str, Any]) -> str | None:
    """Without centroids there is nothing to be near to."""
    if params["fit_clusters"].k is None or params["embed_text"].model is None:
        return "no clusters are fitted"
    return None


JOB = Job(
    "assign_clusters",
    reads=(CENTROIDS,),
    writes=CLUSTERS,
    transform=transform,
    each=EMBEDDINGS,
    iterative=True,
    idle=idle,
)
