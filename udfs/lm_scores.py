"""Scores by a causal language model: how likely a text is, and how much a prompt makes its answer likelier."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from udfs.causal_models import CausalModel, Judged
from udfs.model_cache import loaded, task_device
from udfs.scoring import NOT_FINITE, Scored, Setting
from udfs.token_batches import answers


def perplexity(rows: pa.RecordBatch, setting: Setting) -> Scored:
    """exp of minus the mean log-probability of a token, from 1.  Input columns: text."""
    return _of_text(rows, setting, lambda log, one: math.exp(-log / one.tokens))


def bits_per_byte(rows: pa.RecordBatch, setting: Setting) -> Scored:
    """Bits that the model needs for a byte of UTF-8, from 0: to compare across tokenizers and languages."""
    return _of_text(rows, setting, lambda log, one: -log / math.log(2) / one.num_bytes)


def fluency(rows: pa.RecordBatch, setting: Setting) -> Scored:
    """Mean natural logarithm of the probability of a token, to 0: the greater the more fluent."""
    return _of_text(rows, setting, lambda log, one: log / one.tokens)


def instruction_following_difficulty(rows: pa.RecordBatch, setting: Setting) -> Scored:
    """Perplexity of the last reply after its prompt, divided by that after the bare header of a reply: below 1 where
    the prompt helps (Li et al., Superfiltering, ACL 2024, section 2).  Null for what is no chat that ends in a reply.

    Input columns: messages."""
    model = _model(setting)
    chats = [_split(turns) for turns in rows.column("messages").to_pylist()]
    places = [place for place, chat in enumerate(chats) if chat is not None]
    pairs = [_judged_pair(model, *chat, _most(setting)) for chat in chats if chat is not None]
    found, errors = _log_likelihoods(model, [one for pair in pairs for one in pair.sides], setting)
    values: list[float | None] = [None] * len(chats)
    failed: list[str | None] = [None] * len(chats)
    cut = [False] * len(chats)
    for number, place in enumerate(places):
        after_prompt, alone = found[2 * number : 2 * number + 2]
        failed[place] = errors[2 * number] or errors[2 * number + 1]
        cut[place] = pairs[number].is_truncated
        if after_prompt is not None and alone is not None:
            values[place] = math.exp((alone - after_prompt) / pairs[number].tokens)
    return Scored(values, failed, cut)


class Pair(NamedTuple):
    """A reply after its prompt and after the header alone; of how many tokens it is, and whether it was cut."""

    sides: tuple[Judged, Judged]
    tokens: int
    is_truncated: bool


def _judged_pair(model: CausalModel, turns: list[dict[str, str]], reply: str, most: int) -> Pair:
    """Both have the same tokens of the reply; what is too long loses the beginning of the prompt, then its own end."""
    prompt, header = model.prompt(turns)
    given, bare, answer = model.tokenize([prompt, header, reply])
    kept = answer[: max(1, most // 2, most - len(given))]
    room = most - len(kept)
    after_prompt, alone = (Judged([*before[-room:], *kept], len(before[-room:])) for before in (given, bare))
    return Pair((after_prompt, alone), len(kept), len(given) > room or len(kept) < len(answer))


def _split(turns: list[dict[str, Any]] | None) -> tuple[list[dict[str, str]], str] | None:
    """The turns before the last reply, and that reply; None where there is none."""
    if not turns or len(turns) < 2 or turns[-1]["role"] != "assistant" or not turns[-1]["content"]:
        return None
    before = [{"role": str(turn["role"]), "content": str(turn["content"] or "")} for turn in turns[:-1]]
    return before, str(turns[-1]["content"])


def _of_text(rows: pa.RecordBatch, setting: Setting, value: Callable[[float, Judged], float]) -> Scored:
    """A value of the likelihood of each text; null where no token of it counts, as of a text of one."""
    model = _model(setting)
    judged = model.judged(rows.column("text").to_pylist(), _most(setting))
    sums, errors = _log_likelihoods(model, judged, setting)
    values = [
        value(found, one) if found is not None and one.tokens and one.num_bytes else None
        for found, one in zip(sums, judged, strict=True)
    ]
    return Scored(values, errors, [one.is_truncated for one in judged])


def _log_likelihoods(
    model: CausalModel, judged: Sequence[Judged], setting: Setting
) -> tuple[list[float | None], list[str | None]]:
    """The log-likelihood of each, or the kind of error."""
    sums: list[float | None] = [None] * len(judged)
    errors: list[str | None] = [None] * len(judged)
    counted = [place for place, one in enumerate(judged) if one.tokens]
    items = [judged[place] for place in counted]
    for numbers, result in answers(items, [len(one.ids) for one in items], setting.budget, model.log_likelihoods):
        for number, place in enumerate(counted[one] for one in numbers):
            if isinstance(result, Exception):
                errors[place] = type(result).__name__
            elif math.isfinite(result[number]):
                sums[place] = float(result[number])
            else:
                errors[place] = NOT_FINITE
    return sums, errors


def _model(setting: Setting) -> CausalModel:
    assert setting.model is not None  # the recipe was checked
    return loaded(setting.model, task_device(), CausalModel)


def _most(setting: Setting) -> int:
    assert setting.model is not None  # the recipe was checked
    return setting.model.max_tokens
