"""The file system behind a URI: pyarrow's own where it has one (s3, gs, abfs, hdfs), else one of fsspec's."""

import os
import re
import stat
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote
from urllib.request import url2pathname

import pyarrow as pa
from pyarrow import fs

URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
# Hadoop's names of schemes that pyarrow knows by another.
SAME_SCHEME: Final = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}
# Before the @ of these stands a container or a user, no secret.
NAMED_BEFORE_HOST: Final = ("abfs", "abfss", "hdfs", "wasb", "wasbs")
SECRET: Final = re.compile(r"secret|token|password|(access|account)_?key|credentials?$|^sig$|signature", re.IGNORECASE)


class Place(NamedTuple):
    """A URI in its parts. path: still percent-encoded, without its first slash; query: without its question mark."""

    scheme: str
    authority: str
    path: str
    query: str

    def uri(self) -> str:
        """The URI again."""
        return f"{self.scheme}://{self.authority}/{self.path}" + (f"?{self.query}" if self.query else "")


def split_uri(uri: str) -> Place:
    """Cut a URI; a # is a character like others, object stores know no fragments."""
    scheme, _, rest = uri.partition("://")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    return Place(SAME_SCHEME.get(scheme.lower(), scheme.lower()), authority, path, query)


def secret_in(uri: str) -> str | None:
    """What of a URI is a credential, in words that do not repeat it; None where nothing is."""
    if "://" not in uri:
        return None
    place = split_uri(uri)
    user = place.authority.rpartition("@")[0]
    if ":" in user or (user and user != "anonymous" and place.scheme not in NAMED_BEFORE_HOST):
        return "user and password stand before the host"
    keys = [key for key, _ in parse_qsl(place.query, keep_blank_values=True) if SECRET.search(key)]
    return f"its query has {', '.join(keys)}" if keys else None


def open_filesystem(place: Place) -> tuple[fs.FileSystem, str]:
    """The file system of a place, and the path there under which its URI's own path begins, such as the bucket.

    Raises OSError or ValueError (pyarrow's ArrowInvalid is one) where there is no such file system."""
    return _open(place.scheme, place.authority, place.query)


@lru_cache(maxsize=64)
def _open(scheme: str, authority: str, query: str) -> tuple[fs.FileSystem, str]:
    """Making one may ask a bucket's region: once for all files of a bucket."""
    root = Place(scheme, authority, "", query).uri()
    try:
        system, base = fs.FileSystem.from_uri(root)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise
        system, base = _open_by_fsspec(scheme, authority)
    return system, base.rstrip("/")


def _open_by_fsspec(scheme: str, authority: str) -> tuple[fs.FileSystem, str]:
    import fsspec  # costs every worker more than all else here, and few need it

    if scheme not in fsspec.available_protocols():
        raise ValueError(f"no file system is known for {scheme}://")
    try:
        system, base = fsspec.core.url_to_fs(f"{scheme}://{authority}")
    except ImportError as missing:
        raise OSError(str(missing)) from None
    return fs.PyFileSystem(fs.FSSpecHandler(system)), base


def forget() -> None:
    """Forget the file systems opened so far, such as after a change of the environment."""
    _open.cache_clear()


def find_file(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system of a file and the file's path there."""
    if uri.startswith("file:"):
        return fs.LocalFileSystem(), url2pathname(uri.removeprefix("file:").removeprefix("//"))
    place = split_uri(uri)
    system, base = open_filesystem(place)
    return system, f"{base}/{unquote(place.path)}"


def open_at_random(uri: str) -> pa.NativeFile:
    """Open a local path or a URI for reading anywhere in it; raises OSError or ValueError."""
    if URI.match(uri):
        system, path = find_file(uri)
        return system.open_input_file(path)
    # Opening a pipe would wait for a writer for ever. Nor a memory map: a file cut while it is read would kill us.
    mode = os.stat(uri).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(f"expected a file, found {'a directory' if stat.S_ISDIR(mode) else 'a pipe or device'}")
    return pa.OSFile(uri)
