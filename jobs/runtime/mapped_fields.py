"""Refuse a recipe that maps a field to what no record of its source has: a typo would drop or unbind every row."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import Source
from jobs.runtime.recipe_errors import nearest
from jobs.runtime.scope import Scope
from schemas.clean_records import CLEAN_RECORDS
from schemas.raw_records import RAW_RECORDS
from udfs.find_paths import FOUND_SCHEMA, find_paths
from udfs.payload_fields import read_fields

# Nearly always these show every path; only sources that they leave in doubt are read whole.
SAMPLE = 1000


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
    samples = [payloads.where(F.col("source") == source.name).limit(SAMPLE) for source in sources]
    doubtful = _absent(reduce(DataFrame.union, samples), sources)
    if doubtful:
        rest = [source for source in sources if source.name in doubtful]
        _refuse(scope.recipe.path, _absent(payloads.where(F.col("source").isin(list(doubtful))), rest))


def _declared(scope: Scope) -> list[Source]:
    """Sources that say themselves what is what; the columns of the others are known."""
    return [source for source in scope.recipe.sources if source.fields]


def _absent(payloads: DataFrame, sources: list[Source]) -> dict[str, dict[str, str]]:
    """Source -> field -> why, for what none of these payloads has; a source without payloads is not judged."""
    paths = {source.name: tuple(_paths(source).values()) for source in sources}
    rows = payloads.mapInArrow(partial(find_paths, paths=paths), FOUND_SCHEMA).distinct().collect()
    seen = {
        name: Seen(
            frozenset(row["name"] for row in rows if row["source"] == name and row["is_path"]),
            tuple(sorted(row["name"] for row in rows if row["source"] == name and not row["is_path"] and row["name"])),
        )
        for name in {row["source"] for row in rows}
    }
    found = {source.name: _unseen(source, seen[source.name]) for source in sources if source.name in seen}
    return {name: fields for name, fields in found.items() if fields}


def _unseen(source: Source, seen: Seen) -> dict[str, str]:
    return {
        field: f"none of its records has {path}; {nearest(path, seen.columns)}"
        for field, path in _paths(source).items()
        if path not in seen.paths
    }


def _paths(source: Source) -> dict[str, str]:
    """Field -> path, every group key by its name."""
    fields = read_fields(source.mapping())
    return {**fields.paths, **{f"group.{name}": path for name, path in fields.groups}}


def _refuse(path: str, absent: Mapping[str, Mapping[str, str]]) -> None:
    said = [
        f"section sources, source {name}, key fields.{field}: {why}"
        for name, fields in absent.items()
        for field, why in fields.items()
    ]
    if said:
        raise ConfigError(f"{path}: " + "; ".join(said))
