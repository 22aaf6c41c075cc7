"""Payloads and mappings become examples, or reasons why not; ids are content."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.clean_functions import CLEANERS
from udfs.examples import Drop, Example, build_example, clean_example, document_id, prompt_digest
from udfs.folding import fold_digest
from udfs.messages import Message, render
from udfs.payload_fields import DEFAULT_FIELDS, read_fields
from udfs.record_ids import keyed_record_id, keyless_record_id, payload_digest

QUESTION = Message("user", "水在几度沸腾？")
ANSWER = Message("assistant", "100 度。")


def build(payload: dict[str, Any], **fields: object) -> Example | Drop:
    return build_example(payload, read_fields(fields))


def chat(*turns: Message, rejected: str | None = None) -> Example:
    return Example("chat", render(turns), turns, rejected)


def sha32(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def test_text_with_everything_around_it() -> None:
    payload = {
        "body": "好书",
        "meta": {"stars": 5, "good": True, "user": "u1", "authors": ["李", "", "王", "李"]},
        "tags": ["b", "a", None, "b"],
        "a.b": 0.5,
        "lic": "MIT",
    }
    group = {"author": "meta.authors", "shop": "a.b", "first": "tags.0", "none": "tags.9"}
    assert build(
        payload, text="body", label="meta.stars", labels="tags", group=group, subject="meta.user", license="lic"
    ) == Example(
        kind="text",
        text="好书",
        labels=("5", "b", "a"),
        groups=(("author", "李"), ("author", "王"), ("shop", "0.5"), ("first", "b")),
        subject="u1",
        license="MIT",
    )


def test_pair_is_a_chat_of_two_turns() -> None:
    payload = {"q": "水在几度沸腾？", "a": "100 度。", "s": "", "bad": "50 度。", "thread": 7}
    assert build(payload, prompt="q", response="a", system="s", rejected="bad", group="thread") == Example(
        kind="chat",
        text="水在几度沸腾？\n\n100 度。",
        messages=(QUESTION, ANSWER),
        rejected="50 度。",
        groups=(("thread", "7"),),
    )
    with_system = build(payload | {"s": "简短回答"}, prompt="q", response="a", system="s")
    assert with_system == chat(Message("system", "简短回答"), QUESTION, ANSWER)


def test_openai_and_sharegpt_turns_give_the_same_chat() -> None:
    openai = [
        {"role": "user", "content": "水在几度沸腾？", "name": None},
        {"role": "assistant", "content": "100 度。"},
    ]
    sharegpt = [
        {"from": "system", "value": ""},
        {"from": "human", "value": "水在几度沸腾？"},
        {"from": "gpt", "value": "100 度。"},
    ]
    assert build({"m": openai}, messages="m") == build({"m": sharegpt}, messages="m") == chat(QUESTION, ANSWER)


def test_tool_calls_and_content_parts_are_kept() -> None:
    parts = [{"type": "text", "text": "看图"}, {"type": "image_url", "image_url": {"url": "x.png"}}]
    turns = [
        {"role": "user", "content": parts, "name": "li"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "content": "", "tool_call_id": "1"},
        {"role": "assistant", "content": 42},
    ]
    assert build({"m": turns}, messages="m") == chat(
        Message(
            "user",
            "看图",
            '{"content":[{"text":"看图","type":"text"},{"image_url":{"url":"x.png"},"type":"image_url"}],"name":"li"}',
        ),
        Message("assistant", "", '{"tool_calls":[{"function":{"name":"f"},"id":"1"}]}'),
        Message("tool", "", '{"tool_call_id":"1"}'),
        Message("assistant", "42"),
    )


USER = {"role": "user", "content": "q"}
REPLY = {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    ("turns", "drop"),
    [
        (None, Drop("missing_field", "m")),
        ("[]", Drop("bad_messages", "m: expected a list of turns, found text")),
        ([], Drop("bad_messages", "m: no turn of the assistant")),
        ([USER], Drop("bad_messages", "m: no turn of the assistant")),
        ([USER, "a"], Drop("bad_messages", "m turn 2: expected an object, found text")),
        (
            [{"role": "user", "text": "q"}, REPLY],
            Drop("bad_messages", "m turn 1: has neither role and content nor from and value"),
        ),
        (
            [USER, {"role": "assistant", "content": {"a": 1}}],
            Drop("bad_messages", "m turn 2: expected text, found object"),
        ),
        (
            [{"role": "user", "content": ["q"]}, REPLY],
            Drop("bad_messages", "m turn 1: expected an object as content part, found text"),
        ),
        ([{"role": "user", "content": " \n"}, REPLY], Drop("empty_text", "m turn 1")),
        ([USER, {"role": "assistant", "content": None}], Drop("empty_text", "m turn 2")),
    ],
)
def test_turns_that_cannot_be_understood(turns: object, drop: Drop) -> None:
    assert build({"m": turns}, messages="m") == drop


def test_unknown_role_is_dropped_without_naming_it() -> None:
    drop = build({"m": [{"role": "narrator", "content": "q"}]}, messages="m")
    assert isinstance(drop, Drop) and drop.reason == "bad_messages"
    assert drop.detail.startswith("m turn 1: its role is none of system, developer, user,")


@pytest.mark.parametrize(
    ("payload", "drop"),
    [
        ({}, Drop("missing_field", "a.b")),
        ({"a": {"b": None}}, Drop("missing_field", "a.b")),
        ({"a": {"b": float("nan")}}, Drop("missing_field", "a.b")),
        ({"a": "secret"}, Drop("missing_field", "a.b")),
        ({"a": {"b": "　"}}, Drop("empty_text", "a.b")),
        ({"a": {"b": ["secret"]}}, Drop("bad_field", "a.b: expected text, found list")),
    ],
)
def test_texts_that_are_not_there(payload: dict[str, object], drop: Drop) -> None:
    assert build(payload, text="a.b") == drop


def test_null_label_means_unlabelled_and_blank_group_binds_nothing() -> None:
    assert build({"t": "x", "y": None, "g": ""}, text="t", label="y", group=["g", "h"]) == Example("text", "x")


def test_rejected_chat_has_to_share_the_prompt() -> None:
    chosen, rejected = [USER, REPLY], [USER, REPLY | {"content": "b"}]
    built = build({"c": chosen, "r": rejected}, messages="c", rejected="r")
    assert built == chat(Message("user", "q"), Message("assistant", "a"), rejected="b")
    other = build({"c": chosen, "r": [USER | {"content": "p"}, REPLY]}, messages="c", rejected="r")
    assert isinstance(other, Drop) and other.reason == "bad_messages"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"rejected": "r"}, "beside prompt and response"),
        ({"text": "t", "ignore": "i"}, "only what is mapped is read"),
        ({"ignore": [1]}, "fields.ignore: expected a column"),
        ({"prompt": "p"}, "found prompt"),
        ({"text": "t", "txt": "u"}, "found text, txt"),
        ({"text": "t", "rejected": "r"}, "a text has neither"),
        ({"messages": "m", "system": "s"}, "remove system"),
        ({"text": ""}, "fields.text: expected a column"),
        ({"text": "t", "group": {"author": 1}}, "fields.group.author: expected a column"),
    ],
)
def test_read_fields_says_what_is_wrong(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_fields(mapping)


def test_default_fields_of_formats_without_columns() -> None:
    assert read_fields(DEFAULT_FIELDS["text"]).paths == {"text": "text"}
    assert read_fields(DEFAULT_FIELDS["python"]).groups == (("group", "group"),)


def test_document_ids_are_these_for_ever() -> None:
    assert document_id(Example("text", "好书")) == sha32('{"text":"好书"}') == "e4f11a8d8e46947f70aa65cd8329476e"
    pair = '{"messages":[{"content":"q","extra":null,"role":"user"},{"content":"a","extra":null,"role":"assistant"}],'
    q_a = (Message("user", "q"), Message("assistant", "a"))
    assert document_id(chat(*q_a)) == sha32(pair + '"rejected":null}') == "ae980d1eabb8826d6016e79d270b1b90"
    assert (
        document_id(chat(*q_a, rejected="b")) == sha32(pair + '"rejected":"b"}') == "727b0e5b6762dbe3896267af2372890b"
    )


def test_labels_and_groups_are_not_part_of_the_id() -> None:
    assert document_id(Example("text", "x", labels=("1",), groups=(("g", "1"),), subject="s")) == document_id(
        Example("text", "x")
    )


@given(st.lists(st.text('ab\n"\\,[]{}:中', max_size=6), min_size=1, max_size=4))
def test_what_separates_turns_never_collides_with_text(contents: list[str]) -> None:
    turns = tuple(Message("assistant", content) for content in contents)
    merged = chat(Message("assistant", render(turns)))
    last_rejected = chat(*turns[:-1], rejected=contents[-1])
    ids = {document_id(chat(*turns)), document_id(Example("text", render(turns))), document_id(last_rejected)}
    assert len(ids) == 3
    assert (document_id(merged) in ids) == (merged.messages == turns)


def test_prompt_digest_folds_all_before_the_last_reply() -> None:
    system = Message("system", "Be brief.")
    assert prompt_digest(Example("text", "x")) is None
    assert prompt_digest(chat(ANSWER)) is None
    assert prompt_digest(chat(QUESTION, ANSWER)) == fold_digest("水在几度沸腾？")
    assert prompt_digest(chat(Message("user", "水在几度沸腾?!"), Message("assistant", "x"))) == fold_digest(
        "水在几度沸腾？"
    )
    long = chat(system, QUESTION, ANSWER, QUESTION, ANSWER, QUESTION)
    assert prompt_digest(long) == fold_digest("Be brief.\n\n水在几度沸腾？\n\n100 度。\n\n水在几度沸腾？")


def test_each_turn_is_cleaned_by_itself() -> None:
    dirty = chat(Message("user", "\ufeff你好 ", '{"name":"x "}'), Message("assistant", "cafÃ©"), rejected="no\r\n")
    clean = chat(Message("user", "你好", '{"name":"x "}'), Message("assistant", "café"), rejected="no")
    assert clean_example(dirty, tuple(CLEANERS)) == (clean, tuple(CLEANERS))
    assert clean_example(clean, tuple(CLEANERS)) == (clean, ())
    assert clean_example(Example("text", "a ", labels=("1",)), ["normalize_whitespace"]) == (
        Example("text", "a", labels=("1",)),
        ("normalize_whitespace",),
    )


@pytest.mark.parametrize(
    ("example", "place"),
    [
        (Example("text", "\u200b"), "text"),
        (chat(Message("user", "\x00"), Message("assistant", "a")), "turn 1"),
        (chat(Message("user", "q"), Message("assistant", "a"), rejected="\ufeff"), "rejected"),
    ],
)
def test_what_cleaning_empties_is_dropped(example: Example, place: str) -> None:
    drop = Drop("empty_text", f"{place}: empty after cleaning")
    assert clean_example(example, ["strip_control_characters"]) == drop


def test_a_silent_turn_survives_cleaning() -> None:
    example = chat(Message("user", "q"), Message("assistant", "", '{"tool_calls":[1]}'), Message("assistant", "a "))
    clean = chat(*example.messages[:2], Message("assistant", "a"))
    assert clean_example(example, ["normalize_whitespace"]) == (clean, ("normalize_whitespace",))


def test_record_ids_of_different_kinds_never_meet() -> None:
    assert keyed_record_id("faq", "1") == sha32('["faq","key","1"]')
    assert keyless_record_id("faq", "{}", 0) == sha32(f'["faq","payload","{payload_digest("{}")}",0]')
    ids = [
        keyed_record_id("faq", "1"),
        keyed_record_id("faq", 1),
        keyed_record_id("faq", ["1"]),
        keyed_record_id("fa", "q1"),
        keyed_record_id("faq", payload_digest("{}")),
        keyless_record_id("faq", "{}", 0),
        keyless_record_id("faq", "{}", 1),
        keyless_record_id("fa", "{}", 0),
    ]
    assert len(set(ids)) == len(ids)
