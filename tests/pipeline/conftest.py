"""Real input, real command, and the comparison of two lakes, for the tests of whole runs."""

import csv
import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.frames.digests import frame_digest
from jobs.pipeline import PIPELINE
from jobs.runtime.tables import Lake
from schemas.table import Table

# Columns that tell of the run, not of the data; floats are rounded when they are written and may stay.
OF_THE_RUN = (
    "batch",
    "published_at",
    "table_versions",
    "recipe",
    "recipe_digest",
    "code_version",
    "uri",
    "modified_ms",
)

# The command itself, with another number of partitions than a laptop's, and with queries compiled or not as asked.
ENTRY = """
from jobs.runtime import cli, compiling, session
session.LOCAL_CONF["spark.sql.shuffle.partitions"] = "{partitions}"
if {compiled}:
    compiling.FEW_ROWS = 0
cli.main()
"""


@dataclass(frozen=True)
class Project:
    """A folder with input, a recipe and a lake, as a user would have it."""

    folder: Path

    @property
    def recipe(self) -> Path:
        """The recipe's file."""
        return self.folder / "recipe.yaml"

    @property
    def lake(self) -> Path:
        """The lake's folder."""
        return self.folder / "lake"

    def write_recipe(self, **sections: Any) -> None:
        """Write the recipe; the lake and tracking are inside the folder."""
        top = {"tables": "lake", "tracking": {"uri": f"sqlite:///{self.folder}/mlflow.db"}}
        self.recipe.write_text(yaml.safe_dump(top | sections, allow_unicode=True))

    def start(
        self, master: str = "local[2]", options: Sequence[str] = (), partitions: int = 4, compiled: bool = False
    ) -> "subprocess.Popen[str]":
        """Start `sluice run` in this folder, as the leader of a process group.

        partitions: of Spark's shuffles.  compiled: whether Spark compiles queries over few rows too."""
        entry = ENTRY.format(partitions=partitions, compiled=compiled)
        command = [sys.executable, "-c", entry, "run", str(self.recipe), *options]
        environment = {
            **os.environ,
            "SLUICE_MASTER": master,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONUNBUFFERED": "1",
        }
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(
        self, master: str = "local[2]", options: Sequence[str] = (), partitions: int = 4, compiled: bool = False
    ) -> str:
        """Run to the end; fails with what the run said unless it exits with 0."""
        process = self.start(master, options, partitions, compiled)
        said, _ = process.communicate(timeout=900)
        assert process.returncode == 0, said
        return said


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Project]:
    """Make a project folder by name."""

    def make(name: str) -> Project:
        folder = tmp_path / name
        folder.mkdir()
        return Project(folder)

    return make


@pytest.fixture
def intents(shared_data: Path) -> list[dict[str, str]]:
    """13,083 real bank questions with their intent, and 400 that share one template (seeded)."""
    found = []
    for name in ("train.csv", "test.csv"):
        with (shared_data / "intents_banking77" / name).open(encoding="utf-8", newline="") as lines:
            found += [{"text": row["text"], "label": row["category"]} for row in csv.DictReader(lines)]
    draw = random.Random(7)
    names = ["anna", "boris", "chen", "dora", "emil", "fatima", "gustav", "hana"]
    template = (
        "please be so kind and tell me when the transfer of {} euros that {} sent me on day {} will arrive at last"
    )
    planted = [template.format(draw.randint(1, 9999), draw.choice(names), draw.randint(1, 28)) for _ in range(400)]
    return found + [{"text": text, "label": "transfer_timing"} for text in planted]


def write_parts(rows: Sequence[dict[str, str]], folder: Path, parts: int, *, packed: bool = False) -> None:
    """Write rows as JSON lines in several files, some of them gzip."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(parts):
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[part::parts]).encode()
        name = folder / f"part-{part:02}.jsonl{'.gz' if packed and part % 2 else ''}"
        name.write_bytes(gzip.compress(data, mtime=0) if name.suffix == ".gz" else data)


@pytest.fixture
def parts_writer() -> Callable[..., None]:
    """The writer of JSON line files."""
    return write_parts


@dataclass(frozen=True)
class Contents:
    """Digest and number of rows of every table of a lake, without what tells of the run."""

    digests: dict[str, str]
    rows: dict[str, int]
    content_digest: str | None


@pytest.fixture
def contents(spark: SparkSession) -> Callable[[Path], Contents]:
    """Read a lake's tables and check that no key is there twice."""

    def read(folder: Path) -> Contents:
        lake = Lake(spark, str(folder))
        digests, rows = {}, {}
        for table in dict.fromkeys(job.writes for job in PIPELINE):
            frame = lake.read(table)
            count, keys = frame.count(), frame.select(*table.key).distinct().count()
            assert count == keys, f"{table.name}: {count - keys} rows are there twice"
            digests[table.name] = _digest(table, frame)
            rows[table.name] = count
        manifest = lake.read(PIPELINE[-1].writes).orderBy("dataset_version").collect()
        return Contents(digests, rows, manifest[-1]["content_digest"] if manifest else None)

    return read


def _digest(table: Table, frame: DataFrame) -> str:
    names = [name for name in table.columns.names if name not in OF_THE_RUN]
    row = frame.agg(frame_digest(names).alias("digest")).first()
    assert row is not None
    return str(row["digest"])


@pytest.fixture
def stop_all() -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes to end when a test fails in between."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
