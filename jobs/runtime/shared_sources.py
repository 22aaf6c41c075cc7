"""Recipes that share a lake may share a source; then they must mean the same place."""

from collections.abc import Iterator
from typing import Any

import orjson
from pyspark.sql import functions as F

from jobs.runtime import console
from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import Source
from schemas.dataset_versions import DATASET_VERSIONS


def compare_sources(context: Context) -> None:
    """Say which sources another dataset of the lake reads from another place: for a source that is one place, the files
    of the other have vanished. ConfigError where their records would be dropped, from that dataset too."""
    for source, dataset, path in contradicted(context):
        said = (
            f"source {source.name}: its path is {source.path}, but dataset {dataset} of this lake reads {path} under "
            "that name. A source is one place for all datasets: give one of the two another name, or both one path"
        )
        if source.on_vanish == "drop":
            raise ConfigError(f"{said}. With on_vanish: drop the records of {path} would be dropped.")
        context.say(console.notice(said))


def contradicted(context: Context) -> Iterator[tuple[Source, str, str]]:
    """Source of the recipe, another dataset, and the path by which its newest version knows the source."""
    if not context.lake.exists(DATASET_VERSIONS):
        return
    others = context.lake.read(DATASET_VERSIONS).where(F.col("dataset") != context.recipe.dataset)
    newest = others.groupBy("dataset").agg(F.max_by("recipe", "dataset_version").alias("recipe"))
    mine = {source.name: source for source in context.recipe.sources}
    for row in newest.orderBy("dataset").collect():
        theirs: list[dict[str, Any]] = orjson.loads(row["recipe"])["sources"]
        for other in theirs:
            source = mine.get(other["name"])
            if source is not None and source.path != other["path"]:
                yield source, row["dataset"], other["path"]
