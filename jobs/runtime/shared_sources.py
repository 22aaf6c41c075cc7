"""Recipes that share a lake may share a source; then they must mean the same place."""

import os
from collections.abc import Iterator
from typing import Any

import orjson
from pyspark.sql import functions as F

from jobs.runtime.context import Context
from jobs.runtime.local_files import local_path
from jobs.runtime.source import Source
from schemas.dataset_versions import DATASET_VERSIONS


def compare_sources(context: Context) -> None:
    """Say which sources another dataset of the lake reads from another place: for a source that is one place, the files
    of the other have vanished.  No refusal: where both move, one of them is the first to say so."""
    for source, dataset, path in contradicted(context):
        drops = " Its records are dropped now (on_vanish)." if source.on_vanish == "drop" else ""
        said = f"its path is {source.path}, but dataset {dataset} of this lake reads {path} under that name, which"
        cure = "A source is one place for all datasets: give one of the two another name, or both one path"
        context.note(f"source {source.name}: {said} counts as vanished.{drops} {cure}")


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
            if source is not None and _place(source.path) != _place(other["path"]):
                yield source, row["dataset"], other["path"]


def _place(path: str) -> str:
    """A path of this machine however it is written; others as they are."""
    return path if ":" in path and not path.startswith("file:") else os.path.realpath(local_path(path))
