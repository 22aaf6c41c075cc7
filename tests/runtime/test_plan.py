"""A plan writes nothing, is exact as far as the tables tell, and never understates."""

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import load_recipe
from tests.grown_lake import GrownLake


@pytest.mark.spark
def test_a_plan_writes_nothing_also_where_no_lake_is(grown_lake: GrownLake) -> None:
    assert grown_lake.unplanned == [True, True, True]


@pytest.mark.spark
def test_files_are_counted_exactly_and_their_rows_read(grown_lake: GrownLake) -> None:
    first, second, third = ({job.job: job for job in plan} for plan in grown_lake.plans)
    assert [(first[job].rows, first[job].exact) for job in ("list_files", "ingest_records")] == [(3, True), (60, False)]
    # beta drops what vanishes, so a new file makes it read whole: alpha.csv and three files.
    assert (second["list_files"].rows, second["list_files"].exact) == (4, True)
    assert second["list_files"].reason == "sources, recipe or code changed"
    assert (second["ingest_records"].rows, second["ingest_records"].exact) == (31 + 27 + 3 + 3, False)
    assert third["list_files"].rows == 5


@pytest.mark.spark
def test_no_bound_is_below_what_the_run_did(grown_lake: GrownLake) -> None:
    for plan, run in zip(grown_lake.plans, grown_lake.runs, strict=True):
        for planned, done in zip(plan, run, strict=True):
            assert planned.job == done.job
            worked = done.rows_in if done.rows_in is not None else 0
            assert (planned.rows is not None and worked <= planned.rows) or done.status in ("skipped", "idle"), planned


@pytest.mark.spark
def test_when_nothing_changed_nothing_is_planned(grown_lake: GrownLake) -> None:
    plan = plan_recipe(grown_lake.lake.spark, grown_lake.recipe, PIPELINE)
    assert [job.job for job in plan if job.rows is not None] == []


@pytest.mark.spark
def test_the_first_stale_job_is_exact_and_those_behind_it_bounded(grown_lake: GrownLake) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, ["group_duplicates.threshold=0.9"])
    plan = {job.job: job for job in plan_recipe(grown_lake.lake.spark, recipe, PIPELINE)}
    documents = grown_lake.ask("SELECT count(DISTINCT document_id) AS n FROM current_records")[0]["n"]
    assert plan["assign_splits"].rows is None
    assert (plan["group_duplicates"].rows, plan["group_duplicates"].exact) == (documents, True)
    assert (plan["find_leaks"].rows, plan["infer_labels"].rows) == (None, None)
    behind = [plan[name] for name in ("select_examples", "check_gates", "write_dataset", "publish_dataset")]
    assert all(job.rows is not None and job.rows >= documents and not job.exact for job in behind)
