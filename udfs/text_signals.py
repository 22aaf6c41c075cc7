"""Signals of a text that need no model.  Each takes one text and gives one number.

Gopher: Rae et al., Scaling Language Models, 2021, appendix A.1.
"""

import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping
from typing import Final

# A Chinese character, or a run of other letters and digits: what is counted as one word.
WORDS: Final = re.compile("[\u3400-\u9fff]|(?:(?![\u3400-\u9fff])\\w)+")
NGRAM: Final = 3
# zlib's own bytes: of no text at all.
FRAME_BYTES: Final = len(zlib.compress(b""))
SYMBOL_CATEGORIES: Final = ("S", "C")


def words_of(text: str) -> list[str]:
    """Words in small letters; every Chinese character is one."""
    return WORDS.findall(text.lower())


def repetition(text: str) -> float:
    """Share of the runs of three words that stood in the text before, 0 to 1 (as Gopher's repeated n-grams)."""
    words = words_of(text)
    runs = list(zip(*(words[first:] for first in range(NGRAM)), strict=False))
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def symbol_share(text: str) -> float:
    """Share of the characters but spaces that are symbols or control characters by Unicode's categories, 0 to 1."""
    shown = [letter for letter in text if not letter.isspace()]
    symbols = sum(unicodedata.category(letter)[0] in SYMBOL_CATEGORIES for letter in shown)
    return symbols / len(shown) if shown else 0.0


def digit_share(text: str) -> float:
    """Share of the characters but spaces that are digits, 0 to 1."""
    shown = [letter for letter in text if not letter.isspace()]
    return sum(letter.isdigit() for letter in shown) / len(shown) if shown else 0.0


def compression(text: str) -> float:
    """Bytes that zlib makes of the text, as a share of its own in UTF-8, 0 to about 1: low where it repeats itself."""
    raw = text.encode("utf-8", "surrogatepass")
    return (len(zlib.compress(raw)) - FRAME_BYTES) / len(raw) if raw else 0.0


def words(text: str) -> float:
    """Number of words, from 0."""
    return float(len(words_of(text)))


# From where a signal costs a text something, and where it costs all: between them it falls in a line.
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "repetition": (0.1, 0.6),
    "symbol_share": (0.05, 0.3),
    "digit_share": (0.15, 0.5),
}


def clean_prose(text: str) -> float:
    """Quality by rules, 0 to 1: the product of what repetition, symbols and digits leave (LIMITS)."""
    left = 1.0
    for name, (good, bad) in LIMITS.items():
        left *= min(1.0, max(0.0, (bad - SIGNALS[name](text)) / (bad - good)))
    return left


SIGNALS: Final[Mapping[str, Callable[[str], float]]] = {
    "repetition": repetition,
    "symbol_share": symbol_share,
    "digit_share": digit_share,
    "compression": compression,
    "words": words,
    "clean_prose": clean_prose,
}
