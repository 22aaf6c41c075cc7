"""Cut the bytes of one source file into lines of UTF-8, streaming: (3, b"Hello\\r\\n") is line 3 with its ending."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from udfs.detect_encoding import SAMPLE_BYTES, SURE, Guess, detect
from udfs.open_source import FileError, describe_fault
from udfs.unpack import FAULTS, packed_with

CHUNK_BYTES: Final = 1 << 18
UTF8_BOM: Final = b"\xef\xbb\xbf"
BOM: Final = "\ufeff"
# A file packed a thousandfold, or one that holds no lines at all, must not fill a worker's memory.
MAX_LINE_BYTES: Final = 64 << 20
# What stands for a longer line, known by being this object.
OVERLONG: Final = b"\xfftoo long"
# First bytes of what holds no text, and its name.
SIGNATURES: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PAR1\x15", "Parquet"),
    (b"Obj\x01", "Avro"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"%PDF-", "PDF"),
)
# A tar archive begins with a file's name; this stands behind it.
TAR_MAGIC: Final = (257, b"ustar")


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file as number_lines has them, after read_text."""
    return number_lines(read_text(stream))


def number_lines(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""Yield (number, line with its ending); a line ends at \n, \r or \r\n and at nothing else.

    OVERLONG stands for a line of more than MAX_LINE_BYTES.
    Raises FileError: truncated_file, unreadable_file or wrong_encoding; a line cut by the fault is not yielded.
    """
    number = 0
    try:
        for line in _split_lines(chunks):
            number += 1
            yield number, line
    except FileError as error:
        error.position = number
        raise


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes as they come; raises FileError (at position 0): truncated_file or unreadable_file."""
    # gzip's read(n) discards what it had gathered when it meets the end of a truncated file; read1 does not.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    try:
        while chunk := read(CHUNK_BYTES):
            yield chunk
    except EOFError as error:
        raise FileError("truncated_file", 0, "the compressed data stop before their end") from error
    except FAULTS as error:
        raise FileError("unreadable_file", 0, describe_fault(error)) from error


def read_text(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes as they come, without a byte order mark; what they begin with has been looked at.

    Raises FileError as read_chunks, and at once wrong_encoding or unreadable_file for what is no text in UTF-8.
    """
    head, rest = split_head(read_chunks(stream), SAMPLE_BYTES)
    refuse_binary(head)
    if (found := detect(head)).encoding != "utf-8" and found.confidence >= SURE:
        raise wrong_encoding(found, "UTF-8")
    yield head.removeprefix(UTF8_BOM)
    yield from rest


def split_head(chunks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, `size` of them or more where there are, and the rest.  A fault is raised by the rest."""
    parts: list[bytes] = []
    try:
        while sum(map(len, parts)) < size and (chunk := next(chunks, b"")):
            parts.append(chunk)
    except FileError as error:
        return b"".join(parts), raising(error)
    return b"".join(parts), chunks


def raising(error: FileError) -> Iterator[Any]:
    """Return an iterator that ends at once, in this error."""
    raise error
    yield


def refuse_binary(head: bytes) -> None:
    """Raise FileError, unreadable_file, where the first bytes of a file are those of no text."""
    name = packed_with(head)  # here: packed twice
    name = name or next((name for magic, name in SIGNATURES if head.startswith(magic)), None)
    if name or head.startswith(TAR_MAGIC[1], TAR_MAGIC[0]):
        found = f"found {name or 'tar'}, expected lines of UTF-8; convert or unpack it first"
        raise FileError("unreadable_file", 0, found)


def wrong_encoding(found: Guess, expected: str) -> FileError:
    """Return the error for a file that is text in another encoding than its source says."""
    cure = f"declare `encoding: {found.encoding}`, or `encoding: auto`"
    return FileError("wrong_encoding", 0, f"found {found}, expected {expected}; {cure}")


def _split_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []  # of the line that is not complete yet
    is_overlong = False
    held = b""
    for chunk in chunks:
        data = held + chunk
        # A \r at the end of a chunk may be half of \r\n.
        held = b"\r" if data.endswith(b"\r") else b""
        # Unlike str.splitlines, that of bytes knows no form feed, U+0085 or U+2028.
        for piece in data[: len(data) - len(held)].splitlines(keepends=True):
            parts.append(piece)
            if piece.endswith((b"\n", b"\r")):
                yield OVERLONG if is_overlong else b"".join(parts)
                parts.clear()
                is_overlong = False
        if is_overlong or sum(map(len, parts)) > MAX_LINE_BYTES:
            is_overlong = bool(parts)
            parts[1:] = []
    if last := b"".join(parts) + held:
        yield OVERLONG if is_overlong else last
