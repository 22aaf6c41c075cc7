"""Parameters that belong to the lake: fixed by its first run, the same for every recipe."""

from typing import Any
from unittest.mock import Mock

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime import lake_params
from jobs.runtime.errors import ConfigError
from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.source import Source
from jobs.runtime.table_sql import PREFIX
from jobs.runtime.tables import Opened
from schemas.splits import SPLITS


def recipe(**sections: dict[str, Any]) -> Recipe:
    sources = (Source(name="s", path="p", format="text"),)
    values: dict[str, dict[str, Any]] = {job.name: sections.get(job.name, {}) for job in PIPELINE}
    params = {
        job.name: job.params.model_validate(
            values[job.name] | ({"sources": sources} if "sources" in job.params.model_fields else {})
        )
        for job in PIPELINE
    }
    return Recipe("r.yaml", "d", "lake", Tracking(), sources, params)


def lake_of(first: Recipe) -> Mock:
    """A lake that the recipe has made."""
    kept = {f"{PREFIX}{name}": value for name, value in lake_params.properties(first, PIPELINE).items()}
    return Mock(exists=lambda table: table == SPLITS, opened={SPLITS.name: Opened("id", kept)})


def test_what_a_recipe_leaves_out_is_the_lakes() -> None:
    lake = lake_of(recipe(assign_splits={"salt": "mine"}, match_duplicates={"threshold": 0.6}))
    settled = lake_params.settle(lake, recipe(assign_splits={"salt": "mine"}), PIPELINE)
    assert settled.params["assign_splits"].model_dump()["salt"] == "mine"
    assert settled.params["match_duplicates"].model_dump()["threshold"] == 0.6
    assert settled.params["clean_text"].model_dump()["sources"] == recipe().params["clean_text"].model_dump()["sources"]


def test_a_recipe_that_says_otherwise_is_refused() -> None:
    lake = lake_of(recipe())
    with pytest.raises(ConfigError) as refused:
        lake_params.settle(lake, recipe(assign_splits={"salt": "other"}), PIPELINE)
    assert str(refused.value) == (
        "r.yaml: section assign_splits, key salt: the lake has '1', the recipe 'other'. It is the same for every "
        "dataset of a lake: leave it out, or use another `tables` location."
    )


def test_a_fraction_may_be_left_to_the_lake() -> None:
    lake = lake_of(recipe(assign_splits={"train": 0.8, "val": 0.1, "test": 0.1}))
    settled = lake_params.settle(lake, recipe(assign_splits={"train": 0.8}), PIPELINE).params["assign_splits"]
    assert settled.model_dump(include={"train", "val", "test"}) == {"train": 0.8, "val": 0.1, "test": 0.1}
    with pytest.raises(ConfigError) as refused:
        lake_params.settle(Mock(exists=lambda table: False), recipe(assign_splits={"train": 0.8}), PIPELINE)
    assert str(refused.value) == (
        "r.yaml: section assign_splits: train + val + test must be 1, found 0.9, with what the lake or the defaults "
        "have for the rest"
    )


def test_the_order_of_the_kinds_that_bind_says_nothing() -> None:
    lake = lake_of(recipe(assign_splits={"bind": ["folded_text", "group"]}))
    settled = lake_params.settle(lake, recipe(assign_splits={"bind": ["group", "folded_text"]}), PIPELINE)
    assert settled.params["assign_splits"].model_dump()["bind"] == ("folded_text", "group")
    lake.opened[SPLITS.name].properties[f"{PREFIX}assign_splits.bind"] = '["group", "folded_text"]'
    assert lake_params.settle(lake, recipe(assign_splits={"bind": ["group", "folded_text"]}), PIPELINE)


def test_without_a_lake_the_recipe_counts() -> None:
    empty = Mock(exists=lambda table: False)
    mine = recipe(assign_splits={"salt": "other"})
    assert lake_params.settle(empty, mine, PIPELINE).params == mine.params
