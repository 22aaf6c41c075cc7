"""A small lake grown by real runs: three versions whose outcomes are counted by hand, for tests that only look.

Source alpha (alpha.csv, key id, 30 rows, later 31):
    a1, a2 one text, one label; a3, a4 nearly one text; a5 untidy; a6 to a28 texts of their own; a29, a30 one text, two
    labels.
Source beta (folder of JSON lines, no key, on_vanish: drop, 30 rows, later 34):
    one.jsonl: the text of a1, then 26 texts of their own; bad.jsonl: too short, a field missing, broken JSON.
Version 2: a6 gets another text, a31 is new; two.jsonl: a new text, nearly the text of b5, the text of b6 once more.
Version 3: a6 has its first text again; the last row of one.jsonl is gone; three.jsonl: the text of a10, other label.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import Row, SparkSession

from jobs.pipeline import PIPELINE
from jobs.runtime.execute import Outcome
from jobs.runtime.plan import Planned, plan_recipe
from jobs.runtime.recipe import Recipe, Tracking, load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.tables import Lake
from jobs.runtime.views import register


def text_of(name: str) -> str:
    """A text of twenty words that no other name shares."""
    digits = "".join(hashlib.sha256(f"{name}/{part}".encode()).hexdigest() for part in range(2))
    return " ".join(digits[at : at + 5] for at in range(0, 100, 5))


def files_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its size and time: what a command that only looks leaves as it was."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@dataclass
class GrownLake:
    """The lake, and what stood in it after each run."""

    folder: Path
    recipe: Recipe
    lake: Lake
    plans: list[list[Planned]] = field(default_factory=list)
    unplanned: list[bool] = field(default_factory=list)
    runs: list[list[Outcome]] = field(default_factory=list)
    outcomes: list[list[Row]] = field(default_factory=list)

    def ask(self, statement: str) -> list[Row]:
        """The rows of a query over tables and views."""
        return self.lake.spark.sql(statement).collect()

    def outcomes_of(self, version: int) -> list[Row]:
        """All outcomes of one version, in order of record."""
        return self.ask(f"SELECT * FROM outcomes WHERE dataset_version = {version} ORDER BY record_id")

    def record(self, source: str, position: int, path: str = "") -> str:
        """The record that first stood at a line of a file."""
        found = self.ask(
            f"SELECT record_id FROM raw_records WHERE source = '{source}' AND position = {position} "
            f"AND path LIKE '%{path}' AND file_rows IS NULL ORDER BY revision, record_id LIMIT 1"
        )
        return str(found[0]["record_id"])

    @property
    def mlflow(self) -> str:
        """Where the last run is tracked; MLflow is out of reach of those before."""
        return f"sqlite:///{self.folder}/mlflow.db"

    def tracked(self) -> Recipe:
        """The recipe of the next run: of the last one with MLflow."""
        if len(self.runs) < len(VERSIONS) - 1:
            return self.recipe
        return replace(self.recipe, tracking=Tracking(uri=self.mlflow))

    def run(self) -> None:
        """Plan, look whether the plan wrote anything, run, and keep what both said."""
        before = files_in(self.folder)
        self.plans.append(plan_recipe(self.lake.spark, self.recipe, PIPELINE))
        self.unplanned.append(files_in(self.folder) == before)
        context = run_recipe(self.lake.spark, self.tracked(), PIPELINE, say=lambda _: None)
        self.runs.append(context.outcomes)
        # What was not there when the lake was opened must be looked for again.
        self.lake = Lake(self.lake.spark, self.recipe.tables)
        register(self.lake)
        self.outcomes.append(self.outcomes_of(len(self.runs)))


def alpha_rows() -> dict[str, tuple[str, str]]:
    """id -> text, label of version 1."""
    rows = {f"a{n}": (text_of(f"a{n}"), "1") for n in range(1, 31)}
    rows["a2"] = rows["a1"]
    rows["a4"] = (rows["a3"][0].rsplit(" ", 1)[0], "1")
    rows["a5"] = ("  " + rows["a5"][0].replace(" ", "   ", 2) + "\u200b ", "1")
    rows["a30"] = (rows["a29"][0], "0")
    return rows


def write_alpha(folder: Path, rows: dict[str, tuple[str, str]]) -> None:
    lines = [f'{name},"{text}",{label}' for name, (text, label) in rows.items()]
    (folder / "alpha.csv").write_text("\n".join(["id,text,label", *lines]) + "\n", encoding="utf-8")


def write_beta(folder: Path, name: str, rows: list[dict[str, Any]], *broken: str) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "beta").mkdir(exist_ok=True)
    (folder / "beta" / name).write_text("\n".join([*lines, *broken]) + "\n", encoding="utf-8")


def first_version(folder: Path) -> None:
    """60 records: 52 published, 2 merged, 6 dropped."""
    write_alpha(folder, alpha_rows())
    own = [{"text": text_of(f"b{n}"), "label": "0"} for n in range(2, 28)]
    write_beta(folder, "one.jsonl", [{"text": text_of("a1"), "label": "1"}, *own])
    bad = [{"text": "hi", "label": "0"}, {"other": "x", "label": "0"}]
    write_beta(folder, "bad.jsonl", bad, '{"text": "never closed')


def second_version(folder: Path) -> None:
    """64 records: 54 published, 3 merged, 7 dropped."""
    write_alpha(folder, alpha_rows() | {"a6": (text_of("a6 again"), "1"), "a31": (text_of("a31"), "1")})
    near = text_of("b5").rsplit(" ", 1)[0]
    more = [
        {"text": text_of("c1"), "label": "0"},
        {"text": near, "label": "0"},
        {"text": text_of("b6"), "label": "0", "note": "once more"},
    ]
    write_beta(folder, "two.jsonl", more)


def third_version(folder: Path) -> None:
    """65 records: 52 published, 3 merged, 10 dropped."""
    write_alpha(folder, alpha_rows() | {"a31": (text_of("a31"), "1")})
    one = folder / "beta" / "one.jsonl"
    one.write_text("".join(one.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    write_beta(folder, "three.jsonl", [{"text": text_of("a10"), "label": "0"}])


VERSIONS: tuple[Callable[[Path], None], ...] = (first_version, second_version, third_version)


def recipe_in(folder: Path) -> Recipe:
    """The recipe over both sources, without a model and without a tracking server."""
    fields = {"text": "text", "label": "label"}
    alpha = {"name": "alpha", "path": str(folder / "alpha.csv"), "format": "csv", "key": "id", "fields": fields}
    beta = {"name": "beta", "path": str(folder / "beta"), "format": "json", "on_vanish": "drop", "fields": fields}
    document = {
        "dataset": "grown",
        "tables": str(folder / "lake"),
        "tracking": {"uri": "nowhere://at.all"},
        "sources": [alpha, beta],
        "clean_text": {"min_chars": 5, "language_model": None},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_recipe(str(path), PIPELINE)


@pytest.fixture(scope="session")
def grown_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> GrownLake:
    """The lake after its third run."""
    folder = tmp_path_factory.mktemp("grown")
    recipe = recipe_in(folder)
    grown = GrownLake(folder, recipe, Lake(spark, recipe.tables))
    for change in VERSIONS:
        change(folder)
        grown.run()
    return grown
