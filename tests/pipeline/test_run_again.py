"""A lake that is run again: nothing changes without a cause, plans are what runs then do, a refusal stays one."""

import shutil
from pathlib import Path

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime.cli import main
from jobs.runtime.errors import ConfigError
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import load_recipe
from jobs.runtime.run import run_recipe
from tests.grown_lake import GrownLake, files_in


@pytest.fixture(scope="module")
def copy(grown_lake: GrownLake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grown lake once more, for runs that may write; the tests below go through it in their order."""
    folder = tmp_path_factory.mktemp("again") / "lake"
    shutil.copytree(grown_lake.recipe.tables, folder)
    return folder


def commits(lake: Path) -> dict[str, list[str]]:
    """The log entries of every table."""
    return {log.parent.name: sorted(entry.name for entry in log.glob("*.json")) for log in lake.glob("*/_delta_log")}


@pytest.mark.spark
def test_a_second_run_changes_no_table(grown_lake: GrownLake, copy: Path) -> None:
    before = commits(copy)
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, tables=str(copy))
    context = run_recipe(grown_lake.lake.spark, recipe, PIPELINE, say=lambda _: None)
    assert {outcome.status for outcome in context.outcomes} == {"skipped"}
    changed = {name for name, entries in commits(copy).items() if entries != before[name]}
    assert changed == {"job_runs", "leases"}


@pytest.mark.spark
def test_a_refused_draft_is_never_published(
    grown_lake: GrownLake,
    copy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One of two linked examples is moved by hand to another split, and the recipe allows no such repair."""
    spark = grown_lake.lake.spark
    near = grown_lake.ask("""
        SELECT s.document_id, s.split, m.matches[0].document_id AS other_id FROM splits s
        JOIN duplicate_matches m ON m.document_id = s.document_id WHERE size(m.matches) = 1
        ORDER BY s.document_id LIMIT 1""")[0]
    other = "train" if near["split"] == "test" else "test"
    spark.sql(f"UPDATE delta.`{copy}/splits` SET split = '{other}' WHERE document_id = '{near['document_id']}'")
    monkeypatch.chdir(tmp_path)
    published = commits(copy)["dataset_versions"]
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            main(["run", grown_lake.recipe.path, "--tables", str(copy), "--set", "check_gates.repair=0"])
        assert end.value.code == 3
        said = capsys.readouterr().err
        assert "draft 4 is refused" in said and near["document_id"] in said and near["other_id"] in said
    assert commits(copy)["dataset_versions"] == published


@pytest.mark.spark
@pytest.mark.parametrize(
    ("override", "job"),
    [
        ("select_examples.order=[newest]", "select_examples"),
        ("infer_labels.multi_label=true", "infer_labels"),
        ("clean_text.min_chars=4", "clean_text"),
    ],
)
def test_the_first_stale_job_works_what_was_planned(grown_lake: GrownLake, copy: Path, override: str, job: str) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, [override], str(copy))
    plan = plan_recipe(grown_lake.lake.spark, recipe, PIPELINE)
    first = next(planned for planned in plan if planned.rows is not None)
    context = run_recipe(grown_lake.lake.spark, recipe, PIPELINE, job, job, say=lambda _: None)
    (done,) = context.outcomes
    # A job that asks for no list of documents knows only how many it wrote a row for.
    worked = done.rows_out if done.rows_in is None else done.rows_in
    assert (first.job, first.rows, first.exact) == (job, worked, True)


@pytest.mark.spark
def test_a_plan_from_the_middle_is_refused_where_the_run_is(grown_lake: GrownLake, copy: Path) -> None:
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, ["clean_text.min_chars=3"], str(copy))
    with pytest.raises(ConfigError, match="--from select_examples: clean_text is due before it"):
        plan_recipe(grown_lake.lake.spark, recipe, PIPELINE, "select_examples")


@pytest.mark.spark
def test_a_gate_judges_anew_only_what_is_selected_anew(grown_lake: GrownLake, tmp_path: Path) -> None:
    """A published draft is gone: judging nothing would publish an empty version."""
    shutil.copytree(grown_lake.recipe.tables, tmp_path / "lake")
    recipe = load_recipe(grown_lake.recipe.path, PIPELINE, ["check_gates.repair=0.5"], str(tmp_path / "lake"))
    before = files_in(tmp_path)
    plan = {job.job: job for job in plan_recipe(grown_lake.lake.spark, recipe, PIPELINE)}
    assert plan["select_examples"].rows is not None and files_in(tmp_path) == before
    context = run_recipe(grown_lake.lake.spark, recipe, PIPELINE, say=lambda _: None)
    done = {outcome.job: outcome for outcome in context.outcomes}
    assert done["select_examples"].rows_out > 0
    assert (done["publish_dataset"].status, context.scope.published().count()) == ("skipped", 3)
