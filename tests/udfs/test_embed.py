"""Rows of embeddings by a small embedder of our own; the real ones on real sentences where their packages are."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from udfs import embed, model_cache
from udfs.embed import embed_batches
from udfs.model_files import Model

MODEL = Model("letters", "0" * 64, "encoder", (), max_tokens=4)


class Letters:
    """A token a character; the vector says how many there are. It knows no x, and gives no number for y."""

    calls: list[int]

    def __init__(self) -> None:
        self.calls = []

    def tokenize(self, texts: Sequence[str]) -> list[Sequence[int]]:
        return [[ord(letter) for letter in text] for text in texts]

    def embed(self, batch: Sequence[Sequence[int]]) -> np.ndarray:
        self.calls.append(len(batch))
        if any(ord("x") in ids for ids in batch):
            raise ValueError("no x")
        return np.array([[len(ids), np.nan if ord("y") in ids else 1] for ids in batch], np.float32)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    one = Letters()
    monkeypatch.setattr(embed, "load_embedder", lambda model, device: one)
    monkeypatch.setattr(model_cache, "_kept", OrderedDict())
    return one


def rows(*texts: str, budget: int = 4) -> list[dict[str, object]]:
    columns = {"document_id": [f"d{n}" for n in range(len(texts))], "attempt": [1] * len(texts), "text": list(texts)}
    batch = pa.RecordBatch.from_pydict(columns)
    return [row for found in embed_batches([batch], MODEL, budget) for row in found.to_pylist()]


def test_rows_keep_their_order_and_long_texts_are_cut_and_marked(letters: Letters) -> None:
    found = rows("ab", "abcdef", "a", "abcd")
    assert [(row["document_id"], row["vector"], row["num_tokens"], row["is_truncated"]) for row in found] == [
        ("d0", [2.0, 1.0], 2, False),
        ("d1", [4.0, 1.0], 4, True),
        ("d2", [1.0, 1.0], 1, False),
        ("d3", [4.0, 1.0], 4, False),
    ]
    assert letters.calls == [1, 1, 2], "4 tokens a batch"


def test_what_fails_is_an_error_of_its_batch_and_never_a_null(letters: Letters) -> None:
    found = rows("abcd", "abcx", "ay", "bb")
    assert [(row["vector"] is None, row["error"]) for row in found] == [
        (False, None),
        (True, "ValueError"),
        (True, "NotFinite"),
        (False, None),
    ]


def test_a_worker_loads_a_model_once_and_keeps_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "_kept", OrderedDict())
    made: list[tuple[str, str]] = []

    def load(model: Model, device: str) -> tuple[str, str]:
        made.append((model.digest, device))
        return made[-1]

    one, two, three = (Model("m", digit * 64, "encoder", ()) for digit in "123")
    for model, device in [(one, "cpu"), (one, "cpu"), (one, "cuda:1"), (one, "cpu"), (two, "cpu"), (one, "cpu")]:
        assert model_cache.loaded(model, device, load) == (model.digest, device)
    assert made == [(one.digest, "cpu"), (one.digest, "cuda:1"), (two.digest, "cpu")]
    model_cache.loaded(three, "cpu", load)
    model_cache.loaded(two, "cpu", load)
    assert made[3:] == [(three.digest, "cpu"), (two.digest, "cpu")], "two had gone for three"
