"""Unpack a compressed stream while it is read; what it is packed with is told by its first bytes, not by its name."""

import bz2
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Generator
from typing import Any, BinaryIO, Final, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_MAGIC: Final = b"\x1f\x8b"
# zstandard's second kind begins a frame that a reader skips: parallel packers write one first.
MAGIC: Final = {
    "gzip": re.compile(GZIP_MAGIC),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "zstandard": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
MAGIC_BYTES: Final = 10
EXTENSIONS: Final = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstandard", ".zstd": "zstandard"}
BLOCK_BYTES: Final = 1 << 16
# xz may ask for a dictionary of 4 GiB: xz -9 takes 65 MiB, and a worker has more than one task. zstandard's own limit
# is 128 MiB.
XZ_MEMORY_BYTES: Final = 256 << 20
# What the decompressors raise for data that are none of theirs.
FAULTS: Final = (OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)


def packed_with(head: bytes) -> str | None:
    """Return the name of the packer that these first MAGIC_BYTES bytes are of, None for no known one."""
    return next((name for name, magic in MAGIC.items() if magic.match(head)), None)


def unpacked(raw: io.BufferedReader, packer: str) -> BinaryIO:
    """Return the stream as it was before `packer`, all its members or frames one after the other.

    Reading raises EOFError where the data stop before their end (what came before was given), and one of FAULTS where
    they are corrupt or something else follows them.  Closing it closes `raw`.
    """
    if packer == "gzip":
        stream = gzip.GzipFile(fileobj=raw, mode="rb")
        stream.myfileobj = raw  # type: ignore[assignment]  # so that closing the one closes the other
        return cast(BinaryIO, stream)
    return cast(BinaryIO, Unpacked(raw, MAKERS[packer]))


class Unpacked:
    """A stream of what is packed in `raw`.  bz2.BZ2File and lzma.LZMAFile take what follows a whole member, damaged
    members too, for nothing; here it is a fault.  What has been unpacked is given before a fault is raised."""

    def __init__(self, raw: io.BufferedReader, make: Callable[[], Any]) -> None:
        """make: returns a decompressor for the next member."""
        self._raw, self._pieces = raw, _unpack(raw, make)

    def read1(self, size: int = -1) -> bytes:
        """Return the next piece, at most BLOCK_BYTES whatever `size` is; b"" at the end."""
        return next(self._pieces, b"")

    def read(self, size: int = -1) -> bytes:
        """As read1, but all that is left where no size is given."""
        return b"".join(self._pieces) if size < 0 else self.read1(size)

    def close(self) -> None:
        """Close the packed stream too."""
        self._pieces.close()
        self._raw.close()

    def __enter__(self) -> "Unpacked":
        """As a file does."""
        return self

    def __exit__(self, *_: object) -> None:
        """As a file does."""
        self.close()


def _unpack(raw: io.BufferedReader, make: Callable[[], Any]) -> Generator[bytes, None, None]:
    """Yield what the members hold, in pieces of at most BLOCK_BYTES however well it was packed."""
    packed = b""
    while packed := packed or raw.read1(BLOCK_BYTES):
        member = make()
        while not member.eof:
            if member.needs_input and not packed and not (packed := raw.read1(BLOCK_BYTES)):
                raise EOFError("the compressed data stop before their end")
            piece = member.decompress(packed, BLOCK_BYTES)
            packed = b""
            if piece:
                yield piece
        packed = _without_padding(member.unused_data, raw)


def _without_padding(packed: bytes, raw: io.BufferedReader) -> bytes:
    """Return what follows a member: packers of blocks (tar, xz itself) may fill up with NULs, which begin none."""
    while packed := packed.lstrip(b"\0") or raw.read1(BLOCK_BYTES):
        if packed.strip(b"\0"):
            return packed.lstrip(b"\0")
    return b""


MAKERS: Final[dict[str, Callable[[], Any]]] = {
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES),
    "zstandard": zstd.ZstdDecompressor,
}
