"""Which encoding bytes are in, on sentences and on the real texts of ../shared/data, written again in others."""

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from udfs.detect_encoding import LIKELY, Guess, contradiction, detect

SIMPLIFIED = "这是我们在中国的一个家，大家都来看看，好不好？\n"
TRADITIONAL = "這是我們在中國的一個家，大家都來看看，好不好？\n"
CODE = random.Random(1).randbytes(5000)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (SIMPLIFIED.encode("gb18030"), "gb18030"),
        (SIMPLIFIED.encode("gb18030")[:-4], "gb18030"),  # ends within a character
        (TRADITIONAL.encode("gb18030"), "gb18030"),
        (TRADITIONAL.encode("big5"), "big5"),
        (b"\x84\x31\x95\x33abc", "gb18030"),
        ("これは日本語の文章です。\n".encode("euc_jp"), "euc_jp"),
        ("これは日本語の文章です。\n".encode("cp932"), "cp932"),
        (SIMPLIFIED.encode("utf-16"), "utf-16"),
        (SIMPLIFIED.encode("utf-16-be"), "utf-16-be"),
        ("plain\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_an_encoding_is_known_by_what_comes_out(data: bytes, encoding: str) -> None:
    found = detect(data)
    assert (found.encoding, found.confidence >= LIKELY) == (encoding, True)


@pytest.mark.parametrize(
    "data",
    [b"", b"plain", SIMPLIFIED.encode(), SIMPLIFIED.encode()[:-4], b"\xef\xbb\xbfx"],
)
def test_utf8_is_certain(data: bytes) -> None:
    assert detect(data) == Guess("utf-8", 1.0)


@pytest.mark.parametrize(
    "data",
    [
        "café, crème brûlée, déjà vu, garçon, naïve".encode("latin-1"),
        "Größe, Übermaß, schön, Straße und Fußgänger".encode("cp1252"),
        "Съешь ещё этих мягких французских булок, да выпей чаю".encode("cp1251"),
        CODE,
        b"\x89PNG\r\n\x1a\n" + CODE,
        SIMPLIFIED.encode("gb18030") * 3 + b"\0" + bytes(9),
    ],
)
def test_other_bytes_are_not_taken_for_chinese(data: bytes) -> None:
    found = detect(data)
    assert found.encoding == "utf-8" and found.confidence < LIKELY


def test_a_wrong_byte_does_not_make_utf8_another_encoding() -> None:
    data = SIMPLIFIED.encode() * 10
    for place in range(50):
        found = detect(data[:place] + b"\xff" + data[place + 1 :])
        assert found.encoding == "utf-8" and found.confidence > 0.98


@pytest.mark.parametrize(
    ("data", "declared", "found"),
    [
        (SIMPLIFIED.encode() * 2, "gb18030", "utf-8"),
        (SIMPLIFIED.encode("gb18030"), "big5", "gb18030"),
        (SIMPLIFIED.encode("gb18030"), "iso8859-1", "gb18030"),
        (TRADITIONAL.encode("big5"), "gb18030", "big5"),
        (b"plain text\n", "utf-16", "utf-8"),
        ("plain\n".encode("utf-16"), "big5", "utf-16"),
        (SIMPLIFIED.encode("gb18030"), "gb18030", None),
        (TRADITIONAL.encode("big5"), "cp950", None),
        (TRADITIONAL.encode("big5"), "big5hkscs", None),
        ("plain\n".encode("utf-16-le"), "utf-16", None),
        ("联通".encode("gb18030"), "gb18030", None),  # famous for being valid UTF-8 as well
        ("café".encode("latin-1"), "iso8859-1", None),
        ("한국어 문장입니다. 이것은 그 예입니다.".encode("euc_kr"), "cp949", None),
        (b"plain", "gb18030", None),
    ],
)
def test_a_declaration_is_refused_only_where_another_is_sure(data: bytes, declared: str, found: str | None) -> None:
    other = contradiction(data, declared)
    assert (other.encoding if other else None) == found


def test_a_confidence_is_never_rounded_up_to_certainty() -> None:
    assert str(Guess("big5", 0.99999)) == "BIG5 (confidence 0.99)"


def real_texts(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Comments of today, mixed sentences of the web, and old poems in traditional script."""
    with gzip.open(folder / "offensive_zh" / "dev.csv.gz") as packed:
        yield "comments", [row["TEXT"] for row in csv.DictReader(io.TextIOWrapper(packed, "utf-8-sig"))]
    with gzip.open(folder / "language_sentences" / "sentences.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for language in ("zh", "ja", "ko", "ru", "de", "fr"):
        yield language, [row["text"] for row in rows if row["language"] == language]
    with gzip.open(folder / "poems_zh" / "poems.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield "poems", [json.loads(line)["text"] for line, _ in zip(lines, range(4000), strict=False)]


@pytest.mark.shared
def test_real_texts_in_other_encodings(shared_data: Path) -> None:
    """100 pieces of 200 characters of each: at least 90 found, and not one taken for another."""
    written = {
        "comments": ("gb18030",), "zh": ("gb18030", "big5"), "poems": ("gb18030", "big5"), "ja": ("euc_jp", "cp932"),
        "ko": ("cp949",), "ru": ("cp1251", "koi8_r"), "de": ("cp1252",), "fr": ("cp1252",),
    }  # fmt: skip
    draw = random.Random(1)
    for name, texts in real_texts(shared_data):
        whole = "\n".join(texts)
        for encoding in written[name]:
            starts = [draw.randrange(len(whole) - 200) for _ in range(100)]
            pieces = [whole[start : start + 200].encode(encoding, "ignore") for start in starts]
            found = [detect(piece).encoding for piece in pieces if not piece.isascii()]
            wanted = encoding if name not in ("ru", "de", "fr") else "utf-8"
            assert set(found) <= {wanted, "utf-8"}, (name, encoding)
            assert found.count(wanted) >= 0.9 * len(found), (name, encoding, found.count(wanted), len(found))
