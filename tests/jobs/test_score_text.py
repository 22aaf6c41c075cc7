"""Scores of documents: which are asked for, of whom, and what a recipe may not say."""

from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession

from jobs.embed_text import Params as Embedding
from jobs.runtime.errors import ConfigError
from jobs.runtime.predicates import require_predicate
from jobs.score_text import JOB, Params, contradiction, idle, part_reads, transform
from schemas.embeddings import EMBEDDINGS
from tests.conftest import rows

DOCUMENTS = "document_id string, text string, messages array<struct<role: string, content: string>>, attempt int"
TEXTS = {"a": "one two three four", "b": "go go go go go go", "c": "1 2 3 4 5", "d": "five six"}


def params(**scorers: dict[str, Any]) -> Params:
    return Params.model_validate({"scorers": scorers, "tasks": 2})


def scored(
    spark: SparkSession, part: str, asked: Params, scores: list[tuple[Any, ...]] | None = None
) -> list[tuple[Any, ...]]:
    documents = spark.createDataFrame([(one, text, None, 1) for one, text in TEXTS.items()], DOCUMENTS)
    known: DataFrame = spark.createDataFrame(scores or [], "document_id string, scorer string, value double")
    vectors = spark.createDataFrame([], "document_id string, vector array<float>")
    found = transform(documents, known, vectors, models={}, part=part, params=asked)
    return [tuple(row.values()) for row in rows(found, "document_id")]


@pytest.mark.spark
def test_a_row_for_each_document(spark: SparkSession) -> None:
    assert scored(spark, "repetition", params(repetition={})) == [
        ("a", 1, 0.0, False, None, "repetition", "quality"),
        ("b", 1, 0.75, False, None, "repetition", "quality"),
        ("c", 1, 0.0, False, None, "repetition", "quality"),
        ("d", 1, 0.0, False, None, "repetition", "quality"),
    ]
    named = scored(spark, "noise", params(noise={"kind": "digit_share"}))
    assert [(row[0], row[2], row[5]) for row in named][2] == ("c", 1.0, "noise")


@pytest.mark.spark
def test_a_scorer_is_asked_about_what_cheaper_ones_leave(spark: SparkSession) -> None:
    asked = params(repetition={}, words={"where": "repetition < 0.5", "top": {"n": 1, "by": "repetition"}})
    known = [("a", "repetition", 0.1), ("b", "repetition", 0.75), ("c", "repetition", 0.0), ("d", "repetition", 0.0)]
    assert scored(spark, "words", asked, known) == [("a", 1, 4.0, False, None, "words", "quality")]


@pytest.mark.spark
def test_a_predicate_that_cannot_be_read_is_told(spark: SparkSession) -> None:
    require_predicate(spark, "repetition < 0.5", ["repetition"], "here")
    for wrong in ("repetition <", "repetition < 1 AND toxicity > 2"):
        with pytest.raises(ConfigError, match=r"here: .* It may name repetition\."):
            require_predicate(spark, wrong, ["repetition"], "here")


@pytest.mark.parametrize(
    ("scorers", "said"),
    [
        ({"x": {}}, "scorers.x: expected kind to be one of repetition,"),
        ({"x": {"kind": "fluency"}}, "scorers.x: fluency takes model; found neither"),
        ({"x": {"kind": "words", "model": "smollm2"}}, "scorers.x: words takes neither model nor texts; found model"),
        ({"x": {"kind": "similarity"}}, "scorers.x: similarity takes texts; found neither"),
        (
            {"words": {"top": {"n": 1, "by": "x"}}},
            r"scorers.words.top.by: expected one that stands before it \(none does\)",
        ),
        (
            {"words": {}, "repetition": {"where": "digits > 1"}},
            "scorers.repetition.where: expected the name of a scorer",
        ),
        ({"Two Words": {"kind": "words"}}, "match pattern"),
        ({"words": {"top": {"n": 0, "by": "x"}}}, "greater than or equal to 1"),
    ],
)
def test_what_a_recipe_may_not_say(scorers: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        params(**scorers)


def test_similarity_needs_vectors_and_they_shape_it() -> None:
    asked = params(near={"kind": "similarity", "texts": ["a"]}, words={})
    without, with_model = ({"score_text": asked, "embed_text": Embedding(model=model)} for model in (None, "use"))
    assert contradiction(without) == "scorers.near compares vectors, but embed_text names no model. Name one."
    assert contradiction(with_model) is None
    assert [part_reads(one) for one in asked.scorers.values()] == [(EMBEDDINGS,), ()]


def test_without_scorers_there_is_nothing_to_do() -> None:
    assert idle({"score_text": Params()}) == "no scorer is named" and idle({"score_text": params(words={})}) is None
    assert JOB.parts_of(params(words={}, repetition={})).keys() == {"words", "repetition"}
