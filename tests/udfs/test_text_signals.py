"""Signals of texts, by hand; both languages alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.text_signals import SIGNALS, clean_prose, compression, digit_share, repetition, symbol_share, words_of


def test_words_of_two_scripts() -> None:
    assert words_of("It's 5 o'clock，猫睡觉 a1") == ["it", "s", "5", "o", "clock", "猫", "睡", "觉", "a1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c", 0),
        ("a b c d", 0),
        ("a b c a b c", 1 / 4),  # abc bca cab abc
        ("哈哈哈哈哈", 2 / 3),  # 哈哈哈 three times
        ("a b", 0),
        ("", 0),
    ],
)
def test_repetition(text: str, expected: float) -> None:
    assert repetition(text) == pytest.approx(expected)


def test_shares_of_characters_leave_spaces_out() -> None:
    assert symbol_share("a + b") == pytest.approx(1 / 3) and symbol_share("，。!?") == 0 and symbol_share(" ") == 0
    assert digit_share("a1 2") == pytest.approx(2 / 3) and digit_share("一二三") == 0 and digit_share("") == 0


def test_what_repeats_itself_is_compressed() -> None:
    assert compression("word " * 100) < 0.1 < 0.8 < compression("The quick brown fox jumps over the lazy dog.")


def test_clean_prose_falls_with_what_is_wrong() -> None:
    assert clean_prose("The quick brown fox jumps over the lazy dog.") == 1
    assert clean_prose("今天天气很好，我们去公园散步吧。") == 1
    assert clean_prose("buy buy buy buy buy buy buy") == 0
    assert 0 < clean_prose("tel 12345 67 to order") < 1 and clean_prose("$$$ ### +++ === $$$") == 0


@settings(deadline=None)
@given(st.text())
def test_every_signal_takes_every_text(text: str) -> None:
    for name, signal in SIGNALS.items():
        value = signal(text)
        assert value >= 0 and (value <= 1 or name in ("words", "compression"))
