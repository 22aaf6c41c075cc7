"""List the files that a recipe's sources hold: local paths, globs, URIs, assets, installed packages."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from urllib.request import url2pathname

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.runtime.assets import resolve_asset
from jobs.runtime.errors import AssetError, ConfigError
from jobs.runtime.recipe import Source
from schemas.column_types import LONG, STRING
from udfs.python_source import package_files

FILES = T.StructType(
    [
        T.StructField("source", STRING),
        T.StructField("path", STRING),
        T.StructField("uri", STRING),
        T.StructField("size_bytes", LONG),
        T.StructField("modified_ms", LONG),
    ]
)


# Names that begin so are of tools and of runs that are not over.
HIDDEN = (".", "_")
# A source's name, then what is known of the file.
SourceFile = tuple[str, str, str, int, int]


class Listed(NamedTuple):
    """One file of a source. path: logical, stays when caches move; uri: where the bytes are."""

    path: str
    uri: str
    size_bytes: int
    modified_ms: int


def listing(spark: SparkSession, files: Sequence[SourceFile]) -> DataFrame:
    """Columns source, path, uri, size_bytes, modified_ms: one row a file."""
    return spark.createDataFrame(files, FILES)


def list_files(sources: Sequence[Source], lake: str = "") -> list[SourceFile]:
    """The files of all sources; ConfigError names all sources that hold none, or that hold the lake itself."""
    rows: list[SourceFile] = []
    faults: list[str] = []
    for source in sources:
        try:
            files = list_source(source)
            if lake:
                _refuse_lake(source, files, lake)
            rows += [(source.name, *file) for file in files]
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return rows


def list_source(source: Source) -> list[Listed]:
    """The files of one source, in order of path."""
    kind, _, rest = source.path.partition(":")
    if kind == "asset":
        try:
            uri = str(resolve_asset(rest))
        except AssetError as error:
            raise ConfigError(f"source {source.name}: {error}") from None
        # An asset is its digest: its file's time in the cache says nothing.
        return [Listed(source.path, uri, os.stat(uri).st_size, 0)]
    if kind == "package":
        return _package(source, rest)
    if "://" in source.path and not source.path.startswith("file://"):
        return _remote(source)
    return _local(source)


def _refuse_lake(source: Source, files: Sequence[Listed], lake: str) -> None:
    """A source that holds the lake would grow by what each run writes."""
    place = os.path.realpath(local_path(lake)) if "://" not in lake or lake.startswith("file:") else None
    folder = os.path.realpath(local_path(source.path))
    if place is None or source.format == "python":
        return
    is_below = os.path.isdir(folder) and Path(place).is_relative_to(folder)
    parts = Path(place).relative_to(folder).parts if is_below else ()
    is_walked = is_below and not any(part.startswith(HIDDEN) for part in parts)
    if is_walked or any(os.path.realpath(file.uri).startswith(place + os.sep) for file in files):
        raise ConfigError(
            f"source {source.name}: {source.path} holds the lake {lake}. Mend `path` or `tables`: one beside the other."
        )


def _package(source: Source, name: str) -> list[Listed]:
    if source.format != "python":
        raise ConfigError(f"source {source.name}: package:{name} holds Python files; set format: python")
    try:
        files = package_files(name)
    except ValueError as error:
        raise ConfigError(f"source {source.name}: {error}") from None
    return [Listed(f"package:{path}", uri, size, modified // 1_000_000) for path, uri, size, modified in files]


def _local(source: Source) -> list[Listed]:
    path = local_path(source.path)
    if source.format == "python":
        return _python_files(source, path)
    if os.path.isdir(path):
        found = sorted(_walk(source, path))
    elif os.path.exists(path):
        found = [path]
    elif glob.has_magic(path):
        found = _globbed(source, path)
    else:
        raise _absent(source, path)
    if not found:
        raise ConfigError(f"source {source.name}: {path} holds no files. Expected at least one {source.format} file.")
    return [_stat(source, name) for name in found]


def local_path(path: str) -> str:
    """A path of this machine as the operating system takes it: file: URIs are decoded, ~ is the user's home."""
    if path.startswith("file:"):  # what may be a pattern keeps its ? and #
        return url2pathname(path.removeprefix("file:").removeprefix("//"))
    return os.path.expanduser(path)


