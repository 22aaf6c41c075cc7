"""A lake in a schema of a catalog: `tables: catalog.schema` (Unity Catalog, Glue, Hive, or a session's own)."""

import os
import re

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from jobs.runtime.errors import AbsentError, ConfigError
from jobs.runtime.locations import require_usable
from jobs.runtime.table_sql import literal

NAME = re.compile(r"[A-Za-z_][\w-]*\.[A-Za-z_][\w-]*")
SESSION_CATALOG = "spark_catalog"


def is_name(tables: str) -> bool:
    """Whether `tables` names a schema; a folder of such a name is written with a slash, as in ./lake.v2."""
    return NAME.fullmatch(tables) is not None


def require_name(tables: str, folder: str | None) -> None:
    """Raise ConfigError where a name could be meant for a folder, or a location is given beside a folder."""
    if is_name(tables):
        if os.path.isfile(tables):
            require_usable(tables)
        if os.path.isdir(tables):
            raise ConfigError(
                f"tables: {tables} names a schema of a catalog, and a folder here has that name too. "
                f"Write ./{tables} for the folder; remove or rename it where the schema is meant."
            )
    elif folder is not None:
        raise ConfigError(
            f"location: says where a schema's tables lie, but tables is a folder: {tables}. Remove `location`, "
            "or give `tables` as catalog.schema."
        )


def quoted(name: str) -> str:
    """A name of several parts as SQL takes it, whatever letters are in it."""
    return ".".join(f"`{part}`" for part in name.split("."))


def forgets(spark: SparkSession, tables: str) -> bool:
    """Whether the catalog lives as long as its session: then its tables are registered anew in each."""
    in_memory = spark.conf.get("spark.sql.catalogImplementation", "in-memory") == "in-memory"
    return in_memory and tables.split(".")[0] == SESSION_CATALOG


def open_schema(spark: SparkSession, tables: str, folder: str | None) -> None:
    """Make the schema known to a session whose catalog forgets; ConfigError where nothing says where it lies."""
    if forgets(spark, tables):
        require_location(tables, folder)
        make_schema(spark, tables)


def require_location(tables: str, folder: str | None) -> None:
    """ConfigError where nothing says where the tables lie that a session's catalog forgets."""
    if folder is None:
        raise ConfigError(
            f"tables: {tables}: this session's catalog forgets its tables when it ends, so the recipe must say where "
            "they lie: add `location: lake` (a folder or a URI), or start Spark with a catalog that lasts."
        )


def has_schema(spark: SparkSession, tables: str) -> bool:
    """Whether the schema is there; AbsentError where its catalog is not."""
    catalog, schema = tables.split(".")
    try:  # databaseExists says no, and nothing more, also where there is no such catalog
        return bool(spark.sql(f"SHOW SCHEMAS IN {quoted(catalog)} LIKE {literal(schema)}").collect())
    except Exception as error:  # as below
        raise AbsentError(
            f"tables: {tables}: the catalog cannot be asked: {_first_line(error)}. Mend `tables`, or start Spark with "
            "that catalog."
        ) from None


def make_schema(spark: SparkSession, tables: str) -> None:
    """Make the schema unless it is there; ConfigError where the catalog does not let us.

    Without a location: some catalogs delete a schema's folder with the schema, and the lake would go with it."""
    try:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(tables)}")
    except Exception as error:  # classic Spark raises py4j's own for what a catalog says
        raise ConfigError(
            f"tables: the schema {tables} is not there and cannot be made: {_first_line(error)}. "
            "Mend `tables`, or have the schema made and the rights to it given."
        ) from None


def register(spark: SparkSession, name: str, path: str) -> bool:
    """Give a Delta table that lies at a path its name again; false where none lies there."""
    try:
        spark.sql(f"SHOW TBLPROPERTIES delta.`{path}`")
    except AnalysisException:
        return False
    spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION {literal(path)}")
    return True


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().split("\n") if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
