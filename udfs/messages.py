"""Read the turns of a chat: OpenAI's {"role": "user", "content": "hi"} and ShareGPT's {"from": "human", "value": "hi"}.

Both become Message(role="user", content="hi", extra=None). A turn is understood whole or its record is dropped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from udfs.payload_fields import DropError, kind_name, scalar_text

# The keys of role and content in the shapes that are understood.
TURN_KEYS = (("role", "content"), ("from", "value"))
# Names as they are found -> OpenAI's. prompter is OpenAssistant's.
ROLES = {role: role for role in ("system", "developer", "user", "assistant", "tool", "function")} | {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}


@dataclass(frozen=True)
class Message:
    """One turn; `extra` is the canonical JSON of its other keys (tool_calls, name, content parts), or None."""

    role: str
    content: str
    extra: str | None = None


def render(messages: Sequence[Message]) -> str:
    """Return the contents joined by a blank line; a turn of tool calls alone has none."""
    return "\n\n".join(message.content for message in messages if message.content)


def parse_turns(turns: object, path: str) -> tuple[Message, ...]:
    """Return the messages of a list of turns; one of them at least is the assistant's."""
    if turns is None:
        raise DropError("missing_field", path)
    if not isinstance(turns, list):
        raise DropError("bad_messages", f"{path}: expected a list of turns, found {kind_name(turns)}")
    parsed = (_parse_turn(turn, f"{path} turn {number}") for number, turn in enumerate(turns, start=1))
    # Exports write an empty system turn where there was no system prompt.
    messages = tuple(message for message in parsed if message != Message("system", ""))
    if not any(message.role == "assistant" for message in messages):
        raise DropError("bad_messages", f"{path}: no turn of the assistant")
    return messages


def _parse_turn(turn: object, where: str) -> Message:
    """Return one turn of either shape."""
    if not isinstance(turn, Mapping):
        raise DropError("bad_messages", f"{where}: expected an object, found {kind_name(turn)}")
    role_key, content_key = _turn_keys(turn, where)
    role = ROLES.get(str(turn[role_key]).strip().lower())
    if role is None:
        raise DropError("bad_messages", f"{where}: its role is none of {', '.join(ROLES)}")
    # A null says nothing: Parquet fills absent keys with it, and the same chat as JSON has to get the same id.
    extra = {key: value for key, value in turn.items() if key not in (role_key, content_key) and value is not None}
    content = turn.get(content_key)
    if isinstance(content, list):
        extra["content"] = content
        content = "\n\n".join(_part_texts(content, where))
    text = scalar_text(content, "bad_messages", where)
    if not text.strip():
        _check_silent(role, extra, where)
        text = ""
    return Message(role, text, _dump(extra, where) if extra else None)


def _dump(extra: Mapping[str, object], where: str) -> str:
    try:
        return orjson.dumps(extra, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # orjson reads deeper nesting than it writes
        raise DropError("bad_messages", f"{where}: nested too deep") from None


def _turn_keys(turn: Mapping[str, object], where: str) -> tuple[str, str]:
    """Return the keys of role and content; a turn may lack the content where it calls tools."""
    for role_key, content_key in TURN_KEYS:
        if role_key in turn and (content_key in turn or turn.get("tool_calls") or turn.get("function_call")):
            return role_key, content_key
    raise DropError("bad_messages", f"{where}: has neither role and content nor from and value")


def _part_texts(parts: list[object], where: str) -> Iterator[str]:
    """Yield the texts among the content parts; the parts themselves, images too, stay in `extra`."""
    for part in parts:
        if not isinstance(part, Mapping):
            raise DropError("bad_messages", f"{where}: expected an object as content part, found {kind_name(part)}")
        text = part.get("text")
        if isinstance(text, str) and text.strip():
            yield text


def _check_silent(role: str, extra: Mapping[str, object], where: str) -> None:
    """Drop a chat with a turn that says nothing, by text, calls or parts; a tool may answer with nothing."""
    is_structured = any(value and isinstance(value, list | dict) for value in extra.values())
    is_empty_system = role == "system" and not extra
    if not (is_structured or is_empty_system or role in ("tool", "function")):
        raise DropError("empty_text", where)
