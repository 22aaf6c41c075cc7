"""Fold a text to its letters and digits: the form in which two texts count as the same text.

"Ｈｅｌｌｏ, World! 🙂" -> "helloworld";  "ภาษาไทย ๆ" -> "ภาษาไทยๆ".
The fold follows this interpreter's Unicode tables (`unicodedata.unidata_version`): a fingerprint that
depends on folds of characters younger than the oldest supported table should carry that version.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Code points [n]: bytes where a text is Latin-1, which quarters the memory.  A normalised text of bytes holds
# neither marks nor ignorable characters.
CodePoints: TypeAlias = NDArray[np.uint8] | NDArray[np.uint32]

# Classes of code points.  Everything from UNSPACED up belongs to scripts that put no spaces between words.
OTHER, MARK, IGNORABLE, LETTER, HANGUL, UNSPACED, HAN = range(7)

# Unicode blocks.  HAN: ideographs, kana, bopomofo (about one morpheme or syllable a character).
# UNSPACED: Thai, Lao, Burmese, Khmer, Tai and Javanese scripts (alphabets, about 4 characters a word).
_BLOCKS: Final = {
    HANGUL: ((0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97F), (0xAC00, 0xD7FF)),
    UNSPACED: (
        (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF),
        (0x1B00, 0x1B7F), (0xA980, 0xA9FF), (0xAA60, 0xAADF),
    ),
    HAN: (
        (0x3005, 0x3007), (0x3021, 0x3029), (0x3041, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF),
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x1AFF0, 0x1B16F), (0x20000, 0x323AF),
    ),
}  # fmt: skip

# Default_Ignorable_Code_Point (Unicode 15, DerivedCoreProperties): soft hyphens, joiners, variation
# selectors, direction marks.  They go before the words are cut, or a joiner would split a Persian word.
IGNORABLE_RANGES: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)  # fmt: skip
NUM_ASSIGNED: Final = 0x323B0  # planes above the ideographs hold no letters
LONGEST_MARKS: Final = 30  # UAX #15, section 13: Stream-Safe Text Format
# A text of ASCII is folded 10 times as fast as others, and NFKC costs 2 ns a character where it changes
# nothing, 240 where one full-width comma is enough to change something.  So the usual punctuation becomes
# a space first: neither is a letter, so neither is kept.
_USUAL_PUNCTUATION: Final = "‘’“”–—•…\u00a0，！？：；（）～　"
_ASCII_LOWER: Final = bytes(range(128)).lower() + bytes(range(128, 256))
_ASCII_DROPPED: Final = bytes(c for c in range(128) if not chr(c).isalnum())


def normalise(text: str) -> str:
    """Return `text` in NFKC and case folded; what is no letter stays, goes or becomes a space.

    Of a run of more than LONGEST_MARKS combining marks the rest goes.
    """
    if not text.isascii():
        text = text.replace("\u00ad", "")  # the soft hyphen, the one ignorable character of Latin-1
        for punctuation in _USUAL_PUNCTUATION:
            text = text.replace(punctuation, " ")
        text = _shortened(text)
    if text.isascii():  # NFKC is the identity here, and lower() the case fold
        return text.lower()
    # Case folding takes letters like ΐ and İ apart: compose again.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _shortened(text: str) -> str:
    return replace_many_marks(text, lambda run: run[0][:LONGEST_MARKS])


def replace_many_marks(text: str, replacement: Callable[[re.Match[str]], str]) -> str:
    """Return `text` with each run of more than LONGEST_MARKS combining marks replaced.

    No language has such runs, and normalising sorts them in quadratic time.  Looking at every character costs 25
    times what normalising does, so look first where each of them must show: it covers one of the places that stand
    LONGEST_MARKS + 1 apart, and half of it lies on one side of that place.
    """
    marks, half = _combining_marks(), LONGEST_MARKS // 2
    places = range(LONGEST_MARKS, len(text), LONGEST_MARKS + 1)
    if marks.isdisjoint(text[LONGEST_MARKS :: LONGEST_MARKS + 1]) or not any(
        marks.issuperset(text[place : place + half + 1]) or marks.issuperset(text[place - half : place + 1])
        for place in places
    ):
        return text
    return _many_marks().sub(replacement, text)


@cache
def _combining_marks() -> frozenset[str]:
    return frozenset(c for c in map(chr, range(NUM_ASSIGNED)) if unicodedata.combining(c))


@cache
def _many_marks() -> re.Pattern[str]:
    marks = "".join(map(re.escape, sorted(_combining_marks())))
    return re.compile(f"[{marks}]{{{LONGEST_MARKS + 1},}}")


def fold_text(text: str) -> str:
    """Return the letters, digits and letters' combining marks of `text` after NFKC and case folding.

    Marks stay because in Thai, Lao, Khmer, Burmese and the Indic scripts they are the vowels and tones:
    without them Hindi की, का and के would be one word.  A mark that follows no letter goes: NFKC makes a
    space and an accent of a lone ´ or ￣, so "don´t" must not become "dońt".
    """
    if text.isascii():
        return text.encode("ascii").translate(_ASCII_LOWER, _ASCII_DROPPED).decode("ascii")
    codes = code_points(normalise(text))
    classes, shown = classify(codes)
    codes = codes if shown is None else codes[shown]
    kept = codes[classes != OTHER].astype("<u4").tobytes().decode("utf-32-le")
    # A joiner that went may have stood between a letter and its mark, or divided a run of marks.
    return unicodedata.normalize("NFKC", _shortened(kept))


def fold_digest(text: str) -> str:
    """Return the first 32 hex digits of the sha2-256 of the fold: equal for texts that fold to the same.

    A text without letters or digits counts as itself, after a NUL: no fold holds one, so an emoji text
    never meets a folded text.
    """
    folded = fold_text(text)
    hashed = folded.encode("utf-8") if folded else b"\0" + text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(hashed).hexdigest()[:32]


def code_points(text: str) -> CodePoints:
    """Return the code points [n] of a normalised text."""
    try:
        return np.frombuffer(text.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def classify(codes: CodePoints) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Return the class [k] of each code point that shows, OTHER, LETTER, HANGUL, UNSPACED or HAN; and which [n] show,
    None where all do.

    The text is normalised.  Ignorable characters neither show nor separate.  A combining mark takes the class of the
    letter that it follows, OTHER where it follows none.
    """
    classes = _class_table()[codes]
    if codes.dtype == np.uint8:
        return classes, None
    shown = classes != IGNORABLE
    some_go = not shown.all()
    classes = classes[shown] if some_go else classes
    marks = classes == MARK
    if marks.any():
        bases = np.where(marks, 0, np.arange(len(classes)))
        classes = classes[np.maximum.accumulate(bases)]
        classes[classes == MARK] = OTHER  # the text opens with marks
    return classes, shown if some_go else None


@cache
def _class_table() -> NDArray[np.uint8]:
    """Return the class [0x110000] of every code point, marks as MARK; 60 ms, once a process."""
    names = "".join(map(unicodedata.category, map(chr, range(NUM_ASSIGNED)))).encode("ascii")
    category = np.frombuffer(names, "S2")
    major = category.astype("S1")
    table = np.zeros(0x110000, np.uint8)
    head = table[:NUM_ASSIGNED]
    head[(major == b"L") | (major == b"N")] = LETTER
    for script, blocks in _BLOCKS.items():
        for first, last in blocks:
            block = table[first : last + 1]
            block[block == LETTER] = script
    head[(major == b"M") & (category != b"Me")] = MARK  # enclosing marks (keycaps) are decoration
    for first, last in IGNORABLE_RANGES:
        table[first : last + 1] = IGNORABLE
    return table
