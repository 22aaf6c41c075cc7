"""The columns of an export as Hugging Face `datasets` writes them in a dataset card.

Loaders of JSON take the types of the first rows for those of all, and fail where a later file has the first chat with
a history or a tool call. Declared types spare them the guess.
"""

from collections.abc import Mapping
from typing import Any, Final

from udfs.export_shapes import HISTORY, ODD, PARTS, REJECTED, SEVERAL_LABELS, SYSTEM, WITH

Feature = dict[str, Any]
CALLED: Final = {"name": "name", "dtype": "string"}, {"name": "arguments", "dtype": "string"}
# The keys that a turn of OpenAI's may have besides role and content.
TURN_KEYS: Mapping[str, Feature] = {
    "name": {"dtype": "string"},
    "tool_call_id": {"dtype": "string"},
    "refusal": {"dtype": "string"},
    "function_call": {"struct": list(CALLED)},
    "tool_calls": {
        "list": [
            {"name": "id", "dtype": "string"},
            {"name": "type", "dtype": "string"},
            {"name": "function", "struct": list(CALLED)},
        ]
    },
}


def features(form: str, traits: frozenset[str]) -> list[Feature] | None:
    """Return the columns of a format in order, given the traits of the version; None where readers need no help
    (Parquet) or only they can tell (content parts, unknown keys of turns)."""
    if form == "parquet" or traits & {PARTS, ODD}:
        return None
    if form == "chat":
        columns = _chat(traits)
    elif form == "sharegpt":
        columns = _sharegpt(REJECTED in traits)
    elif form == "alpaca":
        columns = _alpaca(traits)
    else:
        columns = [_text("text")]
    if form == "classification":
        columns.append({"name": "labels", "list": "string"} if SEVERAL_LABELS in traits else _text("label"))
    return [*columns, _text("document_id")]


def _text(name: str) -> Feature:
    return {"name": name, "dtype": "string"}


def _chat(traits: frozenset[str]) -> list[Feature]:
    keys = [{"name": name, **feature} for name, feature in TURN_KEYS.items() if WITH + name in traits]
    turns = [_text("role"), _text("content"), *keys]
    names = ("prompt", "chosen", "rejected") if REJECTED in traits else ("messages",)
    return [{"name": name, "list": turns} for name in names]


def _sharegpt(preferences: bool) -> list[Feature]:
    turn = [_text("from"), _text("value")]
    replies = [{"name": name, "struct": turn} for name in ("chosen", "rejected")]
    return [{"name": "conversations", "list": turn}, *(replies if preferences else [])]


def _alpaca(traits: frozenset[str]) -> list[Feature]:
    replies = ("chosen", "rejected") if REJECTED in traits else ("output",)
    columns = [_text(name) for name in ("instruction", "input", *replies)]
    columns += [_text("system")] if SYSTEM in traits else []
    return columns + ([{"name": "history", "list": {"list": "string"}}] if HISTORY in traits else [])
