"""Places that a run writes: disks, stores and MLflow are tried, and left as they were."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from jobs.runtime.findings import Finding
from tests.checked import DEAD, call, findings, folder, source, tree, write  # noqa: F401  # a fixture
from tests.object_store import failing_store, store  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder that not even root can write")
def test_a_lake_that_cannot_be_written() -> None:
    found = findings(tables="/proc/sluice-lake", tracking={"uri": "sqlite:////proc/mlflow.db"})
    assert {found["tables"].state, found["tracking"].state} == {"no access"}
    assert "/proc/sluice-lake cannot be written: " in found["tables"].said and "rights there" in found["tables"].said
    Path("lake/documents").mkdir(parents=True)
    Path("lake/documents/_delta_log").symlink_to("/proc/self")
    assert findings()["tables"].state == "no access"


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="a file that not even root can read")
def test_a_model_that_cannot_be_read() -> None:
    found = findings(clean_text={"language_model": "/proc/self/mem"})
    assert found["model clean_text.language_model"].state == "no access"


def test_a_lake_that_is_there_is_left_as_it_is() -> None:
    Path("lake/documents/_delta_log").mkdir(parents=True)
    write()
    before = tree()
    assert findings()["tables"].said == f"{Path.cwd()}/lake: can be written, 1 table"
    assert tree() == before


def test_a_relative_lake_on_a_cluster(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SLUICE_MASTER", "spark://host:7077")
    assert call("check", write(assets="shared")) == 2
    said = capsys.readouterr().out
    assert "tables: lake is a relative path" in said.replace("wrong      tables      ", "tables: ")
    assert "wrong      assets" in said


def test_a_store(store: Any) -> None:  # noqa: F811
    bucket = store.create_bucket(Bucket="checked")
    for number in range(20):
        bucket.put_object(Key=f"raw/{number}.txt", Body=b"one\n")
    before = {one.key for one in bucket.objects.all()}
    found = findings(source("texts", "s3://checked/raw"), tables="s3a://checked/lake")
    assert found["source texts"].said == "s3://checked/raw: 20 files, 80 bytes (7 of them opened)"
    assert found["tables"].state == "ok"
    # pyarrow marks the folder of what it deletes, as consoles do; no file stays.
    assert {one.key for one in bucket.objects.all()} - before == {"lake/"}
    gone = findings(source("texts", "s3://checked/other"), tables="s3://nosuch/lake")
    assert gone["source texts"].state == "missing" and gone["tables"].state == "no access"
    assert "s3://nosuch/lake cannot be written: " in gone["tables"].said


def test_a_store_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing_store(monkeypatch, b"", status=403):
        found = findings(source("texts", "s3://checked/raw"), tables="s3://checked/lake")
    assert {found["source texts"].state, found["tables"].state} == {"no access"}


def test_a_lake_that_only_spark_knows() -> None:
    found = findings(tables="wasbs://user:hidden@account/lake")["tables"]
    assert found.state == "not tried" and "hidden" not in found.said


def test_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect("mlflow.db") as database:
        database.execute("CREATE TABLE runs (a)")
    before = Path("mlflow.db").read_bytes()
    assert findings()["tracking"] == Finding("tracking", "ok", "sqlite:///mlflow.db: can be written")
    assert Path("mlflow.db").read_bytes() == before and not list(Path().glob("mlflow.db-*"))
    Path("text.db").write_text("no database, but long enough to be taken for one: " * 3)
    assert findings(tracking={"uri": "sqlite:///text.db"})["tracking"].said.startswith(
        "MLflow at sqlite:///text.db cannot be used: file is not a database; the run goes on without tracking."
    )
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = findings(tracking={"uri": DEAD.replace("//", "//user:hidden@")})["tracking"]
    assert server.state == "no access" and "hidden" not in server.said
