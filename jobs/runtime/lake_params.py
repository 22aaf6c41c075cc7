"""Parameters that belong to the lake: kept as properties of the table `splits`, the same for every recipe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.recipe_errors import explain
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
    kept = stored(lake)
    params = {job.name: _settled(job, recipe.params[job.name], kept, recipe.path) for job in jobs}
    settled = replace(recipe, params=params)
    require_consistent(settled, jobs)
    return settled


def require_consistent(recipe: Recipe, jobs: Sequence[Job]) -> None:
    """ConfigError where one job's parameters contradict another's."""
    for job in jobs:
        if job.contradiction is not None and (fault := job.contradiction(recipe.params)):
            raise ConfigError(f"{recipe.path}: section {job.name}: {fault}")


def stored(lake: Lake) -> dict[str, Any]:
    """The parameters that the lake has: job.key -> value; none before its first run."""
    properties = lake.opened[SPLITS.name].properties if lake.exists(SPLITS) else {}
    ours = {name.removeprefix(PREFIX): kept for name, kept in properties.items() if name.startswith(PREFIX)}
    return {name: orjson.loads(kept) for name, kept in ours.items() if "." in name}


def _settled(job: Job, params: BaseModel, stored: dict[str, Any], path: str) -> BaseModel:
    values = _dumped(params)
    taken: dict[str, Any] = {}
    for key in job.lake_params:
        name = f"{job.name}.{key}"
        if name not in stored:
            continue
        value = stored[name]
        as_read = _dumped(type(params).model_validate({key: value, **_sources(params)}))[key]
        if key in params.model_fields_set and values[key] != as_read:
            raise ConfigError(
                f"{path}: section {job.name}, key {key}: the lake has {value!r}, the recipe {values[key]!r}. "
                "It is the same for every dataset of a lake: leave it out, or use another `tables` location."
            )
        taken[key] = value
    try:
        return type(params).model_validate({**values, **_sources(params), **taken})
    except ValidationError as error:
        said = explain(error, type(params), values, job.name)
        raise ConfigError(f"{path}: {said}, with what the lake or the defaults have for the rest") from None


def _dumped(params: BaseModel) -> dict[str, Any]:
    return params.model_dump(mode="json", exclude={"sources"})


def _sources(params: BaseModel) -> dict[str, Any]:
    return {"sources": params.sources} if hasattr(params, "sources") else {}
