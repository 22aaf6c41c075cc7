"""Whether the places that a run writes can be written: something small is written there and taken away again."""

import os
import tempfile
import uuid
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.runtime import catalogs
from jobs.runtime.errors import AccessError
from jobs.runtime.findings import NOT_TRIED, OK, Said, count
from jobs.runtime.listed import DELTA_LOG
from jobs.runtime.local_files import local_path
from jobs.runtime.locations import require_local, require_usable
from jobs.runtime.recipe import Recipe
from jobs.runtime.recipe_file import without_credentials
from udfs.file_systems import find_file, open_filesystem, split_uri

# Sources pass by names that begin with a dot.
PROBE = ".sluice-check-"
SAID_CHARS = 300


def lake_folder(recipe: Recipe) -> str:
    """Where the files of the lake's tables lie; empty where only a catalog knows."""
    if catalogs.is_name(recipe.tables):
        return recipe.location or ""
    return recipe.tables


def check_lake(recipe: Recipe, spark: SparkSession | None, master: str) -> Said:
    """ConfigError where no lake can be, AccessError where it may not be written."""
    catalogs.require_name(recipe.tables, recipe.location)
    if catalogs.is_name(recipe.tables):
        return _check_schema(recipe, spark, master)
    return check_place("tables", recipe.tables, master)


def _check_schema(recipe: Recipe, spark: SparkSession | None, master: str) -> Said:
    """A schema is made by the first run: whether it may be shows only then."""
    if spark is None:
        return NOT_TRIED, f"{recipe.tables}: only Spark sees this schema, and it did not start"
    if catalogs.forgets(spark, recipe.tables):
        catalogs.require_location(recipe.tables, recipe.location)
    state, place = check_place("location", recipe.location, master) if recipe.location else (OK, "")
    behind = f"; location {place}" if place else ""
    if catalogs.has_schema(spark, recipe.tables):
        return (
            state,
            f"the schema {recipe.tables} is there; what rights to it are lacking shows the first table{behind}",
        )
    return state, f"the schema {recipe.tables} is not there: the first run makes it, where the catalog lets it{behind}"


def check_place(key: str, place: str, master: str) -> Said:
    """A folder or URI that the recipe names under this key; AccessError where nothing can be written there."""
    try:
        return _try_store(place) if _is_uri(place) else _try_lake(local_path(place), master)
    except (OSError, ValueError) as error:
        said = _said(error).replace(place, without_credentials(place))
        shown = without_credentials(place)
        raise AccessError(f"{key}: {shown} cannot be written: {said}. Mend `{key}`, or the rights there.") from None


def _is_uri(place: str) -> bool:
    return "://" in place and not place.startswith("file:")


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error).partition("\n")[0].rstrip(".")[:SAID_CHARS]


def _try_lake(folder: str, master: str) -> Said:
    """A lake on a disk, and each of its tables: another user may have made one."""
    if not os.path.isabs(folder):
        require_local(folder, master)
    place = os.path.abspath(folder)
    require_usable(place)
    tried = try_folder(place)
    if tried != place:
        return OK, f"{place}: made by the first run, {tried} can be written"
    tables = [one.path for one in os.scandir(place) if os.path.isdir(f"{one.path}/{DELTA_LOG}")]
    for table in tables:
        try_folder(table)
        try_folder(f"{table}/{DELTA_LOG}")
    return OK, f"{place}: can be written, {count(len(tables), 'table')}"


def try_folder(folder: str) -> str:
    """Write to a folder, or to the nearest one above it that is there, which is returned; OSError where that fails."""
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    # On Linux it never has a name: not even a kill leaves it behind.
    with tempfile.TemporaryFile(dir=place, prefix=PROBE) as probe:
        probe.write(b"probe")
        probe.flush()
    return str(place)


def _try_store(place: str) -> Said:
    """Spark comes to the store by a way of its own, which shows only when it starts."""
    shown = without_credentials(place)
    try:
        open_filesystem(split_uri(place))
    except (OSError, ValueError) as error:
        # Of hdfs pyarrow needs the machine's own libraries, which Spark does without.
        if isinstance(error, OSError) and not place.startswith("hdfs:"):
            raise
        return NOT_TRIED, f"{shown}: pyarrow knows no such place; whether Spark does shows when it starts"
    system, path = find_file(f"{place.rstrip('/')}/{PROBE}{uuid.uuid4().hex}")
    with system.open_output_stream(path, compression=None) as stream:
        stream.write(b"probe")
    system.delete_file(path)
    return OK, f"{shown}: an object was written and removed, by pyarrow; Spark must know the store, too"
