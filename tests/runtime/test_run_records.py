"""What real runs leave: their runs in MLflow, their manifest, tables that others can read."""

import json
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from jobs.pipeline import PIPELINE
from jobs.runtime.code_version import code_digest, code_version
from schemas.job_runs import JOB_RUNS
from tests.grown_lake import GrownLake

# Those that the recipe gives something to do.
WORKING = [job for job in PIPELINE if job.idle is None]


@pytest.fixture(scope="module")
def tracked(grown_lake: GrownLake) -> dict[str, Run]:
    """The MLflow runs of the third version, by name."""
    client = MlflowClient(grown_lake.mlflow)
    experiment = client.get_experiment_by_name("sluice")
    assert experiment is not None
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


@pytest.mark.spark
def test_a_parent_run_with_a_child_for_each_job(grown_lake: GrownLake, tracked: dict[str, Run]) -> None:
    parent = tracked["grown"]
    assert (parent.info.status, parent.data.tags["sluice.code_version"]) == ("FINISHED", code_version())
    rows = {row["job"]: row for row in grown_lake.ask("SELECT * FROM job_runs") if row["run_id"] == newest(grown_lake)}
    assert parent.data.tags["sluice.run"] == newest(grown_lake) and rows.keys() == {job.name for job in PIPELINE}
    for job in WORKING:
        child, row = tracked[job.name], rows[job.name]
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert (child.info.status, child.data.tags["sluice.status"]) == ("FINISHED", row["status"])
        assert child.data.params.keys() == {"fingerprint", "params", "code_version", "recipe_digest"}
        assert json.loads(child.data.params["params"]) == json.loads(row["params"])
        assert child.data.metrics["rows_out"] == row["rows_out"]
        assert child.data.tags[f"output_version.{job.writes.name}"] == str(row["output_version"])
        read = {table.name for table in job.reads if table != job.writes and table in {one.writes for one in WORKING}}
        assert {f"input_version.{name}" for name in read} <= child.data.tags.keys()


@pytest.mark.spark
def test_versions_that_mlflow_missed_are_logged_by_the_run_that_reaches_it(
    grown_lake: GrownLake, tracked: dict[str, Run]
) -> None:
    manifests = {row["dataset_version"]: row for row in grown_lake.ask("SELECT * FROM dataset_versions")}
    names = {1: "grown v1 (logged late)", 2: "grown v2 (logged late)", 3: "grown"}
    for version, name in names.items():
        inputs = tracked[name].inputs
        assert inputs is not None
        found = {one.dataset.name: one.dataset for one in inputs.dataset_inputs}
        counts = manifests[version]["split_counts"]
        assert found.keys() == {f"grown v{version} {split}" for split in counts}
        for split, rows in counts.items():
            logged = found[f"grown v{version} {split}"]
            assert logged.digest == manifests[version]["content_digest"]
            assert json.loads(str(logged.profile)) == {"num_rows": rows}


@pytest.mark.spark
def test_a_manifest_names_all_that_made_the_version(grown_lake: GrownLake) -> None:
    last = grown_lake.ask("SELECT * FROM dataset_versions WHERE dataset_version = 3")[0]
    assert last["code_version"] == code_version()
    assert last["recipe_digest"] == grown_lake.tracked().digest()
    made = {job.name for job in WORKING[:-1]}
    assert {name.split("/")[0] for name in last["fingerprints"]} >= made - {"list_files", "ingest_records"}
    log = Path(grown_lake.recipe.tables) / "dataset_examples" / "_delta_log"
    assert last["table_versions"]["dataset_examples"] == len(list(log.glob("*.json"))) - 1
    written = {job.writes for job in WORKING}
    assert {table.name for job in WORKING[:-2] for table in job.reads if table in written} <= last[
        "table_versions"
    ].keys()


def newest(grown_lake: GrownLake) -> str:
    return str(grown_lake.ask("SELECT max(run_id) FROM job_runs")[0][0])


@pytest.mark.spark
def test_no_table_asks_for_a_feature_that_other_readers_lack(grown_lake: GrownLake) -> None:
    """The protocol as each table's own log has it: deletion vectors, column mapping and the like would show here."""
    for table in (*dict.fromkeys(job.writes for job in WORKING), JOB_RUNS):
        log = sorted((Path(grown_lake.recipe.tables) / table.name / "_delta_log").glob("*.json"))
        actions = [json.loads(line) for entry in log for line in entry.read_text(encoding="utf-8").splitlines()]
        protocols = [action["protocol"] for action in actions if "protocol" in action]
        assert protocols[-1].keys() == {"minReaderVersion", "minWriterVersion"}, table.name
        assert protocols[-1]["minReaderVersion"] == 1 and protocols[-1]["minWriterVersion"] <= 3, table.name
        assert not any(action["add"].get("deletionVector") for action in actions if "add" in action)


def test_edited_code_is_other_code(tmp_path: Path) -> None:
    package = tmp_path / "jobs"
    package.mkdir()
    (package / "one.py").write_text("x = 1\n")
    (package / "notes.txt").write_text("any\n")
    before = code_digest([package])
    (package / "notes.txt").write_text("other\n")
    assert code_digest([package]) == before
    (package / "one.py").write_text("x = 2\n")
    assert code_digest([package]) != before
