"""Every format and fault by literal bytes; the csv and json modules are the oracles of the round trips."""

import csv
import io
import json
from typing import BinaryIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.read_rows import FORMATS, FileError, Row, read_rows


def read(data: bytes, format: str) -> list[Row]:
    return list(read_rows(io.BytesIO(data), format, "folder/file"))


def good(position: int, payload: str) -> Row:
    return Row(position, payload, None, None)


def bad(position: int, reason: str, detail: str) -> Row:
    return Row(position, None, reason, detail)


def rows_then_error(stream: BinaryIO, format: str) -> tuple[list[Row], tuple[str, int, str]]:
    seen: list[Row] = []
    with stream, pytest.raises(FileError) as caught:
        seen.extend(read_rows(stream, format, "folder/file"))  # keeps what came before the error
    return seen, (caught.value.reason, caught.value.position, caught.value.detail)


# text


def test_text_is_one_record_a_line_and_blank_lines_only_count() -> None:
    assert read(b"\xef\xbb\xbfone\n \t\n\xe3\x80\x80\ntw\xc3\xb6\r\nthree\rfour \x00", "text") == [
        good(1, '{"text":"one"}'),
        good(3, '{"text":"\u3000"}'),
        good(4, '{"text":"twö"}'),
        good(5, '{"text":"three"}'),
        good(6, '{"text":"four \\u0000"}'),
    ]


@pytest.mark.parametrize("character", "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e")
def test_only_cr_and_lf_end_a_line(character: str) -> None:
    rows = read(f"a{character}b\nc".encode(), "text")
    assert [(row.position, json.loads(row.payload or "")) for row in rows] == [
        (1, {"text": f"a{character}b"}),
        (2, {"text": "c"}),
    ]


def test_a_bad_byte_quarantines_its_line_alone() -> None:
    assert read(b"fine\nsixteen letters:\xff\n\xed\xa0\x80\nfine again", "text") == [
        good(1, '{"text":"fine"}'),
        bad(2, "bad_encoding", "byte 0xff at column 17"),
        bad(3, "bad_encoding", "byte 0xed at column 1"),
        good(4, '{"text":"fine again"}'),
    ]


@pytest.mark.parametrize("format", ["text", "json", "csv", "tsv", "python", "file"])
def test_an_empty_file_has_no_rows(format: str) -> None:
    assert read(b"", format) == []


# json


def test_json_keeps_an_object_as_it_was_written() -> None:
    assert read(b'\xef\xbb\xbf{"b": 1.0, "a":"\\u00e9\xc3\xa9\xe2\x80\xa8"}\r\n\n {"n":1e2} \n', "json") == [
        good(1, '{"b": 1.0, "a":"\\u00e9é\u2028"}'),
        good(3, ' {"n":1e2} '),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"a": "\\udc00x"}', '{"a": 1',
        '{"a": 1} {"b": 2',
        '{"a": 01}', '{"a": "\x00"}', '{"a": tru}', "secret", "{'a': 1}", '{"a":' * 2000 + "1" + "}" * 2000,
    ],
)  # fmt: skip
def test_bad_json_is_quarantined_without_its_text(line: str) -> None:
    first, second = read(f'{line}\n{{"fine": 1}}'.encode(), "json")
    assert (first.position, first.payload, first.drop_reason) == (1, None, "bad_json")
    assert first.detail is not None and ": column " in first.detail and "secret" not in first.detail
    assert second == good(2, '{"fine": 1}')


def test_files_that_were_joined_have_a_mark_in_the_middle() -> None:
    assert read(b'{"a":1}\n\xef\xbb\xbf{"a":2}\n', "json") == [good(1, '{"a":1}'), good(2, '{"a":2}')]
    assert read(b"\xef\xbb\xbf" * 2 + b"a,b\n1,2\n", "csv") == [good(2, '{"a":"1","b":"2"}')]


