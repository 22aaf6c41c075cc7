"""Cut the bytes of one source file into lines of UTF-8, streaming: (3, b"Hello\\r\\n") is line 3 with its ending."""

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from udfs.open_source import GZIP_MAGIC, FileError, describe_fault

CHUNK_BYTES: Final = 1 << 18
UTF8_BOM: Final = b"\xef\xbb\xbf"
# First bytes of what cannot be lines of UTF-8, reason, name.  UTF-32 goes first: it may begin as UTF-16 does.
SIGNATURES: Final = (
    (b"\xff\xfe\x00\x00", "wrong_encoding", "UTF-32"),
    (b"\x00\x00\xfe\xff", "wrong_encoding", "UTF-32"),
    (b"\xff\xfe", "wrong_encoding", "UTF-16"),
    (b"\xfe\xff", "wrong_encoding", "UTF-16"),
    (GZIP_MAGIC, "unreadable_file", "gzip"),
    (b"PK\x03\x04", "unreadable_file", "zip"),
    (b"\x28\xb5\x2f\xfd", "unreadable_file", "zstandard"),
    (b"\xfd7zXZ\x00", "unreadable_file", "xz"),
    (b"BZh91AY&SY", "unreadable_file", "bzip2"),
)


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    r"""Yield (number, line with its ending); a line ends at \n, \r or \r\n and at nothing else.

    Raises FileError: truncated_file, unreadable_file or wrong_encoding; a line cut by the fault is not yielded.
    """
    number = 0
    try:
        for line in _split_lines(read_chunks(stream)):
            if number == 0:
                _refuse_other_encoding(line)
                line = line.removeprefix(UTF8_BOM)
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
    except (OSError, zlib.error) as error:
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


def _refuse_other_encoding(line: bytes) -> None:
    """Raise FileError when the first line tells that the file is not UTF-8 text."""
    found = next(((reason, name) for magic, reason, name in SIGNATURES if line.startswith(magic)), None)
    # Latin text in UTF-16 without a byte order mark: every second byte is NUL, and such a line is valid UTF-8.
    even, odd = line[:2000:2].rstrip(b"\r\n"), line[1:2000:2].rstrip(b"\r\n")
    if len(line) >= 8 and any(a.count(0) == len(a) and 0 not in b for a, b in ((even, odd), (odd, even))):
        found = found or ("wrong_encoding", "UTF-16")
    if found:
        reason, name = found
        cure = f"convert it to UTF-8: iconv -f {name} -t UTF-8" if reason == "wrong_encoding" else "unpack it first"
        raise FileError(reason, 0, f"found {name}, expected lines of UTF-8; {cure}")
