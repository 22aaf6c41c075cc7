"""Tell which encoding the bytes of a text are in: detect("你好，世界".encode("big5")) is Guess("big5", 0.99…).

The encodings of Chinese, GB18030 and Big5, take most of each other's bytes, and many others', for their own.  What
comes out tells them apart: real writing repeats a few characters, noise does not.
"""

import codecs
import math
from typing import Final, NamedTuple

# The most frequent characters of Chinese in simplified and traditional script, and those of old poems; but none whose
# bytes are frequent in German or French ("für" is not 點).
FREQUENT: Final = frozenset(
    "的一是不了人在有我他这大中上个们来到时地为子你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之"
    "都好看起发没成只如事把还用道想作开美无从己面最前些所同日手又行意动方本很都但与及其现样种长点因"
    "這個們來時為說國著裡後會過對於學麼發沒還開無從動現樣種經問見"
    "山風雲春花月水秋白何此相江夜歸處聲君清明雨酒東南西入空思今古千萬三老高新青"
)
KANA: Final = frozenset(map(chr, range(0x3041, 0x30FF)))
HANGUL: Final = frozenset("이다는을에의가고하지은로한도를사기서인리시어자대나아해스정그게일수있라부들보니주")
# The neighbours' encodings stand beside those of Chinese because their bytes would pass for these.
FREQUENT_IN: Final = {"gb18030": FREQUENT, "big5": FREQUENT, "euc_jp": KANA, "cp932": KANA, "cp949": HANGUL}
# How often a character is one of the frequent ones: in text at least, in bytes read in a wrong encoding at most.
# Measured on pieces of 1,000 characters: comments 0.47, sentences 0.37, old poems 0.26 and less; noise 0.00 to 0.04.
IN_TEXT, IN_NOISE = 0.22, 0.05
# The same for bytes that are no character of the encoding at all.
FAULT_IN_TEXT, FAULT_IN_NOISE = 0.001, 0.05


# What begins like this is this.  UTF-32 goes first: it may begin as UTF-16 does.
MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
SAMPLE_BYTES: Final = 1 << 16
# What UTF-16 without a mark is taken for by its zeros and line ends: a rule, not a measure.
UNMARKED: Final = 0.99
# From here on a file is read in what it seems to be, where its source allows that; and held for wrong where not.
LIKELY, SURE = 0.9, 0.99
# Statistics are never certain.
AT_MOST: Final = 0.9999
# So many characters of valid UTF-8 are no accident of another encoding.
NO_ACCIDENT: Final = 10
# A declared encoding that explains the bytes less than a hundred times worse than another may be the right one.
CLEARLY: Final = math.log(100)


class Guess(NamedTuple):
    """An encoding as Python names it, and how probable it is, from 0 to 1."""

    encoding: str
    confidence: float

    def __str__(self) -> str:
        """GB18030 (confidence 0.98); never rounded up to certainty."""
        return f"{self.encoding.upper()} (confidence {math.floor(self.confidence * 100) / 100:.2f})"


def detect(head: bytes) -> Guess:
    """Return the encoding of a text that begins like this, of which the first SAMPLE_BYTES count.

    UTF-8 where nothing else is LIKELY; then the confidence is the share of the bytes beyond ASCII that are UTF-8.
    """
    head = head[:SAMPLE_BYTES]
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return Guess(encoding, 1.0)
    if wide := _unmarked_utf16(head):
        return Guess(wide, UNMARKED)
    if decodes(head, "utf-8"):
        return Guess("utf-8", 1.0)
    guess = guess_east_asian(head)
    return guess if guess.confidence >= LIKELY and b"\0" not in head else Guess("utf-8", _valid_share(head))


def contradiction(head: bytes, declared: str) -> Guess | None:
    """Return what these bytes surely are, where that is not the declared encoding nor one that reads them alike."""
    found, head = detect(head), head[:SAMPLE_BYTES]
    if found.confidence < SURE or found.encoding.split("-")[:2] == declared.split("-")[:2]:
        return None
    if found.encoding == "utf-8":
        is_wide = declared.startswith(("utf-16", "utf-32"))
        beyond = sum(byte >= 0xC0 for byte in head)
        return found if (beyond >= NO_ACCIDENT or is_wide) and b"\0" not in head else None
    if found.encoding not in FREQUENT_IN:
        return found
    alike = _log_odds(head, declared, FREQUENT_IN[found.encoding])
    return found if _log_odds(head, found.encoding, FREQUENT_IN[found.encoding]) - alike > CLEARLY else None


def decodes(head: bytes, encoding: str) -> bool:
    """Whether the bytes are text of this encoding, the last character of which may be cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _unmarked_utf16(head: bytes) -> str | None:
    """The UTF-16 that these bytes, without a byte order mark, are: one half of each pair is NUL in Latin text; other
    text is no UTF-8, but decodes, and has line ends as pairs or some Latin letters."""
    is_utf8 = decodes(head, "utf-8")
    for high, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):  # where the high byte of a pair is
        nuls, rest = head[high::2], head[1 - high :: 2]
        if len(head) >= 8 and nuls.count(0) * 3 > len(nuls) * 2 and 0 not in rest:
            return encoding
        is_mixed = len(head) >= 8 and nuls.count(0) > max(
            len(nuls) // 20, 4 * rest.count(0)
        )  # some characters end in a zero too
        if not is_utf8 and (is_mixed or (0, 0x0A) in zip(nuls, rest, strict=False)) and decodes(head, encoding):
            return encoding
    return None


def _valid_share(head: bytes) -> float:
    beyond = sum(byte > 0x7F for byte in head)
    return sum(byte > 0x7F for byte in head.decode("utf-8", "ignore").encode()) / max(beyond, 1)


def guess_east_asian(head: bytes) -> Guess:
    """Return the likeliest encoding of FREQUENT_IN for these bytes, the last character of which may be cut.

    The confidence is a posterior: each of them, and none of them, is held for equally likely at first, and each
    character beyond ASCII is a draw from the frequent ones or not (naive Bayes).
    """
    weights = {encoding: _log_odds(head, encoding, frequent) for encoding, frequent in FREQUENT_IN.items()}
    best = max(weights, key=weights.__getitem__)
    top = max(0.0, weights[best])
    share = math.exp(weights[best] - top) / (math.exp(-top) + sum(math.exp(w - top) for w in weights.values()))
    return Guess(best, min(share, AT_MOST))


def _log_odds(head: bytes, encoding: str, frequent: frozenset[str]) -> float:
    """How much likelier these bytes are if they are text in this encoding than if they are not, as a logarithm."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    beyond = [character for character in text if character > "\x7f"]
    faults, known = beyond.count("\ufffd"), sum(character in frequent for character in beyond)
    return (
        known * math.log(IN_TEXT / IN_NOISE)
        + (len(beyond) - faults - known) * math.log((1 - IN_TEXT) / (1 - IN_NOISE))
        + faults * math.log(FAULT_IN_TEXT / FAULT_IN_NOISE)
    )