def test_json_that_is_no_object_is_quarantined() -> None:
    assert read(b'{}\n[{"a": 1}]\n7\nnull\n\xff', "json") == [
        good(1, "{}"),
        bad(2, "not_an_object", "found list, expected an object"),
        bad(3, "not_an_object", "found number, expected an object"),
        bad(4, "not_an_object", "found null, expected an object"),
        bad(5, "bad_encoding", "byte 0xff at column 1"),
    ]


NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=4), st.booleans())
def test_json_round_trip(objects: list[dict[str, object]], ascii_only: bool) -> None:
    lines = [json.dumps(value, ensure_ascii=ascii_only) for value in objects]
    assert read("\n".join(lines).encode(), "json") == [good(n, line) for n, line in enumerate(lines, start=1)]


# csv, tsv


def test_csv_names_values_by_the_header_and_keeps_their_order() -> None:
    data = b'\xef\xbb\xbf"id",b,a\r\n1,"two\r\nlines, ""quoted""",\xc3\xa9\r\n\r\n   \r\n2,"",\x00\xe2\x80\xa8'
    assert read(data, "csv") == [
        good(2, '{"id":"1","b":"two\\r\\nlines, \\"quoted\\"","a":"é"}'),
        good(6, '{"id":"2","b":"","a":"\\u0000\u2028"}'),
    ]


def test_tsv_separates_by_tabs_and_a_line_of_tabs_is_a_row() -> None:
    assert read(b"a\tb\n1,2\tx,y\n\t\n", "tsv") == [
        good(2, '{"a":"1,2","b":"x,y"}'),
        good(3, '{"a":"","b":""}'),
    ]


def test_a_quote_in_tsv_is_a_character() -> None:
    """By the rules of csv these lines would be one row with all three in its text."""
    data = b'text\tlabel\n"I went home.\t0\nIt rained.\t1\nHe left."\t1\n'
    assert read(data, "tsv") == [
        good(2, '{"text":"\\"I went home.","label":"0"}'),
        good(3, '{"text":"It rained.","label":"1"}'),
        good(4, '{"text":"He left.\\"","label":"1"}'),
    ]


def test_csv_with_another_delimiter() -> None:
    assert read(b'a\tb\n1,2\t"x\ty\nz"\n', "csv \t") == [good(2, '{"a":"1,2","b":"x\\ty\\nz"}')]
    assert read(b'a;b\n"1;2";3\n', "csv ;") == [good(2, '{"a":"1;2","b":"3"}')]


def test_a_column_alone_may_hold_spaces() -> None:
    assert read(b"a\n \n\n", "csv") == [good(2, '{"a":" "}')]


def test_bad_csv_rows_are_quarantined_and_the_rest_goes_on() -> None:
    data = b'a,b\n1\n1,2,3\nx,"y"z\n\xe9,"2\n3"\n1,2\n5,"never\nclosed,\n'
    assert read(data, "csv") == [
        bad(2, "bad_csv_row", "found 1 fields, expected 2"),
        bad(3, "bad_csv_row", "found 3 fields, expected 2"),
        bad(4, "bad_csv_row", "',' expected after '\"': lines 4 to 4"),
        bad(5, "bad_encoding", "byte 0xe9 at column 1 of line 5"),
        good(7, '{"a":"1","b":"2"}'),
        bad(8, "bad_csv_row", "unexpected end of data: lines 8 to 9"),
    ]


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (b"a,b,a,b,c\n1,2,3,4,5", "several columns have one name: a, b"),
        (b"\n  \n", "none of 1 columns has a name"),
        (b",column_1\n", "several columns have one name: column_1"),
        (b"a,\xff\n", "byte 0xff at column 3 of line 1"),
        (b'a,"b\n1,2\n', "unexpected end of data: lines 1 to 2"),
    ],
)
def test_a_bad_header_fails_the_file(header: bytes, detail: str) -> None:
    assert rows_then_error(io.BytesIO(header), "csv") == ([], ("bad_header", 0, detail))


