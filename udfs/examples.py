"""Build examples from payloads: a text, or a chat of messages, with its labels, groups, subject and licence.

{"question": "1+1?", "answer": 2, "thread": 7} under {prompt: question, response: answer, group: thread} is the chat
user "1+1?", assistant "2", with the text "1+1?", a blank line, "2", and groups (("thread", "7"),).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from udfs.clean_functions import clean_text, is_blank
from udfs.folding import fold_digest
from udfs.known_shapes import Seen, read_by_sight
from udfs.messages import Message, other_reply, parse_turns, render
from udfs.payload_fields import DropError, Fields, look_up, read_text, read_texts, require_text
from udfs.record_ids import json_digest
from udfs.unread_columns import require_all_read


@dataclass(frozen=True)
class Example:
    """What a record says; `messages` is empty for a text, and `text` the text itself, or the chat's rendering."""

    kind: Literal["text", "chat"]
    text: str
    messages: tuple[Message, ...] = ()
    rejected: str | None = None
    labels: tuple[str, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    subject: str | None = None
    license: str | None = None


@dataclass(frozen=True)
class Drop:
    """Why a record makes no example: missing_field, unread_field, bad_field, bad_messages or empty_text, and where."""

    reason: str
    detail: str


def build_example(payload: Mapping[str, object], fields: Fields) -> Example | Drop:
    """Return the example that a payload, as orjson.loads gives it, holds under this mapping; or why there is none.

    Text, prompt, response, messages and rejected have to be there; system, labels, groups, subject and licence
    may be null, absent or blank in a row: then the row has none, and a blank group key binds nothing.
    """
    try:
        seen = _see(payload, fields) if fields.by_sight else _read(payload, fields)
        return Example(
            kind="chat" if seen.messages else "text",
            text=seen.text,
            messages=seen.messages,
            rejected=seen.rejected,
            labels=tuple(dict.fromkeys(_read_labels(payload, fields))),
            groups=tuple(dict.fromkeys(_read_groups(payload, fields))),
            subject=read_text(payload, fields, "subject"),
            license=read_text(payload, fields, "license"),
        )
    except DropError as error:
        return Drop(error.reason, error.detail)


def _see(payload: Mapping[str, object], fields: Fields) -> Seen:
    """Return what a payload holds by sight, when no column is left that may belong to it."""
    seen = read_by_sight(payload)
    mapped = [*fields.paths.values(), *(path for _, path in fields.groups), *fields.ignored]
    require_all_read(payload, seen, frozenset(mapped))
    return seen


def _read(payload: Mapping[str, object], fields: Fields) -> Seen:
    """Return what a payload holds where the paths say."""
    messages = _read_messages(payload, fields)
    text = render(messages) if messages else require_text(payload, fields, "text")
    return Seen(text, messages, _read_rejected(payload, fields, messages), frozenset(fields.paths.values()))


def _read_messages(payload: Mapping[str, object], fields: Fields) -> tuple[Message, ...]:
    """Return the turns of a chat, none for a text."""
    if "messages" in fields.paths:
        return parse_turns(look_up(payload, fields.paths["messages"]), fields.paths["messages"])
    if "prompt" not in fields.paths:
        return ()
    prompt = Message("user", require_text(payload, fields, "prompt"))
    response = Message("assistant", require_text(payload, fields, "response"))
    system = read_text(payload, fields, "system")
    return (prompt, response) if system is None else (Message("system", system), prompt, response)


def _read_rejected(payload: Mapping[str, object], fields: Fields, messages: tuple[Message, ...]) -> str | None:
    """Return the rejected reply; given as a chat of its own, that chat has to differ in its last content only."""
    path = fields.paths.get("rejected")
    if path is None:
        return None
    turns = look_up(payload, path)
    if not isinstance(turns, list):
        return require_text(payload, fields, "rejected")
    return other_reply(parse_turns(turns, path), messages, path)


def _read_labels(payload: Mapping[str, object], fields: Fields) -> Iterator[str]:
    """Yield the labels; a null means unlabelled."""
    label = read_text(payload, fields, "label")
    if label is not None:
        yield label
    if "labels" in fields.paths:
        yield from read_texts(payload, fields.paths["labels"])


def _read_groups(payload: Mapping[str, object], fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield key name and value; a list, such as the authors of a paper, gives several of one name."""
    for name, path in fields.groups:
        yield from ((name, value) for value in read_texts(payload, path))


def document_id(example: Example) -> str:
    """Return the first 32 hex digits of the sha2-256 of the canonical JSON of what a model would be trained on.

    Labels, groups, subject and licence are not part of it. Structure is: no text has the id of a chat, and
    no turns that of other turns with the same rendering.
    """
    if example.kind == "text":
        return json_digest({"text": example.text})
    turns = [{"role": turn.role, "content": turn.content, "extra": turn.extra} for turn in example.messages]
    return json_digest({"messages": turns, "rejected": example.rejected})


def prompt_digest(example: Example) -> str | None:
    """Return the digest of the folded turns before the last one of the assistant; None for texts and bare replies."""
    last_reply = max((number for number, turn in enumerate(example.messages) if turn.role == "assistant"), default=0)
    prompt = render(example.messages[:last_reply])
    return fold_digest(prompt) if prompt else None


def clean_example(example: Example, cleaners: Sequence[str]) -> tuple[Example, tuple[str, ...]] | Drop:
    """Clean the text, or each turn and the rejected reply by itself; return it and the names of who changed it.

    An emptied text or turn drops the example. `extra` stays as it is: cleaning JSON could break a tool call.
    """
    parts = [turn.content for turn in example.messages] if example.messages else [example.text]
    before = parts if example.rejected is None else [*parts, example.rejected]
    cleaned = [clean_text(part, cleaners) for part in before]
    changed = {name for _, names in cleaned for name in names}
    after = [text for text, _ in cleaned]
    for number, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        if old and is_blank(new):
            place = "text" if not example.messages else "rejected" if number > len(parts) else f"turn {number}"
            return Drop("empty_text", f"{place}: empty after cleaning")
    names = tuple(name for name in cleaners if name in changed)
    return _replace_contents(example, after) if changed else example, names


def _replace_contents(example: Example, contents: Sequence[str]) -> Example:
    """Return the example with these contents of its turns, the rejected reply last."""
    if not example.messages:
        return replace(example, text=contents[0])
    # The rejected reply has no turn, so zip must stop at the turns.
    turns = zip(example.messages, contents, strict=False)
    messages = tuple(replace(turn, content=content) for turn, content in turns)
    rejected = None if example.rejected is None else contents[-1]
    return replace(example, text=render(messages), messages=messages, rejected=rejected)