def _may(path: str | Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _unreadable(source: Source, path: str, why: str) -> ConfigError:
    return ConfigError(f"source {source.name}: {path} cannot be read: {why}. Mend `path`, or the rights there.")


def _absent(source: Source, path: str) -> ConfigError:
    """Why a path is not there: the first folder above it that may not be entered, if one is."""
    for parent in reversed(Path(path).absolute().parents):
        if parent.is_dir() and not _may(parent, os.X_OK):
            return _unreadable(source, path, f"no permission to enter {parent}")
    return ConfigError(f"source {source.name}: {path} does not exist (looked in {os.getcwd()}). Mend `path`.")


def _python_files(source: Source, path: str) -> list[Listed]:
    """.py files, or all below a folder, by the paths from which an import would name them."""
    root = Path(path)
    if root.is_dir():
        names = list(_walk(source, path, hidden=(".",)))
    else:
        names = [path] if root.is_file() else _globbed(source, path)
        root = next((parent for parent in root.parents if not glob.has_magic(str(parent))), root)
    found = sorted(Path(name) for name in names if name.endswith(".py"))
    if not found:
        raise ConfigError(
            f"source {source.name}: {path} holds no .py files. Expected package:NAME, a .py file or a folder."
        )
    top = Path(os.path.abspath(root))
    while (top / "__init__.py").is_file():  # inside a package, whose name is part of the module's
        top = top.parent
    logical = [Path(os.path.abspath(name)).relative_to(top).as_posix() for name in found]
    return [_stat(source, str(name))._replace(path=path) for name, path in zip(found, logical, strict=True)]


def _is_meant(name: str, pattern: str) -> bool:
    """Folders that `raw/*` or `raw/**` meets are passed by; one that `raw/*.jsonl` meets was meant as a file, and
    becomes a file that cannot be read: nothing is left out in silence."""
    return bool(os.path.splitext(pattern)[1]) or not os.path.isdir(name)


def _globbed(source: Source, pattern: str) -> list[str]:
    """What a pattern meets. glob passes by what it may not read: then records would seem to have vanished."""
    whole = Path(pattern)
    for parent, child in zip(whole.parents, (whole, *whole.parents), strict=False):
        # Only a folder in which names are looked for need be listed; the others are passed through.
        mode = os.X_OK | (os.R_OK if glob.has_magic(child.name) else 0)
        for folder in glob.glob(f"{parent}{os.sep}", recursive=True):
            if not _may(folder, mode):
                raise _unreadable(source, pattern, f"no permission to list {folder}")
    return sorted(name for name in glob.glob(pattern, recursive=True) if _is_meant(name, pattern))


def _walk(source: Source, folder: str, hidden: tuple[str, ...] = HIDDEN) -> Iterator[str]:
    """The files below a folder; links are followed, each folder is entered once."""

    def refuse(error: OSError) -> None:
        raise _unreadable(source, folder, f"{error.strerror}: {error.filename}")

    entered: set[str] = set()
    for base, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        # In one order everywhere, so that of two ways to a folder the same is taken.
        folders[:] = sorted(name for name in folders if not name.startswith(hidden))
        if (place := os.path.realpath(base)) in entered:
            folders.clear()
            continue
        entered.add(place)
        yield from (os.path.join(base, name) for name in names if not name.startswith(hidden))


def _stat(source: Source, name: str) -> Listed:
    try:
        name.encode()
        facts = os.stat(name)
    except UnicodeEncodeError:
        raise ConfigError(f"source {source.name}: file name {name!r} is not UTF-8. Rename the file.") from None
    except OSError as error:
        said = f"{name} cannot be read: {error.strerror}. Mend or remove it, or mend `path`."
        raise ConfigError(f"source {source.name}: {said}") from None
    return Listed(name, os.path.abspath(name), facts.st_size, facts.st_mtime_ns // 1_000_000)


def _remote(source: Source) -> list[Listed]:
    from pyarrow import fs

    uri = source.path.replace("s3a://", "s3://", 1)
    try:
        system, path = fs.FileSystem.from_uri(uri)
        info = system.get_file_info(path)
        infos = [info] if info.is_file else system.get_file_info(fs.FileSelector(path, recursive=True))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"source {source.name}: {source.path} cannot be listed: {str(error).splitlines()[0]}"
        ) from None
    scheme = uri.split("://")[0]
    # FileSystem.from_uri reads a URI again: names with spaces or percent signs must be quoted for it.
    files = [i for i in infos if i.is_file]
    if not files:
        raise ConfigError(f"source {source.name}: {source.path} holds no files")
    named = [(f"{scheme}://{quote(i.path)}", i.size, (i.mtime_ns or 0) // 1_000_000) for i in files]
    return sorted(Listed(name, name, size, modified) for name, size, modified in named)
