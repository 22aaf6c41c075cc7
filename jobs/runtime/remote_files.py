"""List the files that a URI means: a file, a folder or a glob in an object store or on HDFS."""

import re
from glob import has_magic
from urllib.parse import quote, unquote

from pyarrow import fs

from jobs.runtime.errors import AbsentError, AccessError
from jobs.runtime.listed import DELTA_LOG, Listed, is_hidden, refuse_table, table_roots
from jobs.runtime.source import Source
from udfs.file_systems import Place, open_filesystem, split_uri

CHECK = (
    "Check the name of the bucket and the path below it, and what the environment says of credentials, region and "
    "endpoint."
)


def list_remote(source: Source) -> list[Listed]:
    """The files, in order of path; AbsentError where nothing is there, AccessError where it may not be seen."""
    place = split_uri(source.path)
    try:
        system, base = open_filesystem(place)
        found = _find(source, system, base, unquote(place.path))
        if source.format == "parquet":
            refuse_table(source, _tables(system, [info.path for info in found]))
    except (OSError, ValueError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise AccessError(f"source {source.name}: {source.path} cannot be listed: {said}. {CHECK}") from None
    return sorted(_listed(info, base, place) for info in found)


def _find(source: Source, system: fs.FileSystem, base: str, path: str) -> list[fs.FileInfo]:
    """What the path means: as it stands, else as a pattern."""
    info = system.get_file_info(f"{base}/{path}".rstrip("/") or "/")
    if info.is_file:
        return [info]
    if info.type == fs.FileType.NotFound and has_magic(path):
        return _globbed(system, base, path)
    if info.type == fs.FileType.NotFound:
        raise AbsentError(f"source {source.name}: {source.path} does not exist, or may not be seen. {CHECK}")
    files = _files_below(system, info.path)
    start = len(info.path.rstrip("/")) + 1
    return [one for one in files if not _is_passed_by(one.path[start:], source.format)]


def _is_passed_by(path: str, format: str) -> bool:
    return any(is_hidden(name, format) for name in path.split("/"))


def _globbed(system: fs.FileSystem, base: str, pattern: str) -> list[fs.FileInfo]:
    """As on this machine: * stays within a folder, ** does not, neither meets a name that begins with a dot."""
    from fsspec.utils import glob_translate  # slow to import, and only patterns need it

    names = pattern.split("/")
    fixed = next(number for number, name in enumerate(names) if has_magic(name))
    top = "/".join([base, *names[:fixed]])
    is_meant = re.compile(glob_translate("/".join(names[fixed:]))).fullmatch
    below = [(info, info.path[len(top) :].lstrip("/")) for info in _files_below(system, top or "/")]
    wants_dots = "/." in f"/{pattern}"
    return [info for info, path in below if is_meant(path) and (wants_dots or "/." not in f"/{path}")]


def _files_below(system: fs.FileSystem, folder: str) -> list[fs.FileInfo]:
    return [info for info in system.get_file_info(fs.FileSelector(folder, recursive=True)) if info.is_file]


def _tables(system: fs.FileSystem, paths: list[str]) -> list[str]:
    roots = sorted(table_roots(paths))
    logs = system.get_file_info([f"{root}/{DELTA_LOG}" for root in roots])
    return [root for root, log in zip(roots, logs, strict=True) if log.type == fs.FileType.Directory]


def _listed(info: fs.FileInfo, base: str, place: Place) -> Listed:
    """Named as the recipe names it, host and all; what the query says of the store goes to where the bytes are."""
    named = place._replace(path=quote(info.path[len(base) :].lstrip("/")), query="")
    modified = (info.mtime_ns or 0) // 1_000_000
    return Listed(named.uri(), named._replace(query=place.query).uri(), info.size, modified)
