"""The near-duplicate jobs on a lake: signatures, matches, splits, groups, each run in a process of its own."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from deltalake import DeltaTable
from numpy.typing import NDArray

from tests.benchmarks.near_duplicates.measure import Cost, measure

ROOT = Path(__file__).resolve().parents[3]
JOBS = ("hash_shingles", "group_duplicates")  # the first and the last


def new_lake(folder: Path, shingles: Mapping[str, Any]) -> None:
    """An empty lake's recipe: one source of JSON lines with `id` and `text`."""
    (folder / "raw").mkdir(parents=True)
    source = {"name": "corpus", "path": "raw", "format": "json", "fields": {"text": "text"}, "key": "id"}
    recipe = {"dataset": "corpus", "tables": "lake", "tracking": {"uri": f"sqlite:///{folder}/mlflow.db"}}
    jobs = {"hash_shingles": {"shingles": dict(shingles)}} if shingles else {}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"sources": [source]} | jobs), encoding="utf-8")


def add(folder: Path, name: str, ids: Sequence[int], texts: Sequence[str]) -> Cost:
    """Add a file of documents and bring them as far as the table of documents."""
    with (folder / "raw" / f"{name}.jsonl").open("w", encoding="utf-8") as lines:
        for one, text in zip(ids, texts, strict=True):
            lines.write(json.dumps({"id": str(one), "text": text}, ensure_ascii=False) + "\n")
    return sluice(folder, "--to", "collect_documents")


def find(folder: Path) -> Cost:
    """Sign, match, split and group what is new."""
    return sluice(folder, "--from", JOBS[0], "--to", JOBS[1])


def sluice(folder: Path, *options: str) -> Cost:
    """One `sluice run`, with what it cost."""
    command = [sys.executable, "-m", "jobs.main", "run", "recipe.yaml", *options]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return measure(command, folder, folder / "run.log", {"PYTHONPATH": path})


def kept(folder: Path, name: str, rows: int) -> NDArray[np.bool_]:
    """Which rows of an added file stay: one document of each group, one record of each document."""
    lake = folder / "lake"
    records = DeltaTable(lake / "clean_records").to_pandas(columns=["path", "position", "document_id"])
    groups = DeltaTable(lake / "duplicate_groups").to_pandas(columns=["document_id", "group_id"])
    ours = records[records.path == f"raw/{name}.jsonl"].merge(groups, on="document_id").sort_values("position")
    stays = np.zeros(rows, np.bool_)
    stays[ours.drop_duplicates("group_id").position.to_numpy() - 1] = True
    return stays
