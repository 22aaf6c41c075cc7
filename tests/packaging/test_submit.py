"""spark-submit on two executors, from another folder: the whole pipeline, with the dataset of a local run.

The Python of driver and executors does not see the checkout: what runs there came by --py-files.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from jobs.pipeline import PIPELINE
from jobs.runtime.session import DELTA_SQL
from tests.packaging.submitting import CONF, ROOT, Submitter

BUCKET = "recipes"


@dataclass(frozen=True)
class Project:
    """A folder with two sources and their recipe."""

    folder: Path

    def recipe(self, lake: str) -> dict[str, Any]:
        """The recipe with a lake of its own; the language model is an asset, which executors must get."""
        raw = self.folder / "raw"
        faq = {"prompt": "q", "response": "a", "label": "topic"}
        return {
            "dataset": "tiny",
            "tables": str(self.folder / lake),
            "tracking": {"uri": f"sqlite:///{self.folder}/mlflow.db"},
            "sources": [
                {"name": "notes", "path": f"{raw}/notes.txt", "format": "text", "label": "note"},
                {"name": "faq", "path": f"{raw}/faq.jsonl", "format": "json", "key": "id", "fields": faq},
            ],
            "assign_splits": {"train": 0.6, "val": 0.2, "test": 0.2},
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Forty notes and forty questions; two of these are one text with two labels, so neither is published."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "raw").mkdir()
    notes = [f"Note {n}: the meter in flat {n * 7} was read by hand on day {n}." for n in range(40)]
    pairs = [
        {"id": n, "q": f"How do I do thing {n % 39}?", "a": f"Open page {n % 39 * 3}.", "topic": "ab"[n % 2]}
        for n in range(40)
    ]
    (folder / "raw" / "notes.txt").write_text("".join(f"{note}\n" for note in notes), encoding="utf-8")
    (folder / "raw" / "faq.jsonl").write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs), encoding="utf-8")
    return Project(folder)


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """The environment of an object store on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        **region,
    }
    server.stop()


def put(store: dict[str, str], name: str, text: str) -> str:
    """Store a file and return its URI."""
    client = boto3.client(
        "s3", endpoint_url=store["AWS_ENDPOINT_URL"], aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key=name, Body=text.encode())
    return f"s3a://{BUCKET}/{name}"


def digest(ran: "subprocess.CompletedProcess[str]") -> str:
    """The content digest that a run published, from its JSON lines."""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    (version,) = [line for line in lines if line["event"] == "version"]
    assert version["dataset_version"] == 1 and version["num_examples"] == 78
    return str(version["content_digest"])


@pytest.fixture(scope="module")
def local_digest(project: Project) -> str:
    """What `sluice run` publishes on this machine alone."""
    recipe = project.folder / "local.yaml"
    recipe.write_text(yaml.safe_dump(project.recipe("local_lake")), encoding="utf-8")
    command = [sys.executable, "-m", "jobs.main", "run", str(recipe), "--log-format", "json"]
    environment = {**os.environ, "SLUICE_MASTER": "local[2]", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=project.folder, env=environment, text=True, capture_output=True, check=False)
    events = [json.loads(line)["event"] for line in ran.stdout.splitlines()]  # nothing but objects
    assert (events[0], events.count("job"), events[-1]) == ("start", len(PIPELINE), "end"), ran.stderr
    return digest(ran)


@pytest.mark.by_hand
@pytest.mark.network
def test_the_wheel_with_a_local_recipe(wheel: Path, project: Project, submit: Submitter, local_digest: str) -> None:
    recipe = project.folder / "wheel.yaml"
    recipe.write_text(yaml.safe_dump(project.recipe("wheel_lake")), encoding="utf-8")
    assert digest(submit(wheel, "run", str(recipe), "--log-format", "json")) == local_digest
    (model,) = (project.folder / "wheel_lake" / "_assets").rglob("model-*.ftz")
    assert model.stat().st_size == 938_013


@pytest.mark.by_hand
@pytest.mark.network
def test_the_zip_with_a_recipe_in_a_store_in_two_steps(
    zipped: Path, project: Project, submit: Submitter, local_digest: str, store: dict[str, str]
) -> None:
    uri = put(store, "tiny.yaml", yaml.safe_dump(project.recipe("zip_lake")))
    first = submit(zipped, "run", uri, "--from", "list_files", "--to", "clean_text", store=store)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"tiny ({uri})" in first.stdout
    second = submit(zipped, "run", uri, "--from", "collect_documents", "--log-format", "json", store=store)
    assert digest(second) == local_digest


@pytest.mark.by_hand
def test_exit_codes_and_what_is_lacking_are_told(
    zipped: Path, project: Project, submit: Submitter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "relative.yaml"
    recipe.write_text(yaml.safe_dump(project.recipe("x") | {"tables": "lake"}), encoding="utf-8")
    assert submit(zipped, "run", "nosuch.yaml").returncode == 2
    for key in DELTA_SQL:
        monkeypatch.delitem(CONF, key)
    ran = submit(zipped, "run", str(recipe))
    assert ran.returncode == 2
    said = "error: this Spark session has no Delta. Submit with --conf spark.sql.extensions=io.delta"
    assert said in ran.stdout, "spark-submit gives both streams of a Python program to its own output"
