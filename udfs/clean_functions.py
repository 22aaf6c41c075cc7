"""Functions that mend a text without changing what it says, and the registry that recipes name them by.

Each is pure and idempotent, leaves correct text of any script, code included, as it is, and costs a few scans
where there is nothing to do. They look after form alone: no NFKC (it would flatten full-width Chinese
punctuation), no straightened quotes, no case folding.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

from ftfy import TextFixerConfig, fix_encoding
from ftfy.badness import is_bad

from udfs.folding import IGNORABLE_RANGES, LONGEST_MARKS, replace_many_marks

# A lost tail ("â€?") stays as it is: ftfy would put U+FFFD for it, which says less than what is there.
_FTFY = TextFixerConfig(explain=False, replace_lossy_sequences=False)

COMBINING_GRAPHEME_JOINER = "\u034f"
# Mojibake has letters of the code pages that bytes are misread in, or MacRoman's root sign. Looking for one first
# is 25 times as fast as ftfy's own check (94 against 3.8 million characters a second) and clears Chinese.
_MAY_BE_MOJIBAKE = re.compile("[\x80-\u04ff√]")
# Dashes, quotes and dots of U+2000-203F that lost the lead byte E2. MMLU's law items have hundreds; ftfy makes "€”".
_HEADLESS_PUNCTUATION = re.compile("(?<![\x80-\xff])\x80([\x90-\xbb])")
_SURROGATE = re.compile("[\ud800-\udfff]")

_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
# Thai, Lao, Burmese, Khmer: scripts without spaces, where a zero-width space divides words.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\uaa60-\uaadf"
# C0 and C1 but tab and line breaks, of which normalize_whitespace takes care; noncharacters; terminal colours.
_CONTROL = (
    "\x1b\\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]"
    f"|[{_NONCHARACTERS}]"
    # Soft hyphen, word joiner, BOM, and the zero-width space where no script needs it: places to break a line.
    f"|[\xad\u2060\ufeff]|(?<![{_UNSPACED}])\u200b|\u200b(?![{_UNSPACED}])"
    # Tag characters spell a region after a black flag (England's); anywhere else they hide text.
    "|(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)|[\U000e0020-\U000e007f]+"
)
# Bidi marks, embeddings, isolates and overrides.
_BIDI = "[\u200e\u200f\u202a-\u202e\u2066-\u206f]"
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
# Scripts where a joiner chooses the form of the letters beside it: Arabic to Sinhala, Tibetan, Myanmar, Khmer to
# Vedic, their supplements.
_SHAPED = "\u0600-\u0dff\u0f00-\u109f\u1780-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINER = re.compile(
    f"(?<![{_SHAPED}])\u200c(?![{_SHAPED}])|(?<![{_SHAPED}{_EMOJI}\ufe0f])\u200d|(?<=[{_EMOJI}\ufe0f])\u200d(?![{_EMOJI}])"
)
_UNSEEN = re.compile(_CONTROL)
_UNSEEN_LEFT_TO_RIGHT = re.compile(f"{_CONTROL}|{_BIDI}")
# Characters up to U+FFFF alone, and one range above: the two are 5 times as fast as all in one class.
_MAY_BE_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u206f"
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_MAY_BE_UNSEEN_ABOVE = re.compile("[\U0001fffe-\U0010ffff]")

# U+2800 is Braille without dots.
_VISIBLE = re.compile("[^\\s\u2800" + "".join(f"{chr(a)}-{chr(b)}" for a, b in IGNORABLE_RANGES) + "]")

_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# The narrow space before a Mongolian suffix shapes it.
_ODD_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u205f]|\u202f(?![\u1800-\u18af])")
_ODD_BREAK_OR_SPACE = re.compile("[\r\x0b\x0c\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f]")
_BLANKS = " \t\u3000"
_UNTIDY = (" \n", "\t\n", "\u3000\n", "\n\u3000", "\n\n\n\n")
_INDENTED_FIRST_PARAGRAPH = re.compile("^\u3000+", re.MULTILINE)
_BLANK_LINES = re.compile("\n{4,}")

# Mending one thing can uncover another (a BOM inside mojibake); no text seen needed a third pass.
_MAX_PASSES = 8


def repair_unicode(text: str) -> str:
    """Undo mojibake where ftfy's check finds some, join or replace lone surrogates, and compose (NFC).

    Mojibake that a text quotes on purpose cannot be told apart and is mended too.
    """
    if text.isascii():
        return text
    if _SURROGATE.search(text):
        # Two halves, as escaped JSON has them, become their character; a lone half becomes U+FFFD.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if _MAY_BE_MOJIBAKE.search(text):
        # By line, so that one bad line never re-reads the good ones, and as ftfy's heuristic was tuned.
        text = "\n".join(_repair_line(line) for line in text.split("\n"))
    # The standard's own remedy against runs of marks that would take hours to sort (UAX #15, section 13).
    divided = replace_many_marks(text, _divide_marks)
    composed = unicodedata.normalize("NFC", divided)
    # A few marks are two in this form.
    return replace_many_marks(composed, _divide_marks) if len(composed) > len(divided) else composed


def _divide_marks(run: re.Match[str]) -> str:
    parts = [run[0][at : at + LONGEST_MARKS] for at in range(0, len(run[0]), LONGEST_MARKS)]
    return COMBINING_GRAPHEME_JOINER.join(parts)


def _repair_line(line: str) -> str:
    """Return the line as it was before it was decoded with the wrong code page, if it was."""
    if not (_MAY_BE_MOJIBAKE.search(line) and is_bad(line)):
        return line
    line = _HEADLESS_PUNCTUATION.sub(lambda match: chr(0x2000 + ord(match[1]) - 0x80), line)
    fixed = fix_encoding(line, _FTFY)
    # ftfy's code pages write U+FFFD as the control 1A, and that a character was lost must stay to be seen.
    return fixed if "\x1a" in line else fixed.replace("\x1a", "\ufffd")


def strip_control_characters(text: str) -> str:
    """Remove what has no shape and carries nothing: NUL and other controls, zero-width spaces, BOMs, bidi controls.

    Kept are tab and line breaks; bidi controls in a text that has right-to-left letters; zero-width (non-)joiners
    beside a letter of a script that they shape (Persian, Hindi, ...), the joiner between two emoji (families), the
    zero-width space between words of scripts without spaces (Thai, Khmer, ...);
    variation selectors, which choose between forms of a Han character or an emoji.
    """
    if not (_MAY_BE_UNSEEN.search(text) or _MAY_BE_UNSEEN_ABOVE.search(text)):
        return text
    unseen = _UNSEEN if _RIGHT_TO_LEFT.search(text) else _UNSEEN_LEFT_TO_RIGHT
    return _JOINER.sub("", unseen.sub(r"\1", text))


def is_blank(text: str) -> bool:
    """Say whether nothing of the text can be seen: spaces, blank letters, marks that nothing carries."""
    return _VISIBLE.search(text) is None


def normalize_whitespace(text: str) -> str:
    """Make line breaks LF and odd spaces a space, and remove what trails: spaces of a line, more than two blank lines.

    Leading spaces and tabs stay, for code; U+3000 goes at the start of a line (a Chinese paragraph's indent)
    but stays inside, where it is punctuation. Two blank lines stay (PEP 8), three and more become one.
    """
    if _ODD_BREAK_OR_SPACE.search(text):
        text = _ODD_SPACE.sub(" ", _LINE_BREAK.sub("\n", text))
    if any(untidy in text for untidy in _UNTIDY):
        text = "\n".join(line.rstrip(_BLANKS) for line in text.split("\n"))
        text = _BLANK_LINES.sub("\n\n", _INDENTED_FIRST_PARAGRAPH.sub("", text))
    text = text.rstrip(_BLANKS + "\n").lstrip("\n")
    return text if _is_indented_code(text) else text.lstrip(_BLANKS)


def _is_indented_code(text: str) -> bool:
    """Say whether the first line's indent is one among others, as in a function body cut out of its function."""
    return text[:1] in (" ", "\t") and ("\n " in text or "\n\t" in text)


CLEANERS: dict[str, Callable[[str], str]] = {
    # Before the controls go: C1 controls are half of what tells mojibake.
    "repair_unicode": repair_unicode,
    "strip_control_characters": strip_control_characters,
    "normalize_whitespace": normalize_whitespace,
}


def clean_text(text: str, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Apply the named functions in the given order until none changes the text; return it and who changed it.

    Cleaning twice gives what cleaning once gives.
    """
    changed: set[str] = set()
    for _ in range(_MAX_PASSES):
        before = text
        for name in names:
            cleaned = CLEANERS[name](text)
            if cleaned != text:
                changed.add(name)
                text = cleaned
        if text == before:
            break
    return text, tuple(name for name in names if name in changed)