def test_a_column_without_a_name_goes_by_its_number() -> None:
    """As where a data frame wrote its row numbers first."""
    frame = pd.DataFrame({"text": ["one", "two"]})
    assert read(frame.to_csv().encode(), "csv") == [
        good(2, '{"column_1":"0","text":"one"}'),
        good(3, '{"column_1":"1","text":"two"}'),
    ]


@pytest.mark.parametrize("format", ["text", "csv", "json"])
def test_what_is_too_long_for_one_line_is_set_aside(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.read_lines.MAX_LINE_BYTES", 100)
    head, line = (b"a\n", b"1\n") if format == "csv" else (b"", b'{"a":"1"}\n')
    rows = read(head + b"x" * 300_000 + b"\n" + line, format)
    number = 2 if format == "csv" else 1
    assert rows[0] == bad(number, "too_large", "a line of more than 64 MiB")
    assert [(row.position, row.drop_reason) for row in rows[1:]] == [(number + 1, None)]


# file


def test_a_file_is_one_record_with_its_name_and_path() -> None:
    def read_file(data: bytes, path: str) -> list[Row]:
        return list(read_rows(io.BytesIO(data), "file", path))

    assert read_file("\ufeff# Title\r\n\r\n你好\n".encode(), "docs/a/b.md") == [
        good(1, '{"text":"# Title\\r\\n\\r\\n你好\\n","name":"b.md","path":"docs/a/b.md"}')
    ]
    assert read_file(b"x", "b.md") == [good(1, '{"text":"x","name":"b.md","path":"b.md"}')]
    assert read_file(b" \r\n\t\n", "b.md") == []
    assert read_file(b"one\ntwo\xff\n", "b.md") == [bad(1, "bad_encoding", "byte 0xff in line 2")]


def test_a_file_that_is_too_large_for_a_record_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"again\n" * 1000

    rows = list(read_rows(Endless(), "file", "a"))  # type: ignore[arg-type]
    assert rows == [bad(1, "too_large", "a file of more than 16 MiB as one record")]


# csv again


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.data(), st.sampled_from([("csv", ","), ("csv \t", "\t")]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_csv_round_trip(data: st.DataObject, dialect: tuple[str, str], ending: str) -> None:
    format, delimiter = dialect
    names = data.draw(st.lists(CELLS.filter(str.strip), min_size=2, max_size=4, unique=True))
    # A byte order mark is not part of the first name.
    names[0] = "a" + names[0]
    cells = data.draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=4))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows([names, *cells])
    rows = read(text.getvalue().encode(), format)
    # Lines of QUOTE_ALL with the separator in them are never blank, so every row comes back.
    assert [list(json.loads(row.payload or "").items()) for row in rows] == [
        list(dict(zip(names, row, strict=True)).items()) for row in cells
    ]


# size


@pytest.mark.parametrize(("format", "lead"), [("text", b""), ("csv", b"name\n"), ("json", b"")])
def test_a_row_of_10_mb_passes(format: str, lead: bytes) -> None:
    text = "x" * 10_000_000
    body = json.dumps({"text": text}).encode() if format == "json" else text.encode()
    rows = read(lead + body, format)
    assert [len(next(iter(json.loads(row.payload or "").values()))) for row in rows] == [10_000_000]


def test_rows_are_yielded_before_the_file_is_read() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"again\n" * 1000

    rows = read_rows(Endless(), "text", "")  # type: ignore[arg-type]
    assert [next(rows).position for _ in range(2500)][-1] == 2500


def test_an_unknown_format_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="unknown format 'xml', expected one of text, csv, tsv, json, python, file"):
        read_rows(io.BytesIO(b""), "xml", "")
    assert list(FORMATS) == ["text", "csv", "tsv", "json", "python", "file"]
