"""Where an export goes: a folder of this machine or of an object store, as a file system and a path in it."""

import os

from pyarrow import fs

from udfs.file_systems import URI, find_file


def open_place(where: str) -> tuple[fs.FileSystem, str]:
    """Return the file system and the path of a local folder or a URI; s3a is s3, as Hadoop writes it.

    Raises ValueError where none serves the URI, OSError where a store cannot be reached."""
    if not URI.match(where):
        return fs.LocalFileSystem(), os.path.abspath(os.path.expanduser(where))
    filesystem, path = find_file(where)
    return filesystem, path.rstrip("/")


def is_local(filesystem: fs.FileSystem) -> bool:
    """Return whether files are renamed in one step and folders have to be made first, as on a disk."""
    return isinstance(filesystem, fs.LocalFileSystem)
