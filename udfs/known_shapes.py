"""Read a payload of a source that maps no shape: what it holds is seen by the names and kinds of its columns.

{"instruction": "Add.", "input": "1, 2", "output": "3"} is the chat user "Add.", a blank line, "1, 2", assistant "3".
Each payload is seen by itself. What is read twice over, or by nobody, is `udfs.unread_columns`' to judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from udfs.messages import Message, dump_extra, other_reply, read_turns, render, require_reply
from udfs.payload_fields import DropError, Fields, is_empty, kind_name, read_text, require_text

# Part of the fingerprints of the sources that are read so: raise it when any payload is read otherwise.
SIGHT_REVISION = 1

# Names of columns by what they hold; of several the first one that a payload has.
TURNS = ("messages", "conversations", "conversation")
PROMPTS = ("prompt", "instruction", "question", "query", "input")
REPLIES = ("response", "completion", "output", "answer")
TEXTS = ("text", "content")
SYSTEMS = ("system", "system_prompt")
TOOLS = ("tools", "functions")
SHAPE_COLUMNS = frozenset((*TURNS, *PROMPTS, *REPLIES, *TEXTS, *SYSTEMS, *TOOLS, "history", "chosen", "rejected"))
# Enough to see what a row is; a payload whose keys are data has no end of them.
MAX_NAMES, MAX_NAME_CHARS = 20, 40
SCALARS = (str, int, float)
# Who speaks first in a chat that is whole; a reply alone begins with the assistant.
FIRST_ROLES = frozenset({"system", "developer", "user", "human", "prompter"})
# What of the example -> its column.
Parts = Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What a payload holds. messages: none of a text. columns: those that were read."""

    text: str
    messages: tuple[Message, ...]
    rejected: str | None
    columns: frozenset[str]


def read_by_sight(payload: Mapping[str, object]) -> Seen:
    """Return the text or chat of a payload; DropError says why it holds none.

    An empty column is as good as none, as Parquet and CSV have it. Where no shape is whole without them, what is
    missing of one is told.
    """
    said = {name: value for name, value in payload.items() if not is_empty(value)}
    parts = find_parts(said, is_strict=True) or find_parts(payload, is_strict=False)
    if not parts:
        raise DropError("missing_field", _no_shape(payload))
    if "text" in parts:
        text = require_text(payload, Fields(parts), "text")
        return Seen(text, (), None, frozenset(parts.values()))
    return _with_tools(_with_system(_read_chat(payload, parts), said), said)


def find_parts(values: Mapping[str, object], is_strict: bool) -> Parts | None:
    """Return which column is what, None for no known shape; strict looks at the kinds of their values too."""

    def first(names: Sequence[str], kinds: tuple[type, ...]) -> str | None:
        return next((name for name in names if name in values and (not is_strict or _is(values[name], kinds))), None)

    prompt, turns, text = first(PROMPTS, (*SCALARS, list)), first(TURNS, (list,)), first(TEXTS, SCALARS)
    chosen, rejected = first(["chosen"], (str, list, dict)), first(["rejected"], (str, list, dict))
    reply = first(REPLIES, (*SCALARS, list))
    if chosen and rejected:
        before = None if _is_chat(values[chosen]) else prompt or turns
        parts = {"prompt": before, "reply": chosen, "rejected": rejected}
        return {part: column for part, column in parts.items() if column}
    if turns or (prompt and reply and _is_chat(values[reply])):
        return {"turns": turns or str(reply)}
    if prompt and reply:
        return {"prompt": prompt, "reply": reply}
    return {"text": text} if text else None


def _is(value: object, kinds: tuple[type, ...]) -> bool:
    """Whether a value is of one of these kinds; a list is one of objects."""
    return isinstance(value, kinds) and not (
        isinstance(value, list) and not all(isinstance(item, Mapping) for item in value)
    )


