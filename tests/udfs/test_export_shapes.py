"""Each format by hand; then chats of any kind, out and in again by the readers of sources."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exported import example, turn
from udfs.export_shapes import SHAPES
from udfs.messages import Message, parse_turns

PAIR = (turn("user", "1+1?"), turn("assistant", "2"))
LONG = (turn("system", "Be short."), *PAIR, turn("user", "And 2+2?"), turn("assistant", "4"))
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


def encode(row: dict[str, Any], form: str, *more: str) -> dict[str, Any]:
    """The row in a format, in a version with these traits and its own."""
    assert SHAPES[form].misfit(row) is None
    encoded = SHAPES[form].encode(row, frozenset([*SHAPES[form].traits(row), *more]))
    assert encoded["document_id"] == row["document_id"]
    return {name: value for name, value in encoded.items() if name != "document_id"}


def test_a_chat_in_every_format() -> None:
    row = example("a", *PAIR, label="sum", labels=["sum"])
    assert encode(row, "chat") == {
        "messages": [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]
    }
    assert encode(row, "sharegpt") == {
        "conversations": [{"from": "human", "value": "1+1?"}, {"from": "gpt", "value": "2"}]
    }
    assert encode(row, "alpaca") == {"instruction": "1+1?", "input": "", "output": "2"}
    assert encode(row, "classification") == {"text": "1+1?\n\n2", "label": "sum"}
    assert encode(row, "text") == {"text": "1+1?\n\n2"}
    assert encode(row, "parquet")["messages"] == list(PAIR)


def test_alpaca_has_system_and_history_in_all_rows_or_in_none() -> None:
    assert encode(example("a", *LONG), "alpaca") == {
        "instruction": "And 2+2?",
        "input": "",
        "output": "4",
        "system": "Be short.",
        "history": [["1+1?", "2"]],
    }
    assert encode(example("a", *PAIR), "alpaca", "system", "history") == {
        "instruction": "1+1?",
        "input": "",
        "output": "2",
        "system": "",
        "history": [],
    }


def test_preferences() -> None:
    row = example("a", *PAIR, rejected="3")
    user, chosen, rejected = (
        {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": "2"},
        {"role": "assistant", "content": "3"},
    )
    assert encode(row, "chat") == {"prompt": [user], "chosen": [chosen], "rejected": [rejected]}
    assert encode(row, "sharegpt") == {
        "conversations": [{"from": "human", "value": "1+1?"}],
        "chosen": {"from": "gpt", "value": "2"},
        "rejected": {"from": "gpt", "value": "3"},
    }
    assert encode(row, "alpaca") == {"instruction": "1+1?", "input": "", "chosen": "2", "rejected": "3"}


def test_several_labels() -> None:
    row = example("a", labels=["x", "y"])
    assert encode(row, "classification") == {"text": "a", "labels": ["x", "y"]}
    one = example("b", label="x", labels=["x"])
    assert encode(one, "classification", "labels") == {"text": "b", "labels": ["x"]}


def test_what_has_no_place_is_named() -> None:
    tool = example("a", *PAIR, turn("tool", "7", '{"tool_call_id":"c1"}'), rejected="3")
    assert list(SHAPES["sharegpt"].traits(tool)) == ["rejected", "without tool_call_id"]
    assert list(SHAPES["text"].traits(tool)) == ["without rejected", "without tool_call_id"]
    assert list(SHAPES["chat"].traits(tool)) == ["rejected", "with tool_call_id"]
    parts = example("b", turn("user", "hi", '{"content":[{"type":"text","text":"hi"}]}'), PAIR[1])
    assert list(SHAPES["text"].traits(parts)) == []
    assert list(SHAPES["chat"].traits(parts)) == ["parts"]
    twice = example("b", turn("user", "hi", '{"content":"old","role":"bot"}'), PAIR[1])
    for form in ("chat", "sharegpt", "alpaca", "text"):
        assert list(SHAPES[form].traits(twice)) == ["without content", "without role"]
    image = example("b", turn("user", "hi", '{"content":[{"type":"image"}]}'), PAIR[1])
    assert list(SHAPES["text"].traits(image)) == ["without content"]


@pytest.mark.parametrize(
    ("form", "row", "why"),
    [
        ("chat", example("a"), "are plain texts, no chats"),
        ("sharegpt", example("a"), "are plain texts, no chats"),
        ("alpaca", example("a"), "are plain texts, no chats"),
        ("classification", example("a", *PAIR), "have no label"),
        ("alpaca", example("a", *PAIR, PAIR[0]), "are no alternation of user and assistant that ends with a reply"),
        ("alpaca", example("a", *reversed(PAIR)), "are no alternation of user and assistant that ends with a reply"),
        ("alpaca", example("a", PAIR[0], turn("assistant", "", '{"tool_calls":[{}]}')), "call tools"),
        ("text", example("a", *PAIR, rejected="x"), None),
        ("parquet", example("a"), None),
    ],
)
def test_what_does_not_fit(form: str, row: dict[str, Any], why: str | None) -> None:
    assert SHAPES[form].misfit(row) == why


@st.composite
def chats(draw: st.DrawFn) -> tuple[Message, ...]:
    """Plain chats: a system turn or none, then turns in any order, one of them the assistant's."""
    turns = draw(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXTS), max_size=5))
    system = draw(st.lists(st.tuples(st.just("system"), TEXTS), max_size=1))
    return tuple(Message(role, text) for role, text in [*system, *turns, ("assistant", draw(TEXTS))])


@settings(deadline=None)
@given(chats())
def test_a_chat_that_went_out_comes_in_again(messages: tuple[Message, ...]) -> None:
    row = example("a", *[turn(one.role, one.content) for one in messages])
    assert parse_turns(encode(row, "sharegpt")["conversations"], "x") == messages
    assert parse_turns(encode(row, "chat")["messages"], "x") == messages


EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS,
        "tool_calls": st.lists(st.fixed_dictionaries({"id": TEXTS, "type": st.just("function")}), min_size=1),
        "weight": st.integers(0, 1),
    },
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), TEXTS, EXTRAS), min_size=1))
def test_tool_calls_names_and_parts_come_in_again(turns: list[tuple[str, str, dict[str, Any]]]) -> None:
    payload = [{"role": role, "content": text, **extra} for role, text, extra in turns]
    payload.append({"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image", "n": 1}]})
    messages = parse_turns(payload, "x")
    row = example("a", *[turn(one.role, one.content, one.extra) for one in messages])
    again = parse_turns(encode(row, "chat")["messages"], "x")
    assert [(one.role, one.content) for one in again] == [(one.role, one.content) for one in messages]
    plain = [one["content"] for one in encode(row, "chat")["messages"]]
    assert all(
        "\n\n".join(p["text"] for p in parts if "text" in p) == one.content
        for parts, one in zip(plain, messages, strict=True)
    )
