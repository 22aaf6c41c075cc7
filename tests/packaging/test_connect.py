"""One wheel on one machine, on two executors and through Spark Connect: the same digests, the same splits.

No Python but that of the command has the wheel: executors get it by --py-files, the server's by the session.
"""

import csv
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable

from tests.packaging.submitting import ROOT, Submitter, start_server

RECIPES = ("faq.yaml", "bank.yaml")
START_SECONDS = 120
SPLITS = ("document_id", "split", "leak_group_id")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """The example of README, and 3,080 real questions to a bank with their intents, in one lake."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "raw").mkdir()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for kind, name in (("csv", "raw/faq.csv"), ("yaml", "faq.yaml")):
        (folder / name).write_text(readme.split(f"```{kind}\n")[1].split("```")[0], encoding="utf-8")
    bank: dict[str, Any] = {"name": "bank", "path": "raw/bank.jsonl", "format": "json", "fields": {"text": "text"}}
    bank["fields"]["label"] = "category"
    recipe = {"dataset": "bank", "tables": "lake", "sources": [bank]}
    (folder / "bank.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with (shared_data / "intents_banking77" / "test.csv").open(encoding="utf-8", newline="") as rows:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in csv.DictReader(rows)]
    assert len(lines) == 3_080
    (folder / "raw" / "bank.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(bare_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What SPARK_REMOTE is to be for a server whose Python does not see the checkout."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    process = start_server(bare_python, port, folder)
    try:
        _wait(process, port, folder / "server.log")
        yield f"sc://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(START_SECONDS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        time.sleep(1)
    raise TimeoutError(log.read_text(encoding="utf-8")[-2000:])


def sluice(python: Path, wheel: Path, folder: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The command as the wheel alone has it."""
    environment = {**os.environ, "PYTHONPATH": str(wheel), **env}
    command = [str(python), "-m", "jobs.main", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def published(ran: "subprocess.CompletedProcess[str]", lake: Path) -> dict[str, Any]:
    """The content digest of each dataset, and the split and leak group of each document."""
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    versions = {line["dataset"]: line["content_digest"] for line in lines if line["event"] == "version"}
    splits = DeltaTable(str(lake / "splits")).to_pyarrow_table(columns=list(SPLITS)).to_pylist()
    return versions | {"splits": sorted(tuple(row[name] for name in SPLITS) for row in splits)}


@pytest.mark.by_hand
@pytest.mark.network
@pytest.mark.shared
def test_one_wheel_gives_one_dataset_however_spark_is_reached(
    wheel: Path, bare_python: Path, folder: Path, server: str
) -> None:
    lakes = {name: folder / name for name in ("local", "cluster", "connect")}
    run = {name: ("run", *RECIPES, "--tables", str(lake), "--log-format", "json") for name, lake in lakes.items()}
    ran = {
        "local": sluice(bare_python, wheel, folder, *run["local"], SLUICE_MASTER="local[2]"),
        "cluster": Submitter(bare_python, folder)(wheel, *run["cluster"]),
        "connect": sluice(bare_python, wheel, folder, *run["connect"], SPARK_REMOTE=server),
    }
    found = {name: published(ran[name], lakes[name]) for name in lakes}
    assert found["local"].keys() == {"support_faq", "bank", "splits"}
    assert len(found["local"]["splits"]) > 3_000
    assert found["cluster"] == found["local"]
    assert found["connect"] == found["local"]


@pytest.mark.by_hand
def test_a_lake_is_read_and_exported_through_connect(wheel: Path, bare_python: Path, folder: Path, server: str) -> None:
    """On the lake that the test above has made."""

    def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return sluice(bare_python, wheel, folder, *arguments, "--tables", "connect", SPARK_REMOTE=server)

    told = ask(
        "sql", "bank.yaml", "SELECT sum(examples) AS n FROM split_sizes WHERE dataset = 'bank'", "--format", "csv"
    )
    assert told.returncode == 0, told.stderr
    number = int(told.stdout.split()[1])
    wrong = ask("sql", "bank.yaml", "SELECT nosuch FROM labels")
    assert wrong.returncode == 2 and "nosuch" in wrong.stderr and "at org.apache" not in wrong.stderr
    out = ask("export", "bank.yaml", "latest", "--format", "text", "--compress", "none", "--out", "out")
    assert out.returncode == 0, out.stderr
    shards = (folder / "out" / "data").iterdir()
    assert sum(len(shard.read_text(encoding="utf-8").splitlines()) for shard in shards) == number
    assert "nothing changed: version 1 stands" in ask("run", "bank.yaml").stdout
