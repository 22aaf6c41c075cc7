"""Read the turns of a chat: OpenAI's {"role": "user", "content": "hi"} and ShareGPT's {"from": "human", "value": "hi"}.

Both become Message(role="user", content="hi", extra=None). A turn is understood whole or its record is dropped.
ShareGPT's turns of tools ("function_call", "observation") are known to `read_turns` alone: what `parse_turns` makes of
turns that `fields` names is fixed by the fingerprints that such sources have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
# What the tools of ShareGPT's chats are called, where rows are read by sight.
TOOL_ROLES = {role: "tool" for role in ("observation", "tool_response", "function_response")}
CALLS = ("function_call", "tool_call")


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
    messages = _said(_parse_turn(turn, f"{path} turn {number}", ROLES) for number, turn in enumerate(turns, start=1))
    require_reply(messages, path)
    return messages


def read_turns(turns: Sequence[object], path: str) -> tuple[Message, ...]:
    """Return the messages of turns that may be a part of a chat, ShareGPT's turns of tools among them."""
    places = [(turn, f"{path} turn {number}") for number, turn in enumerate(turns, start=1)]
    return _said(_parse_turn(_spelled_out(turn, where), where, ROLES | TOOL_ROLES) for turn, where in places)


def require_reply(messages: Sequence[Message], path: str) -> None:
    """Drop a chat in which the assistant says nothing."""
    if not any(message.role == "assistant" for message in messages):
        raise DropError("bad_messages", f"{path}: no turn of the assistant")


def other_reply(turns: Sequence[Message], messages: tuple[Message, ...], path: str) -> str:
    """Return the rejected reply of a chat, which has to differ from the chosen one in its last content only."""
    *prompt, reply = turns or [Message("system", "")]
    if tuple(prompt) != messages[:-1] or reply != Message("assistant", reply.content):
        raise DropError("bad_messages", f"{path}: expected the chat with another last reply, found another chat")
    return reply.content


def _said(parsed: Iterable[Message]) -> tuple[Message, ...]:
    """Exports write an empty system turn where there was no system prompt."""
    return tuple(message for message in parsed if message != Message("system", ""))


def _parse_turn(turn: object, where: str, roles: Mapping[str, str]) -> Message:
    """Return one turn of either shape."""
    if not isinstance(turn, Mapping):
        raise DropError("bad_messages", f"{where}: expected an object, found {kind_name(turn)}")
    role_key, content_key = _turn_keys(turn, where)
    role = roles.get(str(turn[role_key]).strip().lower())
    if role is None:
        raise DropError("bad_messages", f"{where}: its role is none of {', '.join(roles)}")
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
    return Message(role, text, dump_extra(extra, where) if extra else None)


def dump_extra(extra: Mapping[str, object], where: str) -> str:
    """Return the canonical JSON of what a turn has beside role and content."""
    return _dumped(extra, where, orjson.OPT_SORT_KEYS)


def _dumped(value: object, where: str, option: int = 0) -> str:
    try:
        return orjson.dumps(value, option=option).decode()
    except TypeError:  # orjson reads deeper nesting than it writes
        raise DropError("bad_messages", f"{where}: nested too deep") from None


def _turn_keys(turn: Mapping[str, object], where: str) -> tuple[str, str]:
    """Return the keys of role and content; a turn may lack the content where it calls tools."""
    for role_key, content_key in TURN_KEYS:
        if role_key in turn and (content_key in turn or turn.get("tool_calls") or turn.get("function_call")):
            return role_key, content_key
    raise DropError("bad_messages", f"{where}: has neither role and content nor from and value")


def _spelled_out(turn: object, where: str) -> object:
    """Return a turn that calls a tool as OpenAI has it, with `tool_calls`; any other turn as it is."""
    if not isinstance(turn, Mapping):
        return turn
    role_key, content_key = _turn_keys(turn, where)
    if str(turn[role_key]).strip().lower() not in CALLS:
        return turn
    try:
        found = orjson.loads(str(turn[content_key]))
    except (KeyError, orjson.JSONDecodeError):
        found = None
    if turn.get("tool_calls") is not None:
        raise DropError("bad_messages", f"{where}: calls tools twice, in its content and in tool_calls")
    calls = [_call(call, where) for call in (found if isinstance(found, list) and found else [found])]
    others = {key: value for key, value in turn.items() if key not in (role_key, content_key)}
    return {**others, "role": "assistant", "content": None, "tool_calls": calls}


def _call(call: object, where: str) -> dict[str, object]:
    """Return {"name": "f", "arguments": {"n": 1}} as one of OpenAI's tool_calls, whose arguments are JSON in a text."""
    is_call = isinstance(call, Mapping) and isinstance(call.get("name"), str) and "arguments" in call
    if not isinstance(call, Mapping) or not is_call or "function" in call:
        raise DropError("bad_messages", f"{where}: expected the JSON of a call, with name and arguments")
    arguments = call["arguments"]
    text = arguments if isinstance(arguments, str) else _dumped(arguments, where)
    others = {key: value for key, value in call.items() if key not in ("name", "arguments")}
    return {"type": "function", **others, "function": {"name": call["name"], "arguments": text}}


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
