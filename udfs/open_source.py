"""Open the bytes of one source file, local or in an object store, decompressed while they stream."""

import io
import os
import re
import stat
from typing import BinaryIO, Final, cast

from pyarrow import fs

from udfs.file_systems import find_file
from udfs.unpack import EXTENSIONS, MAGIC_BYTES, packed_with, unpacked

BUFFER_BYTES: Final = 1 << 18
# A shorter file may have been one of these before it was cut.
SHORTEST_BYTES: Final = {"gzip": 2, "bzip2": 10, "xz": 6, "zstandard": 4}


class FileError(Exception):
    """The file as a whole cannot be read on.

    reason: unreadable_file, truncated_file, wrong_encoding or bad_header.  position: the last good line, 0 for none.
    """

    def __init__(self, reason: str, position: int, detail: str) -> None:
        """Keep the three as arguments, so that the error survives pickling between worker and driver."""
        super().__init__(reason, position, detail)
        self.reason, self.position, self.detail = reason, position, detail

    def __str__(self) -> str:
        """Say what was found, and up to where the file was good."""
        return f"{self.reason} after line {self.position}: {self.detail}"


def open_source(uri: str) -> BinaryIO:
    """Open a local path or a (percent-encoded) URI for reading; gzip, bzip2, xz and zstandard are known by their bytes.

    Raises FileError: unreadable_file where it is missing, forbidden, no regular file, of no such file system, or
    named as a packed file without being one; truncated_file where that is too short to begin as one.
    """
    try:
        raw = _open_uri(uri) if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", uri) else _open_local(uri)
        head = raw.peek(MAGIC_BYTES)[:MAGIC_BYTES]
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid, for a bad URI, is a ValueError
        raise FileError("unreadable_file", 0, describe_fault(error)) from error
    if packer := packed_with(head):
        return unpacked(raw, packer)
    _, extension = os.path.splitext(uri.lower())
    if expected := EXTENSIONS.get(extension):
        raw.close()
        if len(head) < SHORTEST_BYTES[expected]:
            raise FileError("truncated_file", 0, f"expected {expected} data, found a file of {len(head)} bytes")
        cure = "download it again, or rename it if it is text"
        raise FileError("unreadable_file", 0, f"named {extension} but not {expected}: {cure}")
    return cast(BinaryIO, raw)


def describe_fault(error: Exception) -> str:
    """Return the first line of the cause; the system's words without the path, which stands beside them."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).partition("\n")[0] or type(error).__name__


def _open_local(path: str) -> io.BufferedReader:
    # Opening a pipe would wait for a writer for ever, so look before opening.
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(f"expected a file, found {'a directory' if stat.S_ISDIR(mode) else 'a pipe or device'}")
    return io.BufferedReader(io.FileIO(path), BUFFER_BYTES)


def _open_uri(uri: str) -> io.BufferedReader:
    filesystem, path = find_file(uri)
    if isinstance(filesystem, fs.LocalFileSystem):
        return _open_local(path)
    # Without None pyarrow decompresses by the extension, and a corrupt file fails in its words, not in ours.
    stream = filesystem.open_input_stream(path, compression=None)
    return io.BufferedReader(stream, BUFFER_BYTES)
