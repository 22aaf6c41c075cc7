"""Chats known by sight: one chat in every shape gives one example, and what would be lost is set aside."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from udfs.clean_payloads import Mapped, Rules, clean_payloads
from udfs.examples import Drop, Example, build_example, document_id
from udfs.known_shapes import SIGHT_REVISION
from udfs.messages import Message, render
from udfs.payload_fields import read_fields
from udfs.record_ids import json_digest

SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {}}}]


def see(payload: dict[str, Any], **fields: object) -> Example | Drop:
    return build_example(payload, read_fields(fields))


def chat(*turns: Message, rejected: str | None = None) -> Example:
    return Example("chat", render(turns), turns, rejected)


def openai(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


def sharegpt(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"from": SHAREGPT[role], "value": content} for role, content in turns]


def compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


CHAT = chat(Message("user", "q"), Message("assistant", "a"))
QA = openai(("user", "q"), ("assistant", "a"))
SAID = st.text(max_size=12).filter(lambda text: bool(text.strip()))


@given(st.none() | SAID, st.lists(st.tuples(SAID, SAID), max_size=2), SAID, st.none() | SAID, SAID)
@example(None, [], "Add.", "1, 2", "3")
def test_one_chat_in_every_shape_is_one_document(
    system: str | None, history: list[tuple[str, str]], instruction: str, more: str | None, reply: str
) -> None:
    """Expected is the chat as `fields: {messages: messages}` reads it."""
    prompt = instruction if more is None else f"{instruction}\n\n{more}"
    turns = [("system", system)] if system else []
    turns += [turn for asked, said in history for turn in (("user", asked), ("assistant", said))]
    turns += [("user", prompt), ("assistant", reply)]
    wanted = see({"messages": openai(*turns)}, messages="messages")
    assert isinstance(wanted, Example)
    said = [turn for turn in turns if turn[0] != "system"]
    rounds = {"system": system, "history": [list(pair) for pair in history]}
    shapes: list[dict[str, Any]] = [
        {"messages": openai(*turns)},
        {"conversations": sharegpt(*turns)},
        {"conversation": openai(*said), "system_prompt": system},
        {"conversations": sharegpt(*said), "system": system, "tools": "[]"},
        {"instruction": instruction, "input": more, "output": reply, **rounds},
        {"instruction": prompt, "input": "", "response": reply, **rounds},
        {"prompt": prompt, "completion": reply, **rounds},
        {"query": prompt, "answer": reply, **rounds},
        {"question": prompt, "response": reply, "messages": None, "text": "", **rounds},
        {"prompt": openai(*turns[:-1]), "completion": openai(turns[-1])},
        {"messages": openai(*turns), "prompt": prompt, "response": reply},
        {"prompt": prompt, "completion": openai(*turns)},
    ]
    assert [see(shape) for shape in shapes] == [wanted] * len(shapes)
    pairs: list[dict[str, Any]] = [
        {"prompt": prompt, "chosen": reply, "rejected": "worse", **rounds},
        {"instruction": instruction, "input": more, "chosen": reply, "rejected": "worse", **rounds},
        {"prompt": openai(*turns[:-1]), "chosen": openai(turns[-1]), "rejected": openai(("assistant", "worse"))},
        {"chosen": openai(*turns), "rejected": openai(*turns[:-1], ("assistant", "worse"))},
        {"chosen": openai(*turns), "rejected": "worse", "messages": openai(*turns), "prompt": prompt, "score": 1},
        {"conversations": sharegpt(*turns[:-1]), "chosen": sharegpt(turns[-1])[0],
         "rejected": {"from": "gpt", "value": "worse"}},
    ]  # fmt: skip
    preferred = [see(pair) for pair in pairs]
    assert preferred == [Example("chat", wanted.text, wanted.messages, "worse")] * len(pairs)
    assert len({document_id(one) for one in preferred if isinstance(one, Example)}) == 1


def test_a_preference_without_turns_before_is_that_of_its_fields() -> None:
    row = {"prompt": "q", "chosen": "a", "rejected": "b"}
    assert see(row) == see(row, prompt="prompt", response="chosen", rejected="rejected")


def test_calls_of_tools_are_kept_in_every_shape() -> None:
    """ShareGPT writes a call as JSON in a turn of its own; OpenAI as tool_calls, whose arguments are JSON in a text."""
    call = {"type": "function", "function": {"name": "add", "arguments": '{"n":[1,2]}'}}
    turns = [
        {"role": "user", "content": "1+2?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": "It is 3."},
    ]
    spelled = {"name": "add", "arguments": {"n": [1, 2]}}
    conversation = [
        {"from": "human", "value": "1+2?"},
        {"from": "function_call", "value": json.dumps(spelled)},
        {"from": "observation", "value": "3"},
        {"from": "gpt", "value": "It is 3."},
    ]
    seen = see({"messages": turns})
    assert seen == see({"messages": turns}, messages="messages") == see({"conversations": conversation})
    assert isinstance(seen, Example) and seen.messages[1].extra == compact({"tool_calls": [call]})
    for value in ("add 1 and 2", "[]", '{"name": "add"}', '["add"]'):
        broken = see({"conversations": [*conversation[:1], {"from": "function_call", "value": value}]})
        assert broken == Drop(
            "bad_messages", "conversations turn 2: expected the JSON of a call, with name and arguments"
        )


def test_other_turns_of_openai_are_as_their_fields_have_them() -> None:
    """developer, the legacy function_call, content parts, ids of calls: whatever `messages` keeps, sight keeps."""
    turns = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "2"}]},
        {"role": "assistant", "content": "3"},
    ]
    assert see({"messages": turns, "parallel_tool_calls": False}) == see({"messages": turns}, messages="messages")


def test_declared_tools_stay_with_the_system_turn() -> None:
    with_tools = compact({"tools": TOOLS})
    alone = chat(Message("system", "", with_tools), *CHAT.messages)
    assert see({"messages": QA, "tools": TOOLS}) == see({"messages": QA, "tools": json.dumps(TOOLS)}) == alone
    assert see({"messages": [{"role": "system", "content": "", "tools": TOOLS}, *QA]}) == alone
    brief = chat(Message("system", "Be brief.", with_tools), *CHAT.messages)
    assert see({"prompt": "q", "response": "a", "system": "Be brief.", "tools": TOOLS}) == brief
    assert see({"messages": [*openai(("system", "Be brief.")), *QA], "tools": TOOLS}) == brief
    lost = see({"messages": QA, "tools": "add and subtract"})
    assert isinstance(lost, Drop) and lost.reason == "unread_field" and lost.detail.startswith("tools: ")
    twice = see({"messages": [{"role": "system", "content": "", "tools": [{}]}, *QA], "tools": TOOLS})
    assert isinstance(twice, Drop) and twice.reason == "unread_field"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"text": "x"}, "x"),
        ({"content": "x", "title": "t"}, "x"),
        ({"text": "x", "content": "x"}, "x"),
        ({"text": "x", "prompt": "", "response": None}, "x"),
        ({"text": 5, "messages": 2}, None),
    ],
)
def test_texts(payload: dict[str, Any], text: str | None) -> None:
    seen = see(payload)
    assert seen == Example("text", text) if text else isinstance(seen, Drop) and seen.reason == "unread_field"


ABOUT: dict[str, Any] = {
    "id": "r1", "messageId": "m", "source": "web", "source_url": "example", "language": "English", "created_at": "noon",
    "chosen_score": "high", "quality": {"by": "me"}, "meta": {"any": ["thing"]}, "tags": ["a"], "difficulty": "hard",
    "stars": 4, "reviewed": True, "likes": "1,200", "seen": "2024-01-05T10:00:00Z", "from_page": "https://example/x",
    "session": "0f3a9c41aa2b4c5d", "note": None, "hint": " ", "images": [], "extra": {}, "ratio": float("nan"),
    "model": "m-7b", "num_messages": 3, "TOPIC": "sums", "similar_to_id": ["1", "2"],
}  # fmt: skip


def test_what_is_said_about_an_example_is_left_in_the_payload() -> None:
    assert see(ABOUT | {"prompt": "q", "response": "a"}) == CHAT
    assert see(ABOUT | {"messages": QA}) == CHAT


@pytest.mark.parametrize(
    "column",
    [
        {"choices": ["3", "4"]},
        {"choices": [3, 4]},
        {"opt1": 4},
        {"solution": "4"},
        {"input": [5]},
        {"B": 4},
        {"option_b": "four"},
        {"context": "Given is 2."},
        {"answer2": "b"},
        {"explanation": "Because."},
        {"thinking": "2 and 2"},
        {"images": ["x.png"]},
        {"question": "another"},
        {"text": "a, then q"},
        {"system": ["Be brief."]},
        {"history": ["q0", "a0"]},
        {"history": "q0"},
        {"rejected": "b"},
        {"chosen": 1},
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "other"}]},
        {"city": "Rome"},
    ],
    ids=json.dumps,
)
def test_a_column_that_may_belong_to_the_example_is_never_lost(column: dict[str, Any]) -> None:
    [name] = column
    row = {"messages": QA, **column} if name == "conversations" else {"prompt": "q", "response": "a", **column}
    cure = f"{name}: no known shape has it; leave it out, fields: {{ignore: {name}}}, or map what is what"
    assert see(row) == Drop("unread_field", cure)
    assert see(row, ignore=name) == CHAT
    if "prompt" in row:
        assert see(row, prompt="prompt", response="response") == CHAT


def test_several_columns_are_named_without_their_values() -> None:
    drop = see({"question": "q", "answer": "a", "hint": "secret", "choices": ["secret"]})
    assert drop == Drop(
        "unread_field",
        "hint, choices: no known shape has it; leave it out, fields: {ignore: [hint, choices]}, or map what is what",
    )


@pytest.mark.parametrize("value", ["spam", 1, False])
def test_a_label_is_taken_by_fields_alone(value: Any) -> None:
    row = {"prompt": "q", "completion": "a", "label": value}
    assert see(row) == Drop(
        "unread_field", "label: map it, fields: {label: label}, or leave it out, fields: {ignore: label}"
    )
    labelled = see(row, label="label")
    assert isinstance(labelled, Example) and labelled.messages == CHAT.messages
    assert labelled.labels == (value if isinstance(value, str) else json.dumps(value),)
    assert see(row | {"label": None}) == see(row, ignore="label") == CHAT


def test_groups_subject_and_licence_stand_beside_what_is_seen() -> None:
    row = {"messages": QA, "thread": "t1", "who": {"mail": "m"}, "terms": "MIT"}
    found = see(row, group="thread", subject="who.mail", license="terms", ignore="who")
    assert found == Example("chat", "q\n\na", CHAT.messages, None, (), (("thread", "t1"),), "m", "MIT")
    assert isinstance(see(row, group="thread", subject="who.mail", license="terms"), Drop)  # the rest of `who`


def test_the_key_of_a_source_is_no_part_of_its_examples() -> None:
    row = {"record_id": ["r"], "revision": [1], "source": ["s"], "path": ["f"], "position": [1]}
    payload = {"name of it": "any text", "prompt": "q", "response": "a"}
    rules = Rules((), 1, 99, None, 0.0, None, None)

    def reasons(*key: str) -> list[str]:
        batch = pa.RecordBatch.from_pydict(row | {"payload": [json.dumps(payload)]})
        [found] = clean_payloads([batch], {"s": Mapped({}, None, None, key)}, rules)
        return [str(one["drop_reason"]) for one in found.to_pylist()]

    assert reasons() == ["unread_field"] and reasons("name of it") == ["None"]


SHAPELESS = "write fields: {text: COLUMN}, {prompt: COLUMN, response: COLUMN} or {messages: COLUMN}"


@pytest.mark.parametrize(
    ("payload", "drop"),
    [
        ({}, Drop("missing_field", f"no known shape, found none; {SHAPELESS}")),
        ({"id": 1, "prompt": "secret"}, Drop("missing_field", f"no known shape, found id, prompt; {SHAPELESS}")),
        ({"input": "x", "target": "y"}, Drop("missing_field", f"no known shape, found input, target; {SHAPELESS}")),
        ({"k" * 99: 1}, Drop("missing_field", f"no known shape, found {'k' * 40}; {SHAPELESS}")),
        ({"prompt": "q", "response": None}, Drop("missing_field", "response")),
        ({"prompt": "q", "response": " "}, Drop("empty_text", "response")),
        ({"instruction": "", "output": "a"}, Drop("empty_text", "instruction")),
        ({"text": None}, Drop("missing_field", "text")),
        ({"text": ["a"]}, Drop("bad_field", "text: expected text, found list")),
        ({"instruction": "q", "input": ["x"], "output": "a"}, Drop("bad_field", "input: expected text, found list")),
        ({"instruction": "q", "input": 5, "output": "a"}, None),
        ({"messages": [*openai(("system", "s")), *QA], "system": "s"}, None),
        ({"prompt": "q", "output": {"a": 1}}, Drop("bad_field", "output: expected text, found object")),
        ({"messages": None}, Drop("missing_field", "messages")),
        ({"messages": []}, Drop("bad_messages", "messages: no turn of the assistant")),
        ({"messages": "[]"}, Drop("bad_messages", "messages: expected a list of turns, found text")),
        ({"messages": QA[:1]}, Drop("bad_messages", "messages: no turn of the assistant")),
        ({"conversation": [*QA, {}]}, Drop("bad_messages",
         "conversation turn 3: has neither role and content nor from and value")),
        ({"chosen": "a", "rejected": "b"}, Drop("missing_field", "prompt: chosen is a reply alone")),
        ({"chosen": QA, "rejected": ""}, Drop("empty_text", "rejected")),
        ({"chosen": QA, "rejected": [QA[1]]}, None),
        ({"chosen": QA, "rejected": openai(("system", ""))}, Drop("bad_messages",
         "rejected: expected the chat with another last reply, found another chat")),
        ({"chosen": QA, "rejected": openai(("user", "other"), ("assistant", "b"))}, Drop("bad_messages",
         "rejected: expected the chat with another last reply, found another chat")),
    ],
)  # fmt: skip
def test_what_makes_no_example_says_why(payload: dict[str, Any], drop: Drop | None) -> None:
    found = see(payload)
    assert found == drop if drop else isinstance(found, Example)


def test_many_columns_are_cut() -> None:
    drop = see({f"k{number}": 1 for number in range(23)})
    assert isinstance(drop, Drop) and "k19 and 3 more; write" in drop.detail


JSON = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text("ab \n[]{}", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["role", "content", "from", "value", "tool_calls", "name"]), inner, max_size=3), max_leaves=6)  # fmt: skip
NAMES = ["messages", "conversations", "prompt", "instruction", "input", "response", "output", "chosen", "rejected",
         "text", "content", "system", "tools", "history", "label", "choices", "id"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5))
def test_nothing_breaks_it(payload: dict[str, Any]) -> None:
    assert isinstance(see(payload), Example | Drop)


def test_examples_of_the_known_shapes_are_these() -> None:
    """A change here changes what sources become: raise SIGHT_REVISION, then write the new digest."""
    rows: list[dict[str, Any]] = [
        {"messages": QA, "tools": TOOLS},
        {"conversations": sharegpt(("system", "s"), ("user", "q"), ("assistant", "a"))},
        {"instruction": "Add.", "input": "1, 2", "output": "3", "history": [["q", "a"]], "system": "s"},
        {"query": "q", "response": 5},
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        {"chosen": QA, "rejected": openai(("user", "q"), ("assistant", "b"))},
        {"content": "x", **{name: value for name, value in ABOUT.items() if name != "ratio"}},
        *({name: "x", "prompt": "q", "response": "a"} for name in ("label", "choices", "hint", "text")),
        {"id": 1},
    ]
    found = [vars(one) | {"messages": list(map(vars, one.messages))} if isinstance(one, Example) else vars(one)
             for one in map(see, rows)]  # fmt: skip
    assert (SIGHT_REVISION, json_digest(found)) == (1, "fd5eaeb6799b40fecda11a54f44e4b3c")
