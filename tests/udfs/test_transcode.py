"""Files in other encodings read as the same rows; what cannot be read so is said."""

import gzip
import io
import json
from pathlib import Path

import pytest

from udfs.ingest_files import File, read_file
from udfs.read_rows import Row, read_rows
from udfs.transcode import detecting, encoding_name, split_format, transcoded

ROWS = [{"text": "这是我们的家，[大家]都来{看看}。"}, {"text": "一个\\好人\r\n第二行 plain"}]
CSV = 'text\r\n"这是我们的家，""大家""都来看看。"\r\n不是吗？\r\n'


def read(data: bytes, format: str, encoding: str) -> list[Row]:
    return list(read_rows(transcoded(io.BytesIO(data), encoding), format, "p"))


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8", "hz"])
@pytest.mark.parametrize("format", ["json", "array", "csv", "file"])
def test_the_same_rows_come_from_every_encoding(encoding: str, format: str) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    text = {"json": "\n".join(lines), "array": f"[{','.join(lines)}]", "csv": CSV, "file": CSV}[format]
    if encoding == "big5":
        text = text.translate(str.maketrans("这们来个还吗", "這們來個還嗎"))
    format = "json" if format == "array" else format
    wanted = read(text.encode(), format, "utf-8")
    assert len(wanted) == (1 if format == "file" else 2) and not any(row.drop_reason for row in wanted)
    assert read(text.encode(encoding), format, encoding) == wanted
    if encoding != "hz":
        assert read(text.encode(encoding), format, "auto") == wanted


def test_utf16_without_a_mark_is_read_in_its_own_order() -> None:
    for order in ("utf-16-le", "utf-16-be"):
        assert read("你好\nhello\n".encode(order), "text", "utf-16")[0].payload == '{"text":"你好"}'


def test_a_bad_byte_sets_its_line_aside_and_is_named_as_in_the_file() -> None:
    data = "这是我们的家\n".encode("gb18030") + b"ab\xff\n" + "大家好\n".encode("gb18030") + b"\xc4"
    first, second, third, last = read(data, "text", "gb18030")
    assert (first.payload, third.payload) == ('{"text":"这是我们的家"}', '{"text":"大家好"}')
    assert second == Row(2, None, "bad_encoding", "byte 0xff at column 3")
    assert last == Row(4, None, "bad_encoding", "byte 0xc4 at column 1")
    # In UTF-8 these bytes are no character either, and they are what stands in the file.
    assert read(b"\xed\xa0\x80", "text", "utf-8") == [Row(1, None, "bad_encoding", "byte 0xed at column 1")]


def test_ascii_is_passed_on_until_something_tells() -> None:
    data = b"plain\n" * 200_000 + ("这是我们在中国的一个大家\n" * 3).encode("gb18030")
    rows = read(data, "text", "auto")
    assert len(rows) == 200_003 and rows[-1].payload == '{"text":"这是我们在中国的一个大家"}'


def file_row(path: Path, format: str) -> dict[str, object]:
    *_, last = read_file(File("s", path.name, 1, str(path), format, [], None))
    return {name: last[name] for name in ("file_rows", "drop_reason", "detail")}


def test_the_row_of_a_file_says_how_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "这是我们在中国的一个大家\n" * 3
    path.write_bytes(gzip.compress(text.encode("gb18030")))
    said = "read as GB18030 (confidence 0.99)"
    assert file_row(path, "text@auto") == {"file_rows": 3, "drop_reason": None, "detail": said}
    assert file_row(path, "text@gb18030") == {"file_rows": 3, "drop_reason": None, "detail": None}
    said = "found GB18030 (confidence 0.99), expected UTF-8; declare `encoding: gb18030`, or `encoding: auto`"
    assert file_row(path, "text") == {"file_rows": 0, "drop_reason": "wrong_encoding", "detail": said}
    said = "found GB18030 (confidence 0.99), expected BIG5; declare `encoding: gb18030`, or `encoding: auto`"
    assert file_row(path, "text@big5") == {"file_rows": 0, "drop_reason": "wrong_encoding", "detail": said}
    path.write_bytes(b"plain\n")
    assert file_row(path, "text@auto") == {"file_rows": 1, "drop_reason": None, "detail": None}
    path.write_bytes(text.encode())
    assert file_row(path, "text@auto")["detail"] == "read as UTF-8 (confidence 1.00)"
    path.write_bytes("plain\ncafé\n".encode("latin-1"))
    said = "read as UTF-8 (confidence 0.00), nothing else is likelier: declare `encoding` if you know it"
    assert file_row(path, "text@auto") == {"file_rows": 2, "drop_reason": None, "detail": said}
    path.write_bytes(b"PK\x03\x04" + bytes(30))
    assert file_row(path, "text@auto")["drop_reason"] == file_row(path, "text@big5")["drop_reason"] == "unreadable_file"


@pytest.mark.parametrize(
    ("name", "kept"),
    [("UTF8", "utf-8"), ("utf-8-sig", "utf-8"), ("GBK", "gb18030"), ("gb2312", "gb18030"), (" Big5 ", "big5"),
     ("UTF-16LE", "utf-16-le"), ("latin1", "iso8859-1"), ("shift-jis", "cp932"), ("AUTO", "auto")],
)  # fmt: skip
def test_encodings_have_one_name(name: str, kept: str) -> None:
    assert encoding_name(name) == kept


@pytest.mark.parametrize("name", ["", "gb18031", "rot13", "base64", "idna", "unicode_escape", "a\0b"])
def test_what_is_no_encoding_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected auto, utf-8, gb18030"):
        encoding_name(name)


def test_a_format_carries_its_encoding() -> None:
    assert split_format("csv ;") == ("csv ;", "utf-8")
    assert split_format("csv@big5 @") == ("csv @", "big5")
    assert split_format("text") == ("text", "utf-8")
    assert [detecting(format) for format in ("text", "csv ;", "csv@big5 ;")] == [
        "text@auto",
        "csv@auto ;",
        "csv@big5 ;",
    ]