def _is_chat(value: object) -> bool:
    """Whether turns are a whole chat, prompt and reply."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, Mapping) and str(first.get("role", first.get("from"))).strip().lower() in FIRST_ROLES


def _no_shape(payload: Mapping[str, object]) -> str:
    names = [name[:MAX_NAME_CHARS] for name in list(payload)[:MAX_NAMES]] or ["none"]
    more = f" and {len(payload) - MAX_NAMES} more" if len(payload) > MAX_NAMES else ""
    cure = "write fields: {text: COLUMN}, {prompt: COLUMN, response: COLUMN} or {messages: COLUMN}"
    return f"no known shape, found {', '.join(names)}{more}; {cure}"


def _read_chat(payload: Mapping[str, object], parts: Parts) -> Seen:
    columns = set(parts.values())
    if "turns" in parts:
        messages = _read_turns(payload, parts["turns"], None)
    else:
        before, more = _read_prompt(payload, parts["prompt"]) if "prompt" in parts else ((), set())
        columns |= more
        messages = _after(before, _read_turns(payload, parts["reply"], "assistant"), parts["reply"])
    require_reply(messages, parts.get("turns") or parts["reply"])
    rejected = None
    if "rejected" in parts:
        turns = _read_turns(payload, parts["rejected"], "assistant")
        is_whole = _is_chat(payload[parts["rejected"]])
        rejected = other_reply(turns if is_whole else (*messages[:-1], *turns), messages, parts["rejected"])
    return Seen(render(messages), messages, rejected, frozenset(columns))


def _after(before: tuple[Message, ...], reply: tuple[Message, ...], column: str) -> tuple[Message, ...]:
    """Return prompt and reply as one chat; a reply that brings its prompt has been asked for no other."""
    if not before and not any(message.role == "user" for message in reply):
        raise DropError("missing_field", f"prompt: {column} is a reply alone")
    return (*before, *reply)


def _read_turns(payload: Mapping[str, object], column: str, role: str | None) -> tuple[Message, ...]:
    """Return the turns of a column: a list, one turn alone, or, where a role is given, a text of that role."""
    value = payload[column]
    if isinstance(value, list):
        return read_turns(value, column)
    if isinstance(value, Mapping) and not {"role", "from"}.isdisjoint(value):
        return read_turns([value], column)
    if role is None:
        if is_empty(value):
            raise DropError("missing_field", column)
        raise DropError("bad_messages", f"{column}: expected a list of turns, found {kind_name(value)}")
    return (Message(role, require_text(payload, Fields({"text": column}), "text")),)


def _read_prompt(payload: Mapping[str, object], column: str) -> tuple[tuple[Message, ...], set[str]]:
    """Return the turns before the reply, and which columns beside hold them: Alpaca's `input` and `history`."""
    turns = _read_turns(payload, column, "user")
    if isinstance(payload[column], list | Mapping):
        return turns, set()
    columns = set()
    if column == "instruction" and (more := read_text(payload, Fields({"text": "input"}), "text")):
        columns.add("input")
        turns = (Message("user", f"{turns[0].content}\n\n{more}"),)
    if before := _read_history(payload.get("history")):
        columns.add("history")
    return (*before, *turns), columns


def _read_history(history: object) -> tuple[Message, ...]:
    """Return the earlier turns of [["question", "answer"], ...]; none of anything else."""
    rounds = history if isinstance(history, list) else []
    if not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(said, str) and said.strip() for said in pair)
        for pair in rounds
    ):
        return ()
    return tuple(Message(role, said) for pair in rounds for role, said in zip(("user", "assistant"), pair, strict=True))


def _with_system(seen: Seen, said: Mapping[str, object]) -> Seen:
    """Return the chat with the system prompt that stands beside it, unless it has one."""
    column = next((name for name in SYSTEMS if isinstance(said.get(name), str)), None)
    if column is None or any(turn.role in ("system", "developer") for turn in seen.messages):
        return seen
    messages = (Message("system", str(said[column])), *seen.messages)
    return replace(seen, text=render(messages), messages=messages, columns=seen.columns | {column})


def _with_tools(seen: Seen, said: Mapping[str, object]) -> Seen:
    """Return the chat with the tools that stand beside it, kept like tool calls: in `extra`, of its system turn."""
    found = {name: _read_json(said.get(name)) for name in TOOLS}
    tools = {name: value for name, value in found.items() if value}
    if not tools:
        return replace(seen, columns=seen.columns | {name for name, value in found.items() if value is not None})
    first, *others = seen.messages
    if first.role not in ("system", "developer"):
        first, others = Message("system", ""), list(seen.messages)
    known = orjson.loads(first.extra) if first.extra else {}
    read = {name for name, value in tools.items() if known.get(name, value) == value}
    extra = dump_extra({**tools, **known}, "tools")
    return replace(seen, messages=(replace(first, extra=extra), *others), columns=seen.columns | read)


def _read_json(value: object) -> object:
    """Return a list or object, given as such or as its JSON; None for anything else."""
    try:
        found = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, list | dict) else None
