"""Refuse a recipe that names columns which no record of a source has: a typo would drop or unbind every row.
So would a source read by sight of which no record has a known shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.file_rows import read_records
from jobs.frames.table_rows import table_payloads
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe_errors import nearest
from jobs.runtime.scope import Scope
from jobs.runtime.source import Source
from schemas.clean_records import CLEAN_RECORDS
from schemas.raw_records import RAW_RECORDS
from udfs.find_paths import ANY_SHAPE, FOUND_SCHEMA, find_paths
from udfs.ingest_files import File
from udfs.payload_fields import read_fields

# Nearly always these show every path; only sources that they leave in doubt are read whole.
SAMPLE = 1000
# What of a source names columns: key of the recipe -> column or path.
Named = Callable[[Source], dict[str, str]]


@dataclass(frozen=True)
class Seen:
    """What the payloads of one source have: which of the mapped paths, and names of columns to choose from."""

    paths: frozenset[str]
    columns: tuple[str, ...]


def require_mapped_fields(scope: Scope) -> None:
    """ConfigError for mapped paths that no record has. A source once cleaned under its mapping is not asked again."""
    cleaned = scope.in_force(CLEAN_RECORDS, scope.lake.read(CLEAN_RECORDS)).select("source").distinct()
    done = {row["source"] for row in cleaned.collect()} if _declared(scope) else set()
    sources = [source for source in _declared(scope) if source.name not in done]
    if not sources:
        return
    payloads = scope.read(RAW_RECORDS).where("payload IS NOT NULL").select("source", "payload")
    _require(scope.recipe.path, payloads, sources, _paths)


def require_keys(scope: Scope, files: DataFrame, tables: Sequence[tuple[File, DataFrame]] = ()) -> None:
    """ConfigError where `key` or `order_by` names a column that no record of these files and tables has: all would be
    set aside. A source that has given records is not asked again: they are fixed."""
    taken = scope.lake.read(RAW_RECORDS).where("payload IS NOT NULL").select("source").distinct()
    declared = [source for source in scope.recipe.sources if source.key or source.order_by]
    done = {row["source"] for row in taken.collect()} if declared else set()
    sources = [source for source in declared if source.name not in done]
    if not sources:
        return
    mine = files.where(F.col("source").isin([source.name for source in sources]))
    nameless = {"record_key": F.array().cast("array<string>"), "order_by": F.lit(None).cast("string")}
    found = mine.withColumns(nameless).transform(read_records).select("source", "payload")
    for file, rows in tables:
        found = found.union(rows.transform(table_payloads).select(F.lit(file.source).alias("source"), "payload"))
    _require(scope.recipe.path, found.where("payload IS NOT NULL"), sources, _key_columns)


def _require(path: str, payloads: DataFrame, sources: list[Source], named: Named) -> None:
    samples = [payloads.where(F.col("source") == source.name).limit(SAMPLE) for source in sources]
    doubtful = _absent(reduce(DataFrame.union, samples), sources, named)
    if doubtful:
        rest = [source for source in sources if source.name in doubtful]
        _refuse(path, _absent(payloads.where(F.col("source").isin(list(doubtful))), rest, named))


def _key_columns(source: Source) -> dict[str, str]:
    """Key of the recipe -> column, of what tells records apart."""
    order = {"order_by": source.order_by} if source.order_by else {}
    return {("key" if len(source.key) == 1 else f"key.{name}"): name for name in source.key} | order


def _declared(scope: Scope) -> list[Source]:
    """Sources that say themselves what is what, or leave it to be seen; the columns of the others are known."""
    return [source for source in scope.recipe.sources if source.fields or source.is_seen()]


def _absent(payloads: DataFrame, sources: list[Source], named: Named) -> dict[str, dict[str, str]]:
    """Source -> key of the recipe -> why, for what none of these payloads has; a source without payloads is not
    judged."""
    paths = {source.name: tuple(named(source).values()) for source in sources}
    rows = payloads.mapInArrow(partial(find_paths, paths=paths), FOUND_SCHEMA).distinct().collect()
    seen = {
        name: Seen(
            frozenset(row["name"] for row in rows if row["source"] == name and row["is_path"]),
            tuple(sorted(row["name"] for row in rows if row["source"] == name and not row["is_path"] and row["name"])),
        )
        for name in {row["source"] for row in rows}
    }
    found = {source.name: _unseen(named(source), seen[source.name]) for source in sources if source.name in seen}
    return {name: fields for name, fields in found.items() if fields}


def _unseen(paths: Mapping[str, str], seen: Seen) -> dict[str, str]:
    return {key: _absence(path, seen.columns) for key, path in paths.items() if path not in seen.paths}


def _absence(path: str, columns: tuple[str, ...]) -> str:
    if path == ANY_SHAPE:
        shapes = "map text, or prompt and response, or messages"
        return f"none of its records has a known shape; {shapes}. Found: {', '.join(columns) or 'no column'}"
    return f"none of its records has {path}; {nearest(path, columns)}"


def _paths(source: Source) -> dict[str, str]:
    """Key of the recipe -> path, every group key by its name."""
    fields = read_fields(source.mapping())
    groups = {f"fields.group.{name}": path for name, path in fields.groups}
    ignored = {f"fields.ignore.{path}": path for path in fields.ignored}
    shape = {"fields": ANY_SHAPE} if fields.by_sight else {}
    return {f"fields.{field}": path for field, path in fields.paths.items()} | groups | ignored | shape


def _refuse(path: str, absent: Mapping[str, Mapping[str, str]]) -> None:
    said = [
        f"section sources, source {name}, key {key}: {why}"
        for name, keys in absent.items()
        for key, why in keys.items()
    ]
    if said:
        raise ConfigError(f"{path}: " + "; ".join(said))
