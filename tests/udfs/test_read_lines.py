"""Where lines end, whatever the chunks, and which files are no lines of UTF-8."""

import gzip
import io
import re
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.read_lines import OVERLONG, number_lines, read_lines
from udfs.read_rows import FileError


class Trickle(io.BytesIO):
    """Gives its bytes in pieces of `piece`, to put chunk borders everywhere."""

    piece = 1

    def read1(self, size: int | None = -1) -> bytes:
        return super().read(self.piece)


def error_of(data: bytes) -> tuple[str, int, str]:
    with pytest.raises(FileError) as caught:
        list(read_lines(io.BytesIO(data)))
    return caught.value.reason, caught.value.position, caught.value.detail


@given(st.text(alphabet="ab\r\n\u2028\x85\x0b\x0c\x1c\x00é"), st.integers(1, 4))
def test_lines_do_not_depend_on_the_chunks_they_come_in(text: str, piece: int) -> None:
    stream = Trickle(text.encode())
    stream.piece = piece
    expected = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    assert [(n, line.decode()) for n, line in read_lines(stream)] == list(enumerate(expected, start=1))


def test_a_byte_order_mark_goes_from_the_first_line_only() -> None:
    data = b"\xef\xbb\xbfa\n\xef\xbb\xbfb"
    assert list(read_lines(io.BytesIO(data))) == [(1, b"a\n"), (2, b"\xef\xbb\xbfb")]
    assert list(read_lines(Trickle(data))) == [(1, b"a\n"), (2, b"\xef\xbb\xbfb")]


def test_a_stream_is_read_as_it_comes() -> None:
    class Endless(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return b"again\n" * 1000

    lines = read_lines(Endless())
    assert [next(lines) for _ in range(2500)][-1] == (2500, b"again\n")


@pytest.mark.parametrize(
    ("data", "name", "confidence"),
    [
        ("Hello\nworld".encode("utf-16"), "utf-16", "1.00"),
        ("Hello\nworld".encode("utf-32"), "utf-32", "1.00"),
        (b"\x00\x00\xfe\xff" + "Hello".encode("utf-32-be"), "utf-32", "1.00"),
        ("Hello\nworld".encode("utf-16-le"), "utf-16-le", "0.99"),
        ("Hello\r\nworld".encode("utf-16-be"), "utf-16-be", "0.99"),
        (b"\xfe\xff" + "世界".encode("utf-16-be"), "utf-16", "1.00"),
        ("这是我们在中国的一个大家好\n".encode("gb18030"), "gb18030", "0.99"),
        ("這是我們在中國的一個大家好\n".encode("big5"), "big5", "0.99"),
    ],
)
def test_another_encoding_is_named(data: bytes, name: str, confidence: str) -> None:
    found = f"found {name.upper()} (confidence {confidence}), expected UTF-8"
    assert error_of(data) == ("wrong_encoding", 0, f"{found}; declare `encoding: {name}`, or `encoding: auto`")


def test_a_line_without_an_end_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.read_lines.MAX_LINE_BYTES", 10)
    data = b"one\n" + b"x" * 1000 + b"\r\n0123456789\ntwo\n" + b"y" * 11
    found = list(number_lines(data[place : place + 1] for place in range(len(data))))
    assert found == [(1, b"one\n"), (2, OVERLONG), (3, b"0123456789\n"), (4, b"two\n"), (5, OVERLONG)]


@pytest.mark.parametrize("text", ["世界和平\n你好\n", "上海很好\n你好\n", "a\nbc\n", "早餐不错，\r\n房间小\r\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_known_by_its_line_ends(text: str, encoding: str) -> None:
    assert error_of(text.encode(encoding))[0] == "wrong_encoding"


@pytest.mark.parametrize("data", [b"\xe9t\n", b"\xe9ta\nx\0\n", b"\n", b"\0\n", b"ab\n\0cd\n\0", "é\n\0".encode()])
def test_bytes_that_are_no_utf16(data: bytes) -> None:
    assert b"".join(line for _, line in read_lines(io.BytesIO(data))) == data


def a_tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("text.txt"), io.BytesIO())
    return packed.getvalue()


def a_parquet_file() -> bytes:
    packed = io.BytesIO()
    pq.write_table(pa.table({"text": ["one", "two"]}), packed)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (gzip.compress(b"text", mtime=0), "gzip"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (a_tar(), "tar"),
        (a_parquet_file(), "Parquet"),
        (b"Obj\x01\x04", "Avro"),
    ],
)
def test_what_holds_no_lines_is_named(data: bytes, name: str) -> None:
    cure = f"found {name}, expected lines of UTF-8; convert or unpack it first"
    assert error_of(data) == ("unreadable_file", 0, cure)


def test_a_text_may_begin_as_a_file_format_is_called() -> None:
    assert list(read_lines(io.BytesIO(b"PAR1 is a gene\n"))) == [(1, b"PAR1 is a gene\n")]


def test_nul_characters_alone_are_no_other_encoding() -> None:
    assert list(read_lines(io.BytesIO(bytes(20)))) == [(1, bytes(20))]
    assert list(read_lines(io.BytesIO(b"a\x00b\x00c d\n"))) == [(1, b"a\x00b\x00c d\n")]
