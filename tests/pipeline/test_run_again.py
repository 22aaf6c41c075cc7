"""A lake that is run again: nothing changes without a cause, plans are what runs then do, a refusal stays one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.cli import main
from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import Recipe, load_recipe
from jobs.runtime.run import run_recipe
from tests.grown_lake import files_in

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module", autouse=True)
def folder(faq_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The README's example once more, as the working folder: the tests below change it in their order."""
    made = tmp_path_factory.mktemp("again")
    shutil.copytree(faq_lake.parent, made, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.setenv("MLFLOW_TRACKING_URI", "nowhere://at.all")
        yield made


def recipe(*overrides: str) -> Recipe:
    return load_recipe("recipe.yaml", PIPELINE, overrides)


def run(spark: SparkSession, recipe: Recipe, job: str | None = None) -> Context:
    return run_recipe(spark, recipe, PIPELINE, job, job, say=lambda _: None)


def commits(folder: Path) -> dict[str, list[str]]:
    """The log entries of every table."""
    logs = folder.glob("lake/*/_delta_log")
    return {log.parent.name: sorted(entry.name for entry in log.glob("*.json")) for log in logs}


def test_a_second_run_changes_no_table(spark: SparkSession, folder: Path) -> None:
    before = commits(folder)
    done = {outcome.job: outcome.rows_out for outcome in run(spark, recipe()).outcomes if outcome.status == "done"}
    assert done == {"list_files": 0}  # the folder has moved, so its files are looked at
    changed = {name for name, entries in commits(folder).items() if entries != before[name]}
    assert changed == {"job_runs", "leases"}


def test_a_gate_judges_anew_only_what_is_selected_anew(spark: SparkSession, folder: Path) -> None:
    """A published draft is gone: judging nothing would publish an empty version."""
    other = recipe("check_gates.repair=0.5")
    before = files_in(folder)
    plan = {job.job: job for job in plan_recipe(spark, other, PIPELINE)}
    assert plan["select_examples"].rows is not None and files_in(folder) == before
    context = run(spark, other)
    done = {outcome.job: outcome for outcome in context.outcomes}
    assert done["select_examples"].rows_out == plan["select_examples"].rows
    assert (done["publish_dataset"].status, context.scope.published().count()) == ("skipped", 1)


def test_a_refused_draft_is_never_published(
    spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two linked examples is moved by hand to another split, and the recipe allows no such repair."""
    matches = spark.read.format("delta").load(f"{folder}/lake/duplicate_matches").where("size(matches) = 1")
    near, other = matches.selectExpr("document_id", "matches[0].document_id").collect()[0]
    spark.sql(f"UPDATE delta.`{folder}/lake/splits` SET split = 'train' WHERE document_id = '{near}'")
    published = commits(folder)["dataset_versions"]
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            main(["run", "recipe.yaml", "--set", "check_gates.repair=0"])
        assert end.value.code == 3
        said = capsys.readouterr().err
        assert "draft 2 is refused" in said and near in said and other in said
    assert commits(folder)["dataset_versions"] == published


@pytest.mark.parametrize(
    ("override", "job"),
    [
        ("select_examples.order=[newest]", "select_examples"),
        ("infer_labels.multi_label=true", "infer_labels"),
        ("clean_text.min_chars=4", "clean_text"),
    ],
)
def test_the_first_stale_job_works_what_was_planned(spark: SparkSession, override: str, job: str) -> None:
    plan = plan_recipe(spark, recipe(override), PIPELINE)
    first = next(planned for planned in plan if planned.rows is not None)
    (done,) = run(spark, recipe(override), job).outcomes
    # A job that asks for no list of documents knows only how many it wrote a row for.
    worked = done.rows_out if done.rows_in is None else done.rows_in
    assert (first.job, first.rows, first.exact) == (job, worked, True)


def test_a_plan_from_the_middle_is_refused_where_the_run_is(spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match="--from select_examples: clean_text is due before it"):
        plan_recipe(spark, recipe("clean_text.min_chars=3"), PIPELINE, "select_examples")
