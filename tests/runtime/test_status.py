"""Status tells rows, staleness by the rule of `run`, and the versions."""

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime.recipe import load_recipe
from jobs.runtime.show import show_status
from jobs.runtime.status import JobStatus, Status, status_of
from tests.grown_lake import GrownLake, files_in


@pytest.mark.spark
def test_all_is_up_to_date_after_a_run(grown_lake: GrownLake, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_in(grown_lake.folder)
    status = status_of(grown_lake.lake.spark, grown_lake.recipe, PIPELINE)
    assert [(job.job, job.stale) for job in status.jobs if job.stale or job.behind] == []
    rows = {job.job: (job.rows, job.of) for job in status.jobs}
    assert rows["publish_dataset"] == (3, "dataset")
    assert rows["write_dataset"] == (52 + 54 + 52, "dataset")
    assert rows["clean_text"][1] == "sources" and rows["collect_documents"][1] == "lake"
    asked = [job for job in status.jobs if job.idle is None]
    assert all(job.version is not None and job.finished_at and job.seconds for job in asked)
    assert [(row["dataset_version"], row["num_examples"]) for row in status.versions] == [(1, 52), (2, 54), (3, 52)]
    show_status("grown", status)
    assert "publish_dataset" in capsys.readouterr().out
    assert {job.job: job.idle for job in status.jobs}["embed_text"] == "no model is named"
    assert files_in(grown_lake.folder) == before


@pytest.mark.spark
def test_changed_files_make_all_wait_for_them(grown_lake: GrownLake) -> None:
    more = grown_lake.folder / "beta" / "more.jsonl"
    more.write_text("{}\n")
    jobs = status_of(grown_lake.lake.spark, grown_lake.recipe, PIPELINE).jobs
    more.unlink()
    assert jobs[0].stale == "sources, recipe or code changed"
    assert {job.behind for job in jobs[1:] if job.idle is None} == {"list_files"}


@pytest.mark.spark
def test_a_source_that_is_not_there_hides_nothing_else(grown_lake: GrownLake) -> None:
    alpha, away = grown_lake.folder / "alpha.csv", grown_lake.folder / "away.csv"
    alpha.rename(away)
    status = status_of(grown_lake.lake.spark, grown_lake.recipe, PIPELINE)
    away.rename(alpha)
    assert status.jobs[0].stale == "its sources cannot be listed" and len(status.versions) == 3
    assert str(status.fault).startswith(f"source alpha: {alpha} does not exist (looked in ")


def test_why_sources_cannot_be_listed_is_said_whole(capsys: pytest.CaptureFixture[str]) -> None:
    fault = f"source [/x]: {'a long path/' * 20}[a-z]*.csv does not exist"
    job = JobStatus("list_files", 3, "sources", 1, "its sources [/cannot] be listed", None, None, None)
    show_status("faq", Status([job], [], fault))
    assert f"\n{fault}\n" in capsys.readouterr().out


@pytest.mark.spark
def test_a_changed_parameter_makes_its_job_stale_and_others_wait(grown_lake: GrownLake) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, ["infer_labels.multi_label=true"])
    jobs = {job.job: job for job in status_of(grown_lake.lake.spark, recipe, PIPELINE).jobs}
    assert jobs["infer_labels"].stale == "recipe or code changed"
    assert (jobs["find_leaks"].stale, jobs["find_leaks"].behind) == (None, None)
    assert jobs["publish_dataset"].stale is not None or jobs["publish_dataset"].behind is not None


@pytest.mark.spark
def test_a_dataset_that_never_ran_has_stale_jobs_and_no_version(grown_lake: GrownLake, tmp_path: object) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, (), f"{tmp_path}/lake")
    status = status_of(grown_lake.lake.spark, recipe, PIPELINE)
    assert {job.stale or job.idle for job in status.jobs if not job.idle} == {"never finished"}
    assert status.versions == []
