"""Sources that are Delta tables, by path or by name: listed as one row, read by Spark at the version listed."""

import os
import re
from collections.abc import Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.runtime.beside_lake import refuse_lake
from jobs.runtime.errors import AbsentError, ConfigError
from jobs.runtime.listed import Listed
from jobs.runtime.local_files import local_path
from jobs.runtime.locations import FAULTS
from jobs.runtime.source import Source
from udfs.ingest_files import File

FORMAT = "delta"
# What SQL calls a table: schema.table or catalog.schema.table. What is meant as a folder has a slash: ./raw.v1
NAME = re.compile(r"[\w-]+(\.[\w-]+){1,2}")
# Delta's own way to write a table at a version.
AT_VERSION = "@v"


def is_named(source: Source) -> bool:
    """Whether it is a table that only a catalog finds."""
    return source.format == FORMAT and NAME.fullmatch(source.path) is not None


def list_table(source: Source, lake: str, spark: SparkSession | None) -> Listed:
    """The table at its newest version; ConfigError where there is none, where it is of another kind, or of the lake."""
    place = _place(source.path)
    newest, detail = _describe(source, place, spark)
    if lake:
        refuse_lake(source, lake, [detail["location"]])
    uri = f"{place}{AT_VERSION}{newest['version']}"
    return Listed(source.path, uri, detail["sizeInBytes"] or 0, newest["modified_ms"])


def open_tables(spark: SparkSession, sources: Sequence[Source], files: DataFrame) -> list[tuple[File, DataFrame]]:
    """The tables among the files of a batch, each with its rows at the version listed; nothing is read yet."""
    if all(source.format != FORMAT for source in sources):
        return []
    listed = files.where((F.col("format") == FORMAT) & F.col("uri").isNotNull()).select(*File._fields)
    found = [File(**row.asDict()) for row in listed.orderBy("source", "path", "revision").collect()]
    return [(file, _rows(spark, file.uri or "")) for file in found]


def _place(path: str) -> str:
    """A name as it stands; a path so that it means one thing wherever Spark's own working directory is."""
    if NAME.fullmatch(path) or ("://" in path and not path.startswith("file:")):
        return path
    return os.path.abspath(local_path(path))


def _describe(source: Source, place: str, spark: SparkSession | None) -> tuple[Row, Row]:
    """Version and time of the newest commit; location and size. No data are read."""
    if spark is None:
        raise ConfigError(f"source {source.name}: {source.path} is a table: only a Spark session sees it")
    table = _quoted(place)
    try:
        commits = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1")
        newest = commits.select("version", F.unix_millis("timestamp").alias("modified_ms")).collect()[0]
        detail = spark.sql(f"DESCRIBE DETAIL {table}").select("location", "sizeInBytes").collect()[0]
    except Exception as error:  # classic Spark raises py4j's own for faults of storage
        if not isinstance(error, PySparkException) and not any(fault in str(error) for fault in FAULTS):
            raise
        said = next(iter(str(error).splitlines()), type(error).__name__)[:300].rstrip(".")
        raise AbsentError(
            f"source {source.name}: expected a Delta table at {source.path}: {said}. Mend `path`, a folder with "
            "_delta_log, schema.table or catalog.schema.table; or `format`; or the rights of this session there."
        ) from None
    return newest, detail


def _quoted(place: str) -> str:
    if NAME.fullmatch(place):
        return ".".join(f"`{part}`" for part in place.split("."))
    return f"delta.`{place.replace('`', '``')}`"


def _rows(spark: SparkSession, uri: str) -> DataFrame:
    place, _, version = uri.rpartition(AT_VERSION)
    reader = spark.read.format(FORMAT).option("versionAsOf", int(version))
    return reader.table(_quoted(place)) if NAME.fullmatch(place) else reader.load(place)
