"""List the files that a recipe's sources hold: local paths, globs, URIs, assets, installed packages."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

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


def list_files(sources: Sequence[Source]) -> list[SourceFile]:
    """The files of all sources; ConfigError names all sources that hold none."""
    rows: list[SourceFile] = []
    faults: list[str] = []
    for source in sources:
        try:
            rows += [(source.name, *file) for file in list_source(source)]
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


def _package(source: Source, name: str) -> list[Listed]:
    if source.format != "python":
        raise ConfigError(f"source {source.name}: package:{name} holds Python files; set format: python")
    try:
        files = package_files(name)
    except ValueError as error:
        raise ConfigError(f"source {source.name}: {error}") from None
    return [Listed(f"package:{path}", uri, size, modified // 1_000_000) for path, uri, size, modified in files]


def _local(source: Source) -> list[Listed]:
    path = source.path.removeprefix("file://")
    if source.format == "python":
        return _python_files(source, path)
    if os.path.isdir(path):
        found = sorted(_walk(path))
    elif os.path.exists(path):
        found = [path]
    elif glob.has_magic(path):
        found = sorted(name for name in glob.glob(path, recursive=True) if _is_meant(name, path))
    else:
        raise ConfigError(f"source {source.name}: {path} does not exist (looked in {os.getcwd()}). Mend `path`.")
    if not found:
        raise ConfigError(f"source {source.name}: {path} holds no files. Expected at least one {source.format} file.")
    return [_stat(source, name) for name in found]


def _python_files(source: Source, path: str) -> list[Listed]:
    """A .py file, or all below a folder, by the paths from which an import would name them."""
    root = Path(path)
    found = [root] if root.is_file() else sorted(root.rglob("*.py"))
    if not found:
        raise ConfigError(
            f"source {source.name}: {path} holds no .py files. Expected package:NAME, a .py file or a folder."
        )
    top = root.parent if root.is_file() else root
    return [_stat(source, str(name))._replace(path=name.relative_to(top).as_posix()) for name in found]


def _is_meant(name: str, pattern: str) -> bool:
    """Folders that `raw/*` or `raw/**` meets are passed by; one that `raw/*.jsonl` meets was meant as a file, and
    becomes a file that cannot be read: nothing is left out in silence."""
    return bool(os.path.splitext(pattern)[1]) or not os.path.isdir(name)


def _walk(folder: str) -> Iterator[str]:
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (os.path.join(base, name) for name in names if not name.startswith((".", "_")))


def _stat(source: Source, name: str) -> Listed:
    try:
        name.encode()
        facts = os.stat(name)
    except UnicodeEncodeError:
        raise ConfigError(f"source {source.name}: file name {name!r} is not UTF-8. Rename the file.") from None
    except OSError as error:
        raise ConfigError(f"source {source.name}: {name}: {error.strerror}") from None
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
