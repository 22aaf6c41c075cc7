"""Tracking in a real MLflow store: what a run leaves there, and what happens when there is none."""

import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from jobs.runtime.execute import Outcome
from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.tracking import start

MANIFEST = {
    "dataset": "faq",
    "dataset_version": 2,
    "content_digest": "0123456789abcdef" * 2,
    "split_counts": {"train": 90, "val": 4, "test": 6},
    "table_versions": {"dataset_examples": 7, "splits": 3},
}


PLACE = "/lake/dataset_examples"


def recipe(uri: str) -> Recipe:
    return Recipe("faq.yaml", "faq", "lake", Tracking(uri=uri, experiment="trial"), (), {})


def test_a_run_its_jobs_and_the_splits_it_published(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    warned: list[str] = []
    tracker = start(recipe(uri), "/lake", "run-1", "0.1.0+abc", warned.append)
    done = Outcome("clean_text", "done", 1.5, 2.5, rows_in=9, rows_out=8, dropped={"too_short": 1, "rule:has_text": 2})
    tracker.job(done, {"fingerprint": "f1"}, {"input_version.raw_records": 3})
    tracker.job(Outcome("check_gates", "refused"), {}, {})
    assert tracker.versions("faq", PLACE) == set()
    tracker.version(MANIFEST, PLACE, on_parent=True)
    assert tracker.versions("faq", PLACE) == {(2, MANIFEST["content_digest"])}
    assert tracker.versions("chats", PLACE) == tracker.versions("faq", "/other/dataset_examples") == set()
    tracker.end("FAILED")
    assert warned == []

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("trial")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    parent, child = runs["faq"], runs["clean_text"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.metrics == {
        **{"rows_in": 9, "rows_out": 8, "seconds": 1.5, "cpu_seconds": 2.5},
        **{"dropped_too_short": 1, "dropped_rule_has_text": 2},
    }
    assert child.data.params == {"fingerprint": "f1"} and child.data.tags["input_version.raw_records"] == "3"
    statuses = {name: run.info.status for name, run in runs.items()}
    assert statuses == {"faq": "FAILED", "clean_text": "FINISHED", "check_gates": "FAILED"}

    assert parent.inputs is not None
    found = {one.dataset.name: one for one in parent.inputs.dataset_inputs}
    assert set(found) == {"faq v2 train", "faq v2 val", "faq v2 test"}
    test = found["faq v2 test"]
    assert test.dataset.digest == MANIFEST["content_digest"] and len(test.dataset.digest) <= 36
    where = "dataset = 'faq' AND dataset_version = 2 AND split = 'test'"
    expected = {"path": "/lake/dataset_examples", "delta_table_version": 7, "filter": where}
    assert json.loads(str(test.dataset.source)) == expected
    assert json.loads(str(test.dataset.profile)) == {"num_rows": 6}
    assert "document_id" in str(test.dataset.schema)
    assert [(tag.key, tag.value) for tag in test.tags] == [("mlflow.data.context", "testing")]


def test_a_version_that_no_run_logged_is_logged_by_the_next(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    tracker = start(recipe(uri), "/lake", "run-2", "0", lambda _: None)
    tracker.version(MANIFEST, "/lake/dataset_examples", on_parent=False)
    tracker.version(MANIFEST | {"dataset_version": 3}, "/lake/dataset_examples", on_parent=True)
    tracker.end("FINISHED")
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("trial")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert {name: run.data.tags["sluice.dataset_version"] for name, run in runs.items()} == {
        "faq v2 (logged late)": "2",
        "faq": "3",
    }
    late = runs["faq v2 (logged late)"]
    assert late.data.tags["mlflow.parentRunId"] == runs["faq"].info.run_id and late.info.status == "FINISHED"
    assert late.inputs is not None and len(late.inputs.dataset_inputs) == 3


def test_runs_of_this_lake_that_a_kill_left_open_are_closed_by_the_next(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    for lake, run in (("/lake", "killed"), ("/other", "alive")):
        start(recipe(uri), lake, run, "0", lambda _: None)
    start(recipe(uri), "/lake", "next", "0", lambda _: None)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("trial")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    statuses = {run.data.tags["sluice.run"]: run.info.status for run in runs}
    assert statuses == {"killed": "KILLED", "alive": "RUNNING", "next": "RUNNING"}


@pytest.mark.parametrize("uri", ["nowhere://user:secret@at.all", "http://user:secret@127.0.0.1:9"])
def test_no_mlflow_is_one_warning_without_secrets(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    warned: list[str] = []
    tracker = start(recipe(uri), "/lake", "run-1", "0", warned.append)
    tracker.job(Outcome("clean_text", "done"), {}, {})
    tracker.version(MANIFEST, "/lake", on_parent=True)
    assert tracker.versions("faq", PLACE) is None
    tracker.end("FINISHED")
    (warning,) = warned
    assert "cannot be used" in warning and "Mend `tracking.uri`" in warning and "secret" not in warning
