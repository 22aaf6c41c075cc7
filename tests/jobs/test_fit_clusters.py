"""Fits and refits of clusters, and the clusters of documents."""

from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession

from jobs import assign_clusters
from jobs.embed_text import Params as Embedding
from jobs.fit_clusters import Params, idle, number_of, transform
from jobs.frames.fits import Growth, refit_due
from jobs.runtime.job import NoParams
from tests.conftest import rows

EMBEDDED = "document_id string, vector array<float>"
FITTED = "fit int, cluster_id int, vector array<float>, num_sampled bigint, title string, num_train bigint"


def test_a_fit_is_due_first_always_or_after_growth() -> None:
    assert [refit_due(100, None, one) for one in ("never", "always", Growth())] == [True] * 3
    assert [refit_due(120, 100, one) for one in ("never", "always", Growth())] == [False, True, False]
    assert refit_due(121, 100, Growth()) and not refit_due(149, 100, Growth(growth=0.5))
    assert not refit_due(0, None, "always"), "nothing to fit on"


def test_how_a_refit_is_said() -> None:
    assert Params.model_validate({"refit": "growth 0.5"}).refit == Growth(growth=0.5)
    assert Params.model_validate({"refit": {"growth": 0.1}}).refit == Growth(growth=0.1)
    for wrong in ("sometimes", "growth x", {"growth": 0}):
        with pytest.raises(ValidationError):
            Params.model_validate({"refit": wrong})


def test_auto_is_the_root_of_half_the_rows() -> None:
    assert [number_of("auto", rows) for rows in (1, 2, 200, 5_000_000)] == [1, 1, 10, 1_000] and number_of(7, 2) == 7


def test_without_k_or_vectors_there_is_nothing_to_fit() -> None:
    with_k, embedded = Params(k=2), Embedding(model="use")
    assert idle({"fit_clusters": Params(), "embed_text": embedded}) == "no k is given"
    assert idle({"fit_clusters": with_k, "embed_text": Embedding()}) == "embed_text names no model"
    assert idle({"fit_clusters": with_k, "embed_text": embedded}) is None


def fitted(spark: SparkSession, centroids: DataFrame, **params: Any) -> list[dict[str, Any]]:
    vectors = {"a": [1.0, 0.0], "b": [0.96, 0.28], "c": [0.0, 1.0], "d": [0.28, 0.96], "held out": [-1.0, 0.0]}
    embeddings = spark.createDataFrame(list(vectors.items()), EMBEDDED)
    texts = {"a": "red sun", "b": "red sea", "c": "pole star", "d": "pole bear", "held out": "no no no"}
    documents = spark.createDataFrame(list(texts.items()), "document_id string, text string")
    splits = spark.createDataFrame(
        [(one, "test" if one == "held out" else "train") for one in vectors], "document_id string, split string"
    )
    return rows(transform(embeddings, documents, splits, centroids, Params(k=2, **params)), "cluster_id")


@pytest.mark.spark
def test_a_first_fit_then_none_then_one_that_keeps_its_numbers(spark: SparkSession) -> None:
    none = spark.createDataFrame([], FITTED)
    first = fitted(spark, none)
    assert {(row["title"], row["num_sampled"], row["fit"], row["num_train"]) for row in first} == {
        ("red", 2, 1, 4),
        ("pole", 2, 1, 4),
    }
    assert fitted(spark, none) == first, "seeded, and in one order"
    turned = [(3, 0, [0.0, 1.0], 1, "north", 3), (3, 1, [1.0, 0.0], 2, "east", 3)]
    known = spark.createDataFrame(turned, FITTED)
    assert fitted(spark, known, refit="never") == []
    again = fitted(spark, known)
    assert [(row["cluster_id"], row["title"], row["fit"]) for row in again] == [(0, "pole", 4), (1, "red", 4)]


@pytest.mark.spark
def test_documents_go_to_the_nearest_centroid(spark: SparkSession) -> None:
    centroids = spark.createDataFrame(
        [(2, 0, [0.0, 1.0]), (2, 1, [1.0, 0.0])], "fit int, cluster_id int, vector array<float>"
    )
    embeddings = spark.createDataFrame([("a", [1.0, 0.0]), ("b", [0.6, 0.8])], EMBEDDED)
    assert rows(assign_clusters.transform(embeddings, centroids, NoParams()), "document_id") == [
        {"document_id": "a", "cluster_id": 1, "distance": 0.0, "margin": 1.0, "fit": 2},
        {"document_id": "b", "cluster_id": 0, "distance": 0.2, "margin": 0.2, "fit": 2},
    ]
    assert rows(assign_clusters.transform(embeddings, centroids.where("false"), NoParams())) == []
