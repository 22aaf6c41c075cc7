import hashlib
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.clean_functions import repair_unicode
from udfs.folding import LONGEST_MARKS, fold_digest, fold_text, normalise, replace_many_marks

# Letters of many scripts, marks, wide and ligature forms, case traps, punctuation, joiners, emoji.
ALPHABET = (
    "abZ09 _-.'\n\té́ßİıΣςŉΐﬁ½²Ⅷ％Ａ９，。…“”´¨￣"
    "ーゟガｶﾞ中文々〇한글ᄀ\u1161กำีเ็कािी्ัខ្មမြع\u064bא\u05b0🙂👍️\ufe0f\u200d\u200c\u00ad\u20e3\u3099"
)
TEXTS = st.text(alphabet=ALPHABET, max_size=30)
IGNORED = "\ufe0f\u200d\u200c\u00ad"


def plain_fold(text: str) -> str:
    """One character at a time, by the categories of the standard library."""
    kept, after_letter = "", False
    for char in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()):
        category = unicodedata.category(char)
        if char in IGNORED:
            continue
        after_letter = category[0] in "LN" or (after_letter and category in ("Mn", "Mc"))
        kept += char if after_letter else ""
    return unicodedata.normalize("NFKC", kept)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hello, World!", "helloworld"),
        ("Ｈｅｌｌｏ，Ｗｏｒｌｄ！ １２", "helloworld12"),
        ("STRASSE Straße", "strassestrasse"),
        ("snake_case-2", "snakecase2"),
        ("cafe\u0301 CAFÉ", "cafécafé"),
        ("我爱，北京！", "我爱北京"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム"),
        ("ภาษา ไทย", "ภาษาไทย"),
        ("हिन्दी", "हिन्दी"),
        ("می\u200cخواهم", "میخواهم"),
        ("don´t ￣▽￣", "dont"),
        ("1\ufe0f\u20e3", "1"),
        ("\u0301a", "a"),
        ("soft\u00adhyphen", "softhyphen"),
        ("🙂 !?", ""),
        ("", ""),
    ],
)
def test_folds_to_letters_and_digits(text: str, folded: str) -> None:
    assert fold_text(text) == folded


def test_keeps_the_marks_that_tell_words_apart() -> None:
    assert len({fold_text(word) for word in ("क", "कि", "की", "का", "के")}) == 5
    assert len({fold_text(word) for word in ("มา", "มี", "มือ", "ม้า")}) == 4


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_equals_the_plain_fold(text: str) -> None:
    assert fold_text(text) == plain_fold(text)


@given(st.text(max_size=20) | TEXTS)
@settings(max_examples=300, deadline=None)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)


def test_the_ascii_path_agrees_with_the_general_one() -> None:
    text = "".join(map(chr, range(128)))
    assert fold_text(text) == plain_fold(text) == "0123456789" + "abcdefghijklmnopqrstuvwxyz" * 2
    assert normalise("A b") == "a b"


def test_digest_is_that_of_the_fold() -> None:
    assert fold_digest("Hello, World!") == hashlib.sha256(b"helloworld").hexdigest()[:32]
    assert fold_digest("我爱，北京！") == hashlib.sha256("我爱北京".encode()).hexdigest()[:32]


def test_a_long_run_of_marks_takes_no_time() -> None:
    text = "b" + "\u0301\u0323" * 200_000
    assert fold_text(text) == fold_text("b" + "\u0301\u0323" * 15)
    assert len(fold_text(repair_unicode(text))) <= 31  # cleaning divides the run, and folding drops what divides


@given(st.text("a\u0301\u0e38 ", max_size=50), st.integers(0, 70), st.text("a\u0301 ", max_size=100))
def test_every_long_run_of_marks_is_found(before: str, length: int, after: str) -> None:
    text = before + "\u0323" * length + after
    pattern = re.compile(f"[\u0301\u0323\u0e38]{{{LONGEST_MARKS + 1},}}")
    assert replace_many_marks(text, lambda run: f"<{run[0]}>") == pattern.sub(lambda run: f"<{run[0]}>", text)


def test_texts_without_letters_count_as_themselves() -> None:
    digests = {fold_digest(text) for text in ("", "🙂", "🙁", "!", "!!", " ")}
    assert len(digests) == 6
    assert fold_digest("🙂") == hashlib.sha256(b"\0" + "🙂".encode()).hexdigest()[:32]


def test_half_a_character_does_not_raise() -> None:
    assert fold_text("a\ud800b") == "ab"
    assert len(fold_digest("\ud800")) == 32
