"""Parameters that belong to the lake: kept as properties of the table `splits`, the same for every recipe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from pydantic import BaseModel

from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.table_sql import PREFIX
from jobs.runtime.tables import Lake
from schemas.splits import SPLITS
from schemas.table import Table


def keeps(table: Table) -> bool:
    """Whether the lake's parameters are properties of this table."""
    return table == SPLITS


def properties(recipe: Recipe, jobs: Sequence[Job]) -> dict[str, str]:
    """The lake's parameters as properties: job.key -> JSON."""
    return {
        f"{job.name}.{key}": orjson.dumps(_dumped(recipe.params[job.name])[key]).decode()
        for job in jobs
        for key in job.lake_params
    }


def settle(lake: Lake, recipe: Recipe, jobs: Sequence[Job]) -> Recipe:
    """The recipe with the lake's parameters; ConfigError where it contradicts them, or one job another."""
    stored = lake.opened[SPLITS.name].properties if lake.exists(SPLITS) else {}
    params = {job.name: _settled(job, recipe.params[job.name], stored, recipe.path) for job in jobs}
    for job in jobs:
        if job.contradiction is not None and (fault := job.contradiction(params)):
            raise ConfigError(f"{recipe.path}: section {job.name}: {fault}")
    return replace(recipe, params=params)


def _settled(job: Job, params: BaseModel, stored: dict[str, str], path: str) -> BaseModel:
    values = _dumped(params)
    taken: dict[str, Any] = {}
    for key in job.lake_params:
        kept = stored.get(f"{PREFIX}{job.name}.{key}")
        if kept is None:
            continue
        value = orjson.loads(kept)
        if key in params.model_fields_set and values[key] != value:
            raise ConfigError(
                f"{path}: section {job.name}, key {key}: the lake has {value!r}, the recipe {values[key]!r}. "
                "It is the same for every dataset of a lake: leave it out, or use another `tables` location."
            )
        taken[key] = value
    return type(params).model_validate({**values, **_sources(params), **taken})


def _dumped(params: BaseModel) -> dict[str, Any]:
    return params.model_dump(mode="json", exclude={"sources"})


def _sources(params: BaseModel) -> dict[str, Any]:
    return {"sources": params.sources} if hasattr(params, "sources") else {}
