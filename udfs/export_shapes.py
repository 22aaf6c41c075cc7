"""The shapes that trainers read: which example fits which, and how it looks there.

A plain chat is {"messages": [{"role": "user", "content": "hi"}, ...]} in `chat`, {"conversations": [{"from": "human",
"value": "hi"}, ...]} in `sharegpt`, {"instruction": "hi", "input": "", "output": ...} in `alpaca`. Preferences have
the keys of TRL in `chat` (prompt, chosen, rejected) and of LLaMA-Factory in `sharegpt` and `alpaca`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from udfs.export_turns import (
    calls_tools,
    content_parts,
    has_other_parts,
    is_openai,
    openai_turn,
    openai_turns,
    sharegpt_misfit,
    sharegpt_turn,
    turn_keys,
)

Row = Mapping[str, Any]
REJECTED, SEVERAL_LABELS, SYSTEM, HISTORY, PARTS = "rejected", "labels", "system", "history", "parts"
# A turn of some example has a key that OpenAI knows; or one that it does not know, or knows in another form.
WITH, ODD = "with ", "odd"
WITHOUT = "without "
PARQUET_COLUMNS = (
    "document_id",
    "text",
    "messages",
    "rejected",
    "label",
    "labels",
    "label_source",
    "language",
    "sources",
    "licenses",
    "origin",
    "weight",
    "token_count",
)
CHAT_COLUMNS = ("document_id", "messages", "rejected")


@dataclass(frozen=True)
class Shape:
    """One format. columns: what it reads of dataset_examples.

    misfit: why an example cannot have this shape, as the end of "examples that ..."; None where it can. traits: what
    an example makes all rows of its version have, or, as "without KEY", what the shape has no place for.
    encode: the row, given the traits of the version.
    """

    columns: tuple[str, ...]
    misfit: Callable[[Row], str | None]
    traits: Callable[[Row], Iterator[str]]
    encode: Callable[[Row, frozenset[str]], dict[str, Any]]


def _misfit_of_chat(row: Row) -> str | None:
    return None if row["messages"] else "are plain texts, no chats"


def _traits_of_chat(row: Row) -> Iterator[str]:
    if row["rejected"] is not None:
        yield REJECTED
    for turn in row["messages"]:
        for key, value in turn_keys(turn).items():
            if key in ("role", "content"):
                yield PARTS if content_parts(turn) and key == "content" else WITHOUT + key
            else:
                yield WITH + key if is_openai(key, value) else ODD


def _chat(row: Row, traits: frozenset[str]) -> dict[str, Any]:
    """Return OpenAI's messages, or a preference in TRL's conversational form."""
    turns = openai_turns(row["messages"], as_parts=PARTS in traits)
    if REJECTED not in traits:
        return {"messages": turns, "document_id": row["document_id"]}
    reply = {"role": "assistant", "content": row["rejected"], "extra": None}
    rejected = openai_turn(reply, as_parts=PARTS in traits)
    return {"prompt": turns[:-1], "chosen": turns[-1:], "rejected": [rejected], "document_id": row["document_id"]}


def _misfit_of_sharegpt(row: Row) -> str | None:
    return _misfit_of_chat(row) or next(filter(None, map(sharegpt_misfit, row["messages"])), None)


def _traits_of_sharegpt(row: Row) -> Iterator[str]:
    if row["rejected"] is not None:
        yield REJECTED
    yield from _lost(row, kept={"tool_calls", "function_call"})


def _sharegpt(row: Row, traits: frozenset[str]) -> dict[str, Any]:
    turns = [sharegpt_turn(turn) for turn in row["messages"]]
    if REJECTED not in traits:
        return {"conversations": turns, "document_id": row["document_id"]}
    rejected = {"from": "gpt", "value": row["rejected"]}
    return {"conversations": turns[:-1], "chosen": turns[-1], "rejected": rejected, "document_id": row["document_id"]}


def _misfit_of_alpaca(row: Row) -> str | None:
    if not row["messages"]:
        return "are plain texts, no chats"
    if any(map(calls_tools, row["messages"])):
        return "call tools"
    if any(has_other_parts(turn) for turn in row["messages"]):
        return "have content parts that are no text"
    roles = [turn["role"] for turn in _after_system(row)]
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        return "are no alternation of user and assistant that ends with a reply"
    return None


def _after_system(row: Row) -> list[Row]:
    turns = list(row["messages"])
    return turns[1:] if turns[0]["role"] in ("system", "developer") else turns


def _traits_of_alpaca(row: Row) -> Iterator[str]:
    turns = _after_system(row)
    if row["rejected"] is not None:
        yield REJECTED
    if len(turns) < len(row["messages"]):
        yield SYSTEM
    if len(turns) > 2:
        yield HISTORY
    yield from _lost(row, kept=set())


def _alpaca(row: Row, traits: frozenset[str]) -> dict[str, Any]:
    """Return the columns of Stanford's Alpaca; system and history, as LLaMA-Factory has them, where the version has.

    A column that one row has, all rows have: loaders take the columns of the first for those of all."""
    turns = _after_system(row)
    contents = [turn["content"] for turn in turns]
    example: dict[str, Any] = {"instruction": contents[-2], "input": ""}
    example |= {"chosen": contents[-1], "rejected": row["rejected"]} if REJECTED in traits else {"output": contents[-1]}
    if SYSTEM in traits:
        example["system"] = row["messages"][0]["content"] if len(turns) < len(row["messages"]) else ""
    if HISTORY in traits:
        example["history"] = [contents[at : at + 2] for at in range(0, len(contents) - 2, 2)]
    return example | {"document_id": row["document_id"]}


def _misfit_of_classification(row: Row) -> str | None:
    return None if row["labels"] else "have no label"


def _traits_of_classification(row: Row) -> Iterator[str]:
    if row["label"] is None:
        yield SEVERAL_LABELS
    yield from _traits_of_text(row)


def _classification(row: Row, traits: frozenset[str]) -> dict[str, Any]:
    label = {"labels": row["labels"]} if SEVERAL_LABELS in traits else {"label": row["label"]}
    return {"text": row["text"], **label, "document_id": row["document_id"]}


def _traits_of_text(row: Row) -> Iterator[str]:
    if row["rejected"] is not None:
        yield WITHOUT + "rejected"
    yield from _lost(row, kept=set())


def _text(row: Row, traits: frozenset[str]) -> dict[str, Any]:
    return {"text": row["text"], "document_id": row["document_id"]}


def _lost(row: Row, kept: set[str]) -> Iterator[str]:
    """Yield what else the turns have and this shape cannot hold; parts that are all text are in `content`."""
    found = {key for turn in row["messages"] or () for key in turn_keys(turn)} - kept
    if all("content" not in turn_keys(turn) or _is_all_text(turn) for turn in row["messages"] or ()):
        found.discard("content")
    yield from (WITHOUT + key for key in sorted(found))


def _is_all_text(turn: Row) -> bool:
    return bool(content_parts(turn)) and not has_other_parts(turn)


SHAPES: Mapping[str, Shape] = {
    "chat": Shape(CHAT_COLUMNS, _misfit_of_chat, _traits_of_chat, _chat),
    "alpaca": Shape(CHAT_COLUMNS, _misfit_of_alpaca, _traits_of_alpaca, _alpaca),
    "sharegpt": Shape(CHAT_COLUMNS, _misfit_of_sharegpt, _traits_of_sharegpt, _sharegpt),
    "classification": Shape(
        ("document_id", "text", "messages", "rejected", "label", "labels"),
        _misfit_of_classification,
        _traits_of_classification,
        _classification,
    ),
    "parquet": Shape(
        PARQUET_COLUMNS,
        lambda row: None,
        lambda row: iter(()),
        lambda row, traits: {name: row[name] for name in PARQUET_COLUMNS},
    ),
    "text": Shape(("document_id", "text", "messages", "rejected"), lambda row: None, _traits_of_text, _text),
}
# Traits that every example of a version has to have where one has it: a preference needs its two replies.
ALL_OR_NONE: Mapping[str, str] = {REJECTED: "have no rejected reply, beside others that have one"}
