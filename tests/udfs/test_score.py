"""Rows of scores: order, rounding, what fails, what is no number; similarity to texts."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from udfs import score, scorers, similarity
from udfs.model_files import Model
from udfs.score import score_batches
from udfs.scorers import Scorer
from udfs.scoring import Scored, Setting, plain
from udfs.vectors import lists_of

MODEL = Model("letters", "0" * 64, "encoder", ())


def batch(*texts: str) -> pa.RecordBatch:
    columns = {"document_id": [f"d{n}" for n in range(len(texts))], "attempt": [2] * len(texts), "text": list(texts)}
    return pa.RecordBatch.from_pydict(columns)


def scored(
    monkeypatch: pytest.MonkeyPatch, *texts: str, fails: type[Exception] = ValueError
) -> list[dict[str, object]]:
    calls: list[int] = []

    def length(rows: pa.RecordBatch, setting: Setting) -> Scored:
        calls.append(rows.num_rows)
        values = rows.column("text").to_pylist()
        if "bad" in values:
            raise fails("no such text")
        return plain([float("inf") if one == "inf" else None if one == "none" else len(one) / 3 for one in values])

    monkeypatch.setattr(score, "SCORERS", {"length": Scorer("quality", length)})
    return [row for found in score_batches([batch(*texts)], "length", Setting()) for row in found.to_pylist()]


def test_a_row_for_each_document_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    found = scored(monkeypatch, "ab", "none", "inf")
    assert [tuple(row.values()) for row in found] == [
        ("d0", 2, 0.666667, False, None),
        ("d1", 2, None, False, None),
        ("d2", 2, None, False, "NotFinite"),
    ]


def test_the_row_that_fails_stands_alone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    found = scored(monkeypatch, "a", "b", "bad", "d", "e")
    assert [row["error"] for row in found] == [None, None, "ValueError", None, None]
    assert [row["value"] for row in found] == [0.333333, 0.333333, None, 0.333333, 0.333333]


def test_a_model_that_is_not_there_is_no_fault_of_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="no such text"):
        scored(monkeypatch, "a", "bad", fails=OSError)


def test_every_scorer_says_what_it_needs() -> None:
    for name, scorer in scorers.SCORERS.items():
        assert set(scorer.reads) <= {"text", "messages", "vector"}, name
        assert bool(scorer.models) == ("model" in scorer.takes), name
    with pytest.raises(KeyError):
        next(score_batches([batch("a")], "no such kind", Setting()))


class Compass:
    """A vector for each word."""

    WORDS: ClassVar = {"east": [1.0, 0.0], "north": [0.0, 1.0], "west": [-1.0, 0.0]}

    def tokenize(self, texts: Sequence[str]) -> list[Sequence[int]]:
        return [[list(self.WORDS).index(text)] for text in texts]

    def embed(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        return np.array([list(self.WORDS.values())[one[0]] for one in ids], np.float32)


@pytest.mark.parametrize(("top", "expected"), [(1, [1, 0.8]), (2, [0.5, 0.7]), (9, [0, (0.6 + 0.8 - 0.6) / 3])])
def test_similarity_is_the_mean_of_the_nearest_texts(
    monkeypatch: pytest.MonkeyPatch, top: int, expected: list[float]
) -> None:
    similarity.embedded.cache_clear()
    monkeypatch.setattr(similarity, "loaded", lambda model, device, load: Compass())
    vectors = lists_of(np.array([[1, 0], [0.6, 0.8]], np.float32))
    rows = pa.RecordBatch.from_arrays([vectors], ["vector"])
    found = similarity.similarity(rows, Setting(MODEL, ("east", "north", "west"), top))
    assert found.values == pytest.approx(expected)
    similarity.embedded.cache_clear()
