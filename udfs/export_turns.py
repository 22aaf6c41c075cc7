"""Turns as trainers write them: OpenAI's {"role", "content", "tool_calls"} and ShareGPT's {"from", "value"}.

A turn of the lake is {"role": "assistant", "content": "", "extra": '{"tool_calls":[...]}'}: `extra` is the JSON of
all that the turn brought besides.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

Turn = Mapping[str, Any]
SHAREGPT_ROLES: Mapping[str, str] = {
    "system": "system",
    "developer": "system",
    "user": "human",
    "assistant": "gpt",
    "tool": "observation",
    "function": "observation",
}


def turn_keys(turn: Turn) -> dict[str, Any]:
    """Return what the turn brought besides role and content; `content` is there where it came in parts."""
    extra: dict[str, Any] = orjson.loads(turn["extra"]) if turn["extra"] else {}
    return extra


def content_parts(turn: Turn) -> list[dict[str, Any]]:
    """Return the parts in which the content came, none where it came as one text."""
    parts = turn_keys(turn).get("content")
    return parts if isinstance(parts, list) else []


def has_other_parts(turn: Turn) -> bool:
    """Return whether the content came with parts that are no text, such as images."""
    return any("text" not in part for part in content_parts(turn))


def is_openai(key: str, value: Any) -> bool:
    """Return whether a key of a turn is one of OpenAI's, in the form that its API has."""
    if key == "tool_calls":
        return isinstance(value, list) and all(
            _has_texts(call, {"id", "type"}, {"function"}) and _has_texts(call.get("function"), {"name", "arguments"})
            for call in value
        )
    if key == "function_call":
        return _has_texts(value, {"name", "arguments"})
    return key in ("name", "tool_call_id", "refusal") and isinstance(value, str)


def _has_texts(value: Any, names: set[str], others: AbstractSet[str] = frozenset()) -> bool:
    """Whether an object has texts under these names only, and besides them nothing but the others."""
    return (
        isinstance(value, dict)
        and value.keys() <= names | others
        and all(isinstance(value.get(name, ""), str) for name in names)
    )


def calls_tools(turn: Turn) -> bool:
    """Return whether the turn calls a tool; an empty list of calls is none."""
    extra = turn_keys(turn)
    return bool(extra.get("tool_calls") or extra.get("function_call"))


def openai_turns(turns: Sequence[Turn], as_parts: bool) -> list[dict[str, Any]]:
    """Return the turns of a chat as OpenAI's API has them.

    as_parts: content as a list of parts in every turn: loaders want one type of it in all rows."""
    return [openai_turn(turn, as_parts) for turn in turns]


def openai_turn(turn: Turn, as_parts: bool) -> dict[str, Any]:
    """Return one turn with all its keys; the texts of parts are the cleaned ones."""
    content = _cleaned_parts(content_parts(turn), turn["content"]) if as_parts else turn["content"]
    # A turn of another shape may have brought a role or content of its own, beside the ones that were understood.
    others = {key: value for key, value in turn_keys(turn).items() if key not in ("role", "content")}
    return {"role": turn["role"], "content": content} | others


def _cleaned_parts(parts: list[dict[str, Any]], content: str) -> list[dict[str, Any]]:
    """Return the parts with the cleaned text, which the lake keeps as one; parts that cleaning left alone as they came.

    Of a text that was cleaned, the first part takes all: where one ended and the next began is not known any more."""
    said = [part for part in parts if str(part.get("text") or "").strip()]
    if "\n\n".join(part["text"] for part in said) == content:
        return parts
    if not said:
        return [{"type": "text", "text": content}, *parts]
    first = parts.index(said[0])
    kept = [part for part in parts if part not in said]
    return [*kept[:first], {**said[0], "text": content}, *kept[first:]]


def sharegpt_misfit(turn: Turn) -> str | None:
    """Return why ShareGPT cannot hold a turn, None where it can."""
    extra = turn_keys(turn)
    if has_other_parts(turn):
        return "have content parts that are no text"
    if not calls_tools(turn):
        return None
    if turn["content"]:
        return "speak and call a tool in one turn"
    return None if _calls(extra) else "call tools in another form than OpenAI's"


def sharegpt_turn(turn: Turn) -> dict[str, str]:
    """Return {"from", "value"}; a turn of tool calls is from function_call, its value the JSON of name and arguments.

    One call is an object, several are a list, as LLaMA-Factory reads them."""
    calls = _calls(turn_keys(turn)) if calls_tools(turn) else []
    if not calls:
        return {"from": SHAREGPT_ROLES[turn["role"]], "value": turn["content"]}
    value = orjson.dumps(calls[0] if len(calls) == 1 else calls).decode()
    return {"from": "function_call", "value": value}


def _calls(extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return name and arguments of each call, none where one of them has no name."""
    found = extra.get("tool_calls") or [{"function": extra.get("function_call")}]
    functions = [call.get("function") if isinstance(call, dict) else None for call in _listed(found)]
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in functions):
        return []
    return [{"name": one["name"], "arguments": _arguments(one.get("arguments"))} for one in functions if one]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _arguments(value: Any) -> Any:
    """Return the arguments as an object: OpenAI sends them as a string of JSON."""
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return value
