"""Turns as trainers read them: tool calls, content parts, names of roles."""

import pytest

from tests.exported import turn
from udfs.export_turns import openai_turn, sharegpt_misfit, sharegpt_turn

CALL = (
    '{"tool_calls":[{"function":{"arguments":"{\\"city\\":\\"Ulm\\"}","name":"weather"},"id":"c1","type":"function"}]}'
)
PARTS = '{"content":[{"text":"What is  this?","type":"text"},{"image_url":{"url":"a.png"},"type":"image_url"}]}'


def test_openai_keeps_all_that_a_turn_brought() -> None:
    assert openai_turn(turn("user", "hi"), as_parts=False) == {"role": "user", "content": "hi"}
    assert openai_turn(turn("tool", "7", '{"tool_call_id":"c1"}'), as_parts=False) == {
        "role": "tool",
        "content": "7",
        "tool_call_id": "c1",
    }
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}}
    assert openai_turn(turn("assistant", "", CALL), as_parts=False) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [call],
    }


def test_a_second_role_or_content_does_not_win() -> None:
    strange = turn("user", "hi", '{"content":"old","role":"bot"}')
    assert openai_turn(strange, as_parts=False) == {"role": "user", "content": "hi"}
    assert openai_turn(strange, as_parts=True) == {"role": "user", "content": [{"type": "text", "text": "hi"}]}
    assert sharegpt_misfit(strange) is None


def test_parts_have_the_cleaned_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "a.png"}}
    as_it_came = openai_turn(turn("user", "What is  this?", PARTS), as_parts=True)
    assert as_it_came["content"] == [{"type": "text", "text": "What is  this?"}, image]
    cleaned = openai_turn(turn("user", "What is this?", PARTS), as_parts=True)
    assert cleaned["content"] == [{"type": "text", "text": "What is this?"}, image]
    several = '{"content":[{"type":"text","text":"a "},{"type":"image"},{"type":"text","text":"b"}]}'
    assert openai_turn(turn("user", "a\n\nb", several), as_parts=True)["content"] == [
        {"type": "text", "text": "a\n\nb"},
        {"type": "image"},
    ]
    assert openai_turn(turn("assistant", "yes"), as_parts=True)["content"] == [{"type": "text", "text": "yes"}]


def test_sharegpt_names_roles_and_calls() -> None:
    for role, said in (("system", "system"), ("developer", "system"), ("user", "human"), ("tool", "observation")):
        assert sharegpt_turn(turn(role, "x")) == {"from": said, "value": "x"}
    assert sharegpt_turn(turn("assistant", "", CALL)) == {
        "from": "function_call",
        "value": '{"name":"weather","arguments":{"city":"Ulm"}}',
    }
    two = '{"tool_calls":[{"function":{"name":"a","arguments":"{}"}},{"function":{"name":"b","arguments":"not json"}}]}'
    assert sharegpt_turn(turn("assistant", "", two)) == {
        "from": "function_call",
        "value": '[{"name":"a","arguments":{}},{"name":"b","arguments":"not json"}]',
    }
    old = '{"function_call":{"name":"a","arguments":"{}"}}'
    assert sharegpt_turn(turn("assistant", "", old))["value"] == '{"name":"a","arguments":{}}'
    assert sharegpt_turn(turn("assistant", "yes", '{"tool_calls":[]}')) == {"from": "gpt", "value": "yes"}


@pytest.mark.parametrize(
    ("content", "extra", "why"),
    [
        ("hm", CALL, "speak and call a tool in one turn"),
        ("", '{"tool_calls":[{"name":"a"}]}', "call tools in another form than OpenAI's"),
        ("x", PARTS, "have content parts that are no text"),
        ("x", '{"content":[{"type":"text","text":"x"}],"tool_calls":[]}', None),
        ("", CALL, None),
    ],
)
def test_what_sharegpt_cannot_hold(content: str, extra: str, why: str | None) -> None:
    assert sharegpt_misfit(turn("assistant", content, extra)) == why
