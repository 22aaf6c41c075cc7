"""Scores of a small causal model beside the plainest loop: one text, no batch, softmax over all words."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

from jobs.runtime.model_places import find_model
from tests.small_models import small_model
from udfs import causal_models
from udfs.lm_scores import bits_per_byte, fluency, instruction_following_difficulty, perplexity
from udfs.model_files import Kind, Model
from udfs.scoring import Setting

CAUSAL: Final[tuple[Kind, ...]] = ("causal",)
torch = pytest.importorskip("torch", reason="needs sluice-sft[torch]")
TEXTS = ["a b c d", "h h", "a", "", "b a 猫 猫 g e f d c b a", "c c c"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return find_model(str(small_model(tmp_path_factory.mktemp("small"), "causal")), CAUSAL)


def logs(model: Model, text: str) -> list[float]:
    """log p of each word of a text but the first."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Path(model.files[0].place).parent
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        probabilities = AutoModelForCausalLM.from_pretrained(folder)(input_ids=ids).logits[0].softmax(-1)
    return [math.log(probabilities[at, word]) for at, word in enumerate(ids[0, 1:].tolist())]


def texts(*given: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": list(given)})


def chat(*turns: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content, "extra": None} for role, content in turns]


@pytest.mark.parametrize("budget", [4, 2_048])
def test_texts_are_as_likely_as_one_by_one(model: Model, budget: int) -> None:
    rows, setting = texts(*TEXTS), Setting(model, budget=budget)
    found, others = fluency(rows, setting), perplexity(rows, setting)
    assert found.errors == [None] * len(TEXTS) and not any(found.is_truncated)
    for text, value, other in zip(TEXTS, found.values, others.values, strict=True):
        if len(text.split()) < 2:
            assert value is None and other is None, "nothing stands before its first word"
        else:
            assert value == pytest.approx(np.mean(logs(model, text)), abs=1e-4)
            assert other == pytest.approx(math.exp(-np.mean(logs(model, text))), rel=1e-3)
    # "a b c d": three words of two bytes each, with their spaces
    expected = -sum(logs(model, TEXTS[0])) / math.log(2) / 6
    assert bits_per_byte(rows, setting).values[0] == pytest.approx(expected, rel=1e-4)


def test_some_logits_at_once_give_what_all_give(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fluency(texts(*TEXTS), Setting(model)).values
    monkeypatch.setattr(causal_models, "LOGITS_AT_ONCE", 20)
    assert fluency(texts(*TEXTS), Setting(model)).values == pytest.approx(whole, abs=1e-6)


def test_long_texts_are_cut_and_marked(model: Model) -> None:
    short = Setting(replace(model, max_tokens=3))
    found = fluency(texts("a b c d", "a b c"), short)
    assert list(found.is_truncated) == [True, False]
    assert found.values[0] == pytest.approx(found.values[1], abs=1e-5)


def test_ifd_is_the_perplexity_after_the_prompt_by_that_after_the_header(model: Model) -> None:
    prompt, reply = chat(("user", "a b"), ("assistant", "c"), ("user", "d")), "e f g"
    rows = [[*prompt, *chat(("assistant", reply))], chat(("user", "a"), ("user", "b")), None, chat(("assistant", "a"))]
    found = instruction_following_difficulty(pa.RecordBatch.from_pydict({"messages": rows}), Setting(model))
    assert [value is None for value in found.values] == [False, True, True, True] and set(found.errors) == {None}
    before = "user : a b [SEP] assistant : c [SEP] user : d [SEP] assistant : "
    after_prompt, alone = (np.mean(logs(model, given + reply)[-3:]) for given in (before, "assistant : "))
    assert found.values[0] == pytest.approx(math.exp(alone - after_prompt), rel=1e-3)


def test_a_long_chat_keeps_the_end_of_its_prompt_and_the_same_reply_on_both_sides(model: Model) -> None:
    rows = pa.RecordBatch.from_pydict({"messages": [chat(("user", "a b c d e"), ("assistant", "f g h a b c d"))]})
    found = instruction_following_difficulty(rows, Setting(replace(model, max_tokens=8)))
    given = ["d", "e", "[SEP]", "assistant", ":"]  # the last four tokens before the reply are "e [SEP] assistant :"
    after_prompt = np.mean(logs(model, " ".join(given[-4:]) + " f g h a")[-4:])
    alone = np.mean(logs(model, "assistant : f g h a")[-4:])
    assert list(found.is_truncated) == [True]
    assert found.values[0] == pytest.approx(math.exp(alone - after_prompt), rel=1e-3)


def test_what_fails_is_an_error_of_its_texts(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: causal_models.CausalModel, batch: list[causal_models.Judged]) -> Any:
        if any(len(one.ids) == 4 for one in batch):
            raise RuntimeError("no such kernel")
        return np.array([np.nan] * len(batch))

    monkeypatch.setattr(causal_models.CausalModel, "log_likelihoods", fail)
    found = fluency(texts("a b c d", "a b"), Setting(model, budget=4))
    assert found.errors == ["RuntimeError", "NotFinite"] and found.values == [None, None]


@pytest.mark.network
def test_smollm_finds_fluent_english_likelier_than_its_words_in_disorder() -> None:
    setting = Setting(find_model("smollm2", CAUSAL))
    ordered, mixed = perplexity(
        texts("She opened the door and went home.", "home door the She and opened went."), setting
    ).values
    assert ordered is not None and mixed is not None and ordered * 5 < mixed
