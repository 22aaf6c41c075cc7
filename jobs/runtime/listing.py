"""List what a recipe's sources hold: local files, files behind URIs, tables, assets, installed packages."""

import os
from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.runtime.assets import resolve_asset
from jobs.runtime.beside_lake import refuse_lake
from jobs.runtime.errors import AbsentError, AssetError, ConfigError
from jobs.runtime.listed import Listed
from jobs.runtime.local_files import absence_of, list_local
from jobs.runtime.remote_files import list_remote
from jobs.runtime.source import Source
from jobs.runtime.source_tables import list_table
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
ARROW_FILES = pa.schema(
    [(field.name, pa.string() if field.dataType == STRING else pa.int64()) for field in FILES.fields]
)


# A source's name, then what is known of the file.
SourceFile = tuple[str, str, str, int, int]


def listing(spark: SparkSession, files: Sequence[SourceFile]) -> DataFrame:
    """Columns source, path, uri, size_bytes, modified_ms: one row a file."""
    columns = [list(values) for values in zip(*files, strict=True)] or [[] for _ in FILES]
    # As Arrow: of ten thousand files each would be pickled alone.
    return spark.createDataFrame(pa.table(columns, schema=ARROW_FILES), FILES)


def list_files(sources: Sequence[Source], lake: str = "", spark: SparkSession | None = None) -> list[SourceFile]:
    """The files of all sources; ConfigError names all sources that hold none, or that hold the lake itself.

    spark: the session through which tables are seen; without one a source that is a table is an error."""
    rows: list[SourceFile] = []
    faults: list[str] = []
    for source in sources:
        try:
            rows += [(source.name, *file) for file in list_one(source, lake, spark)]
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
    return rows


def require_present(sources: Sequence[Source]) -> None:
    """ConfigError, before Spark starts, where a path of this machine is not there.

    Only then are sources listed, to name all faults at once but those of tables, which Spark alone sees."""
    if all(absence_of(source) is None for source in sources):
        return
    faults: list[ConfigError] = []
    for source in sources:
        try:
            if (absence := absence_of(source)) is not None:
                faults.append(absence)
            elif source.format != "delta":
                list_source(source)
        except ConfigError as error:
            faults.append(error)
    raise ConfigError("\n".join(map(str, faults)))


def list_one(source: Source, lake: str, spark: SparkSession | None) -> list[Listed]:
    """The files of one source, or its table; ConfigError where it holds none, or the lake itself."""
    files = [list_table(source, lake, spark)] if source.format == "delta" else list_source(source)
    if lake:
        refuse_lake(source, lake, [file.uri for file in files])
    return files


def list_source(source: Source) -> list[Listed]:
    """The files of one source, in order of path; ConfigError where it holds none."""
    kind, _, rest = source.path.partition(":")
    if kind == "asset":
        return _asset(source, rest)
    if kind == "package":
        return _package(source, rest)
    is_remote = "://" in source.path and not source.path.startswith("file://")
    found = list_remote(source) if is_remote else list_local(source)
    if not found:
        none, wanted = "files", f"at least one {source.format} file"
        if source.format == "python":
            none, wanted = ".py files", "package:NAME, a .py file or a folder"
        raise AbsentError(f"source {source.name}: {source.path} holds no {none}. Expected {wanted}.")
    return found


def _asset(source: Source, name: str) -> list[Listed]:
    try:
        uri = str(resolve_asset(name))
    except AssetError as error:
        raise AbsentError(f"source {source.name}: {error}") from None
    # An asset is its digest: its file's time in the cache says nothing.
    return [Listed(source.path, uri, os.stat(uri).st_size, 0)]


def _package(source: Source, name: str) -> list[Listed]:
    if source.format != "python":
        raise ConfigError(f"source {source.name}: package:{name} holds Python files; set format: python")
    try:
        files = package_files(name)
    except ValueError as error:
        raise AbsentError(f"source {source.name}: {error}") from None
    return [Listed(f"package:{path}", uri, size, modified // 1_000_000) for path, uri, size, modified in files]
