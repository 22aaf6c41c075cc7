"""Where an export goes: a folder of this machine or of an object store, as a file system and a path in it."""

import os
import re

import pyarrow as pa
from pyarrow import fs


def open_place(where: str) -> tuple[fs.FileSystem, str]:
    """Return the file system and the path of a local folder or a URI; s3a is s3, as Hadoop writes it.

    pyarrow serves s3, gs, abfs and hdfs itself; others are fsspec's, where its package is installed.
    Raises ValueError or ImportError where none serves the URI, OSError where a store cannot be reached."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", where):
        return fs.LocalFileSystem(), os.path.abspath(os.path.expanduser(where))
    try:
        filesystem, path = fs.FileSystem.from_uri(re.sub(r"^s3[an]:", "s3:", where))
    except pa.ArrowInvalid:
        from fsspec.core import url_to_fs

        other, path = url_to_fs(where)
        filesystem = fs.PyFileSystem(fs.FSSpecHandler(other))
    return filesystem, path.rstrip("/")


def is_local(filesystem: fs.FileSystem) -> bool:
    """Return whether files are renamed in one step and folders have to be made first, as on a disk."""
    return isinstance(filesystem, fs.LocalFileSystem)
