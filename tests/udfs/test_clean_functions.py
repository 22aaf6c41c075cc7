"""Cleaning mends what is broken, leaves correct text of any script alone, and is idempotent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.clean_functions import (
    CLEANERS,
    clean_text,
    is_blank,
    normalize_whitespace,
    repair_unicode,
    strip_control_characters,
)

ALL = tuple(CLEANERS)

CORRECT = [
    "中文，全角：ＡＢＣ１２３！“引号”……——《书名》　间隔·点 25°±1",
    "“Curly quotes” — it’s naïve café, €5 ×2, 50 °C",
    "def f(x):\n    if x:\n\treturn '\\u00e9'\n\n\nclass A: pass",
    "👨‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👍🏽 🏳️‍🌈",
    "می‌خواهم क्‍ष",  # Persian with a non-joiner, Devanagari with a joiner
    "葛󠄀城市 ﾊﾝｶｸ",  # a Han variation sequence, half-width kana
    "Ça, où? Größe, Ærø, žluťoučký kůň, Việt Nam, Ελλάδα, Привет",
    "\u200fשלום (1)\u200f",
    "┌──┐\n│ é│\n└──┘",
    "ខ្ញុំ\u200bចង់ ผม\u200bอยาก",  # the zero-width space divides words
    "PDF\u200cها",  # a non-joiner before what it shapes
    "ᠮᠣᠩᠭᠣᠯ\u202fᠤᠨ",  # a Mongolian suffix
]


@pytest.mark.parametrize("text", CORRECT)
def test_correct_text_is_left_alone(text: str) -> None:
    assert clean_text(text, ALL) == (text, ())


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("ä½\xa0å¥½", "你好"),
        ("ä¸\xadæ–‡", "中文"),
        ("cafÃ© â€œyesâ€\x9d", "café “yes”"),
        ("It\x92s", "It’s"),
        ("husband \x80\x94friend", "husband —friend"),
        ("ä»\x8aå¤©å\x80\x90", "今天倐"),
        ("正确的中文\ncafÃ©", "正确的中文\ncafé"),
        ("Mart√≠n", "Martín"),
        ("what â€?", "what â€?"),
        ("\ud83d\ude00 a\ud800b", "😀 a\ufffdb"),
        ("e\u0301", "é"),
        # What was lost before stays to be seen, also beside what can be mended.
        ("voilÃ  caf\ufffd dÃ©jÃ  vu", "voilà caf\ufffd déjà vu"),
        ("1 < 2 &amp; 3", "1 < 2 &amp; 3"),
    ],
)
def test_repair_unicode(broken: str, repaired: str) -> None:
    assert repair_unicode(broken) == repaired


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("a\x00b\x07c\x7fd\x9be\tf\ng", "abcde\tf\ng"),
        ("\ufeff你\u200b好\u2060", "你好"),
        ("co\xadoperate", "cooperate"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("שלום\u200f", "שלום\u200f"),
        ("a\u200db\u200cc", "abc"),
        ("中\u200d文", "中文"),
        ("👩\u200d💻\u200d", "👩\u200d💻"),
        ("hi\U000e0041\U000e0042", "hi"),
        ("🏴\U000e0041\U000e0042", "🏴"),
        ("a\ufff9b\ufffb\U0001fffe", "ab"),
        ("ไทย\u200b, ok\u200b", "ไทย, ok"),
        ("a\r\nb\x0cc", "a\r\nb\x0cc"),
    ],
)
def test_strip_control_characters(text: str, stripped: str) -> None:
    assert strip_control_characters(text) == stripped


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("a\xa0b\u2009c", "a b c"),
        ("a \t\nb　\n", "a\nb"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("a\n\n\n\nb\n \n\t\n\n\nc", "a\n\nb\n\nc"),
        ("　　第一段　中间\n　　第二段", "第一段　中间\n第二段"),
        ("  hello\nworld  ", "hello\nworld"),
        ("\n    x = 1\n    return x\n", "    x = 1\n    return x"),
        (" \n\t\n", ""),
    ],
)
def test_normalize_whitespace(text: str, normal: str) -> None:
    assert normalize_whitespace(text) == normal


@pytest.mark.parametrize("text", ["", " \u3000", "\u3164", "\u2800", "\ufe0f", "\u115f\u1160", "\u034f\U000e0100 "])
def test_what_nobody_sees_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not any(is_blank(f"{text}{seen}") for seen in "a。🙂́")


def test_a_long_run_of_marks_is_kept_and_takes_no_time() -> None:
    """Sorting it as one run would take minutes; the standard's joiner divides it."""
    text = "a" + "\u0301\u0323" * 200_000
    cleaned, _ = clean_text(text, ALL)
    assert cleaned.count("\u0323") + cleaned.count("ạ") == 200_000
    assert clean_text(cleaned, ALL) == (cleaned, ())
    assert repair_unicode(repair_unicode("a" + "\u0344" * 30)) == repair_unicode("a" + "\u0344" * 30)


def test_clean_text_names_who_changed_it_in_the_order_given() -> None:
    assert clean_text("\ufeffcafÃ© \r\n", ALL) == ("café", ALL)
    assert clean_text("a\x00 ", ["normalize_whitespace", "strip_control_characters"]) == (
        "a",
        ("normalize_whitespace", "strip_control_characters"),
    )
    assert clean_text("a\x00 ", []) == ("a\x00 ", ())


def test_mending_one_thing_uncovers_another() -> None:
    assert clean_text("cafÃ\u200b©", ALL) == ("café", ("repair_unicode", "strip_control_characters"))


# Characters that the functions look for, so that hypothesis meets their neighbourhoods often.
SPECIAL = st.sampled_from(
    "aZ ,\n\r\t\x00\x1b[m\x80\x85\x92\x94\x9d\xa0\xad\u3000\u200b\u200c\u200d\u200f\u202e\u2028\ufeff\ufe0f"
    "Ãâ€©œ√é\u0301中文。你👩💻🏴\U000e0067क्ب\ud83d\ude00"
)
TEXTS = st.one_of(st.text(max_size=30), st.text(SPECIAL, max_size=30))


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_cleaning_is_idempotent(text: str) -> None:
    once, _ = clean_text(text, ALL)
    assert clean_text(once, ALL) == (once, ())
    once.encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_each_function_is_idempotent_where_nothing_can_be_uncovered(text: str) -> None:
    for function in (strip_control_characters, normalize_whitespace):
        once = function(text)
        assert function(once) == once


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1))
def test_mojibake_of_chinese_is_undone(text: str) -> None:
    # Alone, the bytes of a few characters (习) pass for words of another language.
    sentence = f"今天我们学习{text}，很好。"
    assert repair_unicode(sentence.encode().decode("latin-1")) == sentence
