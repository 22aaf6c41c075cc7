"""Real embedders: a small BERT of random weights beside the plainest loop there is; MiniLM and USE on sentences."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.runtime.model_places import find_model
from tests.small_models import small_model
from udfs.embedders import EMBEDDERS, Vectors, load_embedder
from udfs.model_files import Model

torch = pytest.importorskip("torch", reason="needs sluice-sft[torch]")
TEXTS = ["a b c d e f g h", "a", "", "c c b", "猫 a"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("small"), "encoder")


def plainly(folder: Path, text: str, pooling: str) -> Any:
    """One text, no padding, no batch."""
    from transformers import AutoModel, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder).eval()(**ids).last_hidden_state[0]
    pooled = {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[pooling]
    return (pooled / pooled.norm()).numpy()


def embedded(model: Model, texts: list[str]) -> Vectors:
    embedder = load_embedder(model, "cpu")
    return embedder.embed(embedder.tokenize(texts))


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_a_batch_with_padding_gives_what_each_text_alone_gives(small: Path, pooling: str) -> None:
    found = embedded(find_model(str(small), EMBEDDERS, pooling=pooling), TEXTS)
    np.testing.assert_allclose(found, [plainly(small, text, pooling) for text in TEXTS], atol=1e-5)


def test_bfloat16_is_near_and_another_dtype_than_float32(small: Path) -> None:
    model = find_model(str(small), EMBEDDERS)
    exact, near = (embedded(replace(model, dtype=dtype), TEXTS) for dtype in ("float32", "bfloat16"))
    assert near.dtype == np.float32 and not np.array_equal(exact, near)
    assert (exact * near).sum(axis=1).min() > 0.999


def test_a_prefix_stands_before_every_text(small: Path) -> None:
    plain, asked = find_model(str(small), EMBEDDERS), find_model(str(small), EMBEDDERS, prefix="a b ")
    np.testing.assert_allclose(embedded(asked, ["c"]), embedded(plain, ["a b c"]), atol=1e-6)


@pytest.mark.network
def test_minilm_sets_english_paraphrases_apart() -> None:
    texts = ["A man is eating food.", "A man is eating a meal.", "The stock market fell sharply."]
    vectors = embedded(find_model("minilm", EMBEDDERS), texts)
    assert vectors.shape == (3, 384) and vectors[0] @ vectors[1] > 0.8 and vectors[0] @ vectors[2] < 0.1


@pytest.mark.network
def test_use_sets_chinese_paraphrases_apart_and_knows_translations() -> None:
    texts = ["今天天气很好", "今天天气真不错", "他在银行工作", "The weather is fine today"]
    vectors = embedded(find_model("use", EMBEDDERS), texts)
    assert vectors.shape == (4, 512)
    assert vectors[0] @ vectors[1] > 0.7 and vectors[0] @ vectors[3] > 0.6 and vectors[0] @ vectors[2] < 0.3
