"""Read a file that is not UTF-8 as if it were: the rest of Sluice knows one encoding."""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Final, cast

from udfs.detect_encoding import LIKELY, SAMPLE_BYTES, Guess, contradiction, detect
from udfs.read_lines import read_chunks, refuse_binary, split_head, wrong_encoding

AUTO: Final = "auto"
# Files that call themselves the first are read as the second, which holds all of it and what they may also hold.
WIDER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932"}
# Encodings of Python for other things than files.
NO_FILES: Final = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined")
BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
# Bytes that are no character become these, which UTF-8 forbids: so the line that holds one is set aside as ever.
FIRST_FAULT: Final = 0xDC00


def encoding_name(name: str) -> str:
    """Return an encoding as it is kept, "auto" among them: UTF8 is utf-8, GBK is gb18030.  ValueError for none."""
    if name.strip().lower() == AUTO:
        return AUTO
    try:
        known = codecs.lookup(name.strip()).name
        if known in NO_FILES:
            raise LookupError
        b"text".decode(known, "replace")  # some codecs make bytes of bytes: a LookupError
    except (LookupError, ValueError):  # a name with a NUL in it is a ValueError
        expected = "auto, utf-8, gb18030, big5, utf-16 or another encoding that Python reads"
        raise ValueError(f"encoding: expected {expected}, found {name!r}") from None
    return WIDER.get(known, "utf-8" if known == "utf-8-sig" else known)


def split_format(format: str) -> tuple[str, str]:
    """Return format and encoding of a source as source_files keeps them: "csv@big5 ;" is ("csv ;", "big5")."""
    reader, space, delimiter = format.partition(" ")
    name, _, encoding = reader.partition("@")
    return name + space + delimiter, encoding or "utf-8"


def detecting(format: str) -> str:
    """Return how source_files keeps a format of UTF-8 once encodings are detected: what was UTF-8 is read as before."""
    reader, space, delimiter = format.partition(" ")
    return format if "@" in reader else f"{reader}@{AUTO}{space}{delimiter}"


class Transcoded:
    """A stream of what `stream` holds, in UTF-8.  found: what it was taken for, once that is known; None for ASCII.

    Reading raises FileError: wrong_encoding where the bytes are surely not in the declared encoding, and those of
    read_chunks.
    """

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        """encoding: what encoding_name returns."""
        self.found: Guess | None = None
        self._pieces = self._detected(stream) if encoding == AUTO else _declared(stream, encoding)

    def read1(self, size: int = -1) -> bytes:
        """Return the next piece, b"" at the end."""
        return next(self._pieces, b"")

    def read(self, size: int = -1) -> bytes:
        """As read1: all readers here take what they are given."""
        return self.read1()

    def _detected(self, stream: BinaryIO) -> Iterator[bytes]:
        chunks = read_chunks(stream)
        first, chunks = split_head(chunks, 1)
        refuse_binary(first)
        chunks = chain([first], chunks)
        # ASCII is the same in all of them but the wide ones, which hold NULs: the first other bytes tell.
        for chunk in chunks:
            if not chunk.isascii() or b"\0" in chunk:
                start = _start_of_telling(chunk)
                if start:  # an empty piece would be the end
                    yield chunk[:start]
                head, rest = split_head(chain([chunk[start:]], chunks), SAMPLE_BYTES)
                found = detect(head)
                self.found = found
                yield from _decoded(chain([head], rest), found.encoding)
                return
            yield chunk


def _start_of_telling(chunk: bytes) -> int:
    """Where the line begins that has the first byte beyond ASCII; what may be of two bytes a character is not cut."""
    beyond = BEYOND_ASCII.search(chunk)
    return 0 if b"\0" in chunk or beyond is None else chunk.rfind(b"\n", 0, beyond.start()) + 1


def transcoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Return the stream in UTF-8; a file that is declared to be UTF-8 is given as it is."""
    return stream if encoding == "utf-8" else cast(BinaryIO, Transcoded(stream, encoding))


def how_read(stream: BinaryIO) -> str | None:
    """Return what a user should know of the encoding that was found: "read as GB18030 (confidence 0.98)"."""
    found = getattr(stream, "found", None)
    if found is None:
        return None
    doubt = "" if found.confidence >= LIKELY else ", nothing else is likelier: declare `encoding` if you know it"
    return f"read as {found}{doubt}"


def _declared(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    head, rest = split_head(read_chunks(stream), SAMPLE_BYTES)
    refuse_binary(head)
    if other := contradiction(head, encoding):
        raise wrong_encoding(other, encoding.upper())
    if encoding == "utf-16" and (found := detect(head)).encoding.startswith("utf-16"):
        encoding = found.encoding  # without a mark Python takes the byte order of the machine
    yield from _decoded(chain([head], rest), encoding)


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding == "utf-8":
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("mark_faults")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "surrogatepass")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogatepass")


def _mark_faults(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(FIRST_FAULT + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("mark_faults", _mark_faults)


def fault_byte(error: UnicodeDecodeError) -> int:
    """Return the byte that keeps a line from being text, of a transcoded file the one that stood in the file."""
    found = error.object[error.start : error.start + 3]
    if b"\xed\xb0\x80" <= found <= b"\xed\xb3\xbf" and len(found) == 3:
        return ord(found.decode("utf-8", "surrogatepass")) - FIRST_FAULT
    return found[0]
