"""Where lines end, whatever the chunks, and which files are no lines of UTF-8."""

import gzip
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.read_lines import read_lines
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
    ("data", "name"),
    [
        ("Hello\nworld".encode("utf-16"), "UTF-16"),
        ("Hello\nworld".encode("utf-32"), "UTF-32"),
        (b"\x00\x00\xfe\xff" + "Hello".encode("utf-32-be"), "UTF-32"),
        ("Hello\nworld".encode("utf-16-le"), "UTF-16"),
        ("Hello\r\nworld".encode("utf-16-be"), "UTF-16"),
        (b"\xfe\xff" + "世界".encode("utf-16-be"), "UTF-16"),
    ],
)
def test_another_encoding_is_named(data: bytes, name: str) -> None:
    cure = f"found {name}, expected lines of UTF-8; convert it to UTF-8: iconv -f {name} -t UTF-8"
    assert error_of(data) == ("wrong_encoding", 0, cure)


def test_an_archive_is_named() -> None:
    gzip_cure = "found gzip, expected lines of UTF-8; unpack it first"
    assert error_of(gzip.compress(b"text")) == ("unreadable_file", 0, gzip_cure)
    assert error_of(b"PK\x03\x04\x14\x00") == ("unreadable_file", 0, gzip_cure.replace("gzip", "zip"))


def test_nul_characters_alone_are_no_other_encoding() -> None:
    assert list(read_lines(io.BytesIO(bytes(20)))) == [(1, bytes(20))]
    assert list(read_lines(io.BytesIO(b"a\x00b\x00c d\n"))) == [(1, b"a\x00b\x00c d\n")]
