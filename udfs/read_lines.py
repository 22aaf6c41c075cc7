"""Cut the bytes of one source file into lines of UTF-8, streaming: (3, b"Hello\\r\\n") is line 3 with its ending."""

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from udfs.open_source import FileError, describe_fault
from udfs.unpack import FAULTS, packed_with

CHUNK_BYTES: Final = 1 << 18
HEAD_BYTES: Final = 1 << 12
UTF8_BOM: Final = b"\xef\xbb\xbf"
BOM: Final = "\ufeff"
# First bytes of what cannot be lines of UTF-8, reason, name.  UTF-32 goes first: it may begin as UTF-16 does.
SIGNATURES: Final = (
    (b"\xff\xfe\x00\x00", "wrong_encoding", "UTF-32"),
    (b"\x00\x00\xfe\xff", "wrong_encoding", "UTF-32"),
    (b"\xff\xfe", "wrong_encoding", "UTF-16"),
    (b"\xfe\xff", "wrong_encoding", "UTF-16"),
    (b"PK\x03\x04", "unreadable_file", "zip"),
    (b"PAR1\x15", "unreadable_file", "Parquet"),
    (b"Obj\x01", "unreadable_file", "Avro"),
    (b"SQLite format 3\x00", "unreadable_file", "SQLite"),
    (b"%PDF-", "unreadable_file", "PDF"),
)
# A tar archive begins with a file's name; this stands behind it.
TAR_MAGIC: Final = (257, b"ustar")


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield (number, line with its ending); a line ends at \n, \r or \r\n and at nothing else.

    Raises FileError: truncated_file, unreadable_file or wrong_encoding; a line cut by the fault is not yielded.
    """
    number = 0
    try:
        for line in _split_lines(_checked(read_chunks(stream))):
            line = line if number else line.removeprefix(UTF8_BOM)
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


def _split_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []  # of the line that is not complete yet
    held = b""
    for chunk in chunks:
        data = held + chunk
        # A \r at the end of a chunk may be half of \r\n.
        held = b"\r" if data.endswith(b"\r") else b""
        # Unlike str.splitlines, that of bytes knows no form feed, U+0085 or U+2028.
        for piece in data[: len(data) - len(held)].splitlines(keepends=True):
            parts.append(piece)
            if piece.endswith((b"\n", b"\r")):
                yield b"".join(parts)
                parts.clear()
    if last := b"".join(parts) + held:
        yield last


def _checked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes again; raises FileError when the first ones tell that the file is not UTF-8 text."""
    head, fault = b"", None
    try:
        while len(head) < HEAD_BYTES and (chunk := next(chunks, b"")):
            head += chunk
    except FileError as error:
        fault = error
    if found := _other_format(head[:HEAD_BYTES]):
        reason, name = found
        is_text = reason == "wrong_encoding"
        cure = f"convert it to UTF-8: iconv -f {name} -t UTF-8" if is_text else "convert or unpack it first"
        raise FileError(reason, 0, f"found {name}, expected lines of UTF-8; {cure}")
    yield head
    if fault:
        raise fault
    yield from chunks


def _other_format(head: bytes) -> tuple[str, str] | None:
    """Return reason and name of what begins like this."""
    if packer := packed_with(head):  # packed twice
        return "unreadable_file", packer
    for magic, reason, name in SIGNATURES:
        if head.startswith(magic):
            return reason, name
    if head.startswith(TAR_MAGIC[1], TAR_MAGIC[0]):
        return "unreadable_file", "tar"
    return ("wrong_encoding", "UTF-16") if _is_utf16(head) else None


def _is_utf16(head: bytes) -> bool:
    """Say whether these bytes, without a byte order mark, are UTF-16: one half of each pair is NUL in Latin text; other
    text is no UTF-8, but has line ends as pairs and decodes."""
    for high in (0, 1):  # where the high byte of a pair is
        nuls, rest = head[high::2], head[1 - high :: 2]
        if len(head) >= 8 and nuls.count(0) * 3 > len(nuls) * 2 and 0 not in rest:
            return True
        pairs = zip(nuls, rest, strict=False)
        if (0, 0x0A) in pairs and not _decodes(head, "utf-8") and _decodes(head, "utf-16-le" if high else "utf-16-be"):
            return True
    return False


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether the bytes are text of this encoding, the last character of which may be cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True
