"""Texts that say the same: their matches, their pairs across splits, the centres that route the comparison."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import fit_blocks
from jobs.embed_text import Params as Embedding
from jobs.frames import semantic_matches as frame
from jobs.frames.semantic_matches import near_across_splits, semantic_matches
from jobs.match_duplicates import JOB, Params, Semantic, contradiction, part_reads, parts
from jobs.runtime.errors import ConfigError
from jobs.runtime.model_places import same_from
from schemas.embeddings import EMBEDDINGS
from schemas.signatures import SIGNATURES
from tests.conftest import rows

VECTORS = {"a": [1.0, 0.0], "b": [0.96, 0.28], "c": [0.0, 1.0], "d": [0.28, 0.96], "e": [-1.0, 0.0]}
CENTRES = [(0, [1.0, 0.0]), (1, [0.0, 1.0]), (2, [-1.0, 0.0]), (3, [0.0, -1.0])]


def embeddings(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(list(VECTORS.items()), "document_id string, vector array<float>")


def blocks(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(CENTRES, "block_id int, vector array<float>")


@pytest.mark.spark
@pytest.mark.parametrize("sent", [0, 10_000])
def test_every_new_document_with_a_vector_has_a_row(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    """By either way: cosine .96 of a and b, of c and d; .5376 of b and d. Those without a vector wait."""
    monkeypatch.setattr(frame, "MOST_SENT", sent)
    new = spark.createDataFrame([("b",), ("no vector",)], "document_id string")
    found = rows(semantic_matches(new, embeddings(spark), blocks(spark), 0.5), "document_id")
    matches = [{"document_id": "a", "similarity": 0.96}, {"document_id": "d", "similarity": 0.5376}]
    assert found == [{"document_id": "b", "method": "semantic", "matches": matches, "uncompared": 0}]


@pytest.mark.spark
def test_of_two_new_ones_the_greater_id_holds_the_match(spark: SparkSession) -> None:
    new = spark.createDataFrame([(name,) for name in VECTORS], "document_id string")
    found = rows(semantic_matches(new, embeddings(spark), blocks(spark), 0.9), "document_id")
    assert [(row["document_id"], row["matches"]) for row in found] == [
        ("a", []),
        ("b", [{"document_id": "a", "similarity": 0.96}]),
        ("c", []),
        ("d", [{"document_id": "c", "similarity": 0.96}]),
        ("e", []),
    ]


@pytest.mark.spark
def test_pairs_across_splits_with_the_lower_split_first(spark: SparkSession) -> None:
    splits = {"a": "test", "b": "train", "c": "train", "d": "train", "e": "val"}
    placed = spark.createDataFrame(list(splits.items()), "document_id string, split string")
    found = rows(near_across_splits(embeddings(spark), blocks(spark), placed, 0.9), "document_id")
    pair: dict[str, Any] = {"document_id": "b", "other_id": "a", "split": "train", "other_split": "test"}
    assert found == [pair | {"method": "semantic", "similarity": 0.96}], "c and d are both in train"


@pytest.mark.spark
def test_blocks_are_the_root_of_the_documents_and_fitted_anew_after_growth(spark: SparkSession) -> None:
    fitted = "fit int, block_id int, vector array<float>, num_documents bigint"
    unfitted = spark.createDataFrame([], fitted)
    first = rows(fit_blocks.transform(embeddings(spark), unfitted, fit_blocks.Params()), "block_id")
    assert [(row["block_id"], row["fit"], row["num_documents"]) for row in first] == [(0, 1, 5), (1, 1, 5)]
    for documents, fits in ((5, set()), (4, {8})):
        known = spark.createDataFrame([(7, 0, [1.0, 0.0], documents)], fitted)
        again = rows(fit_blocks.transform(embeddings(spark), known, fit_blocks.Params()))
        assert {row["fit"] for row in again} == fits
    assert rows(fit_blocks.transform(embeddings(spark).where("false"), unfitted, fit_blocks.Params())) == []


def test_each_method_has_a_fingerprint_of_what_shapes_it() -> None:
    assert list(parts(Params())) == ["minhash"]
    both = parts(Params(semantic=Semantic(threshold=0.9)))
    assert [(name, part_reads(part)) for name, part in both.items()] == [
        ("minhash", (SIGNATURES,)),
        ("semantic", (EMBEDDINGS,)),
    ]
    assert both["minhash"] == parts(Params())["minhash"] and JOB.part_column == "method"


def test_without_vectors_nothing_can_be_compared() -> None:
    asked, embedded = Params(semantic=Semantic()), Embedding(model="use")
    said = "semantic compares vectors, but embed_text names no model. Name one."
    assert contradiction({"match_duplicates": asked, "embed_text": Embedding()}) == said
    assert contradiction({"match_duplicates": asked, "embed_text": embedded}) is None
    assert fit_blocks.idle({"match_duplicates": Params()}) == "match_duplicates compares no vectors"
    assert fit_blocks.idle({"match_duplicates": asked}) is None


def test_the_threshold_is_the_recipes_or_what_was_found_for_the_model(tmp_path: Any) -> None:
    def threshold(semantic: Semantic | None, model: str) -> float | None:
        return same_from({"match_duplicates": Params(semantic=semantic), "embed_text": Embedding(model=model)})

    assert threshold(None, "use") is None and threshold(Semantic(threshold=0.8), "minilm") == 0.8
    found = threshold(Semantic(), "use")
    assert found is not None and 0.5 < found < 1
    (tmp_path / "model.safetensors").write_bytes(b"numbers")
    with pytest.raises(ConfigError, match=r"match_duplicates\.semantic\.threshold: nothing says from which cosine"):
        threshold(Semantic(), str(tmp_path))
