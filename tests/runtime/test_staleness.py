"""What makes a job stale beyond its own parameters, and what a run that begins late takes over."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.errors import ConfigError
from jobs.runtime.fingerprints import all_fingerprints, flat
from jobs.runtime.recipe import Recipe, Tracking, load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.scope import Scope
from jobs.runtime.source import Source
from jobs.runtime.staleness import fingerprint_seen, look, why_stale
from tests.grown_lake import GrownLake

JOBS = {job.name: job for job in PIPELINE}


def seen(**clean_text: Any) -> dict[str, str]:
    params = {job.name: job.params() for job in PIPELINE}
    params["clean_text"] = JOBS["clean_text"].params.model_validate(clean_text)
    sources = (Source(name="faq", path="faq.csv", format="text"),)
    recipe = Recipe("r.yaml", "d", "lake", Tracking(), sources, params)
    scope = Scope(Mock(), recipe, all_fingerprints(PIPELINE, recipe), {job.writes.name: job.name for job in PIPELINE})
    lake = SimpleNamespace(exists=lambda table: False)
    context: Any = SimpleNamespace(scope=scope, files=[], run_id="r", lake=lake, recipe=recipe, looked={})
    assert fingerprint_seen(context, JOBS["ingest_records"]) == flat(scope.fingerprints["ingest_records"])
    return {name: fingerprint_seen(context, job) for name, job in JOBS.items()}


def test_going_back_to_an_earlier_cleaning_gives_work_to_whoever_sees_documents() -> None:
    """Signatures hang on documents alone; but which documents are current depends on the cleaning."""
    one, other = seen(min_chars=1), seen(min_chars=9)
    assert {name for name in JOBS if one[name] == other[name]} == {"list_files", "ingest_records"}
    assert seen(min_chars=1) == one and seen(min_chars=1, tasks=3) == one


@pytest.mark.spark
@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("check_gates", "--from check_gates: select_examples is due before it .* Run from select_examples"),
        ("write_dataset", "--from write_dataset: select_examples is due before it"),
    ],
)
def test_a_run_cannot_begin_behind_a_verdict_that_is_missing(
    spark: SparkSession, grown_lake: GrownLake, first: str, said: str
) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, ["check_gates.repair=0.5"])
    with pytest.raises(ConfigError, match=said):
        run_recipe(spark, recipe, PIPELINE, first=first, say=lambda _: None)


@pytest.mark.spark
def test_a_table_that_was_made_anew_gives_its_job_work(spark: SparkSession, grown_lake: GrownLake) -> None:
    """Somebody has deleted it and put another in its place, with the same number of commits perhaps."""
    context = look(grown_lake.lake, grown_lake.recipe, PIPELINE)
    assert [job.name for job in PIPELINE if why_stale(context, job)] == []
    opened = context.lake.opened["documents"]
    context.lake.opened["documents"] = replace(opened, id="another")
    try:
        stale = {job.name: why for job in PIPELINE if (why := why_stale(context, job))}
    finally:
        context.lake.opened["documents"] = opened
    assert stale == {"collect_documents": "table documents is not the one it wrote"}


@pytest.mark.spark
def test_resplit_needs_the_job_that_draws(spark: SparkSession, grown_lake: GrownLake) -> None:
    before = grown_lake.ask("SELECT * FROM splits ORDER BY document_id")
    with pytest.raises(ConfigError, match="--resplit: assign_splits is not among group_duplicates to publish_dataset"):
        run_recipe(spark, grown_lake.recipe, PIPELINE, first="group_duplicates", resplit=True, say=lambda _: None)
    assert grown_lake.ask("SELECT * FROM splits ORDER BY document_id") == before


@pytest.mark.spark
def test_a_threshold_below_the_lakes_is_refused(spark: SparkSession, grown_lake: GrownLake) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, ["group_duplicates.threshold=0.4"])
    with pytest.raises(ConfigError, match=r"group_duplicates: threshold is 0.4, but the lake matches .* from 0.5 up"):
        run_recipe(spark, recipe, PIPELINE, say=lambda _: None)
