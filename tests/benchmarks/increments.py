"""Measure what growth costs: a full run of 100,000 rows, then in turns 1 % more and one row more.

Run by hand from the repository root, about 15 minutes on 2 cores:  .venv/bin/python tests/benchmarks/increments.py
CPU seconds are those of the process tree (job_runs), of runs that were repeated their median. Both are taken above the
run that adds one row, which pays what every run pays. Goal: 1 % of the rows costs a tenth at most up to matching, the
full run at most from selection on.
"""

import argparse
import gzip
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
POEMS = ROOT.parent / "shared" / "data" / "poems_zh" / "poems.jsonl.gz"
sys.path.insert(0, str(ROOT))

from jobs.pipeline import PIPELINE  # noqa: E402  # after the path is set

TO_MATCH = ("ingest_records", "match_duplicates")
TO_PUBLISH = ("select_examples", "publish_dataset")
Costs = dict[str, float]


def write_steps(folder: Path, rows: int, turns: int) -> list[Path]:
    """The full input, then in turns 1 % more and one row more: a file each."""
    sizes = [rows, *[rows // 100, 1] * turns]
    paths = [folder / f"step{step:02}.jsonl" for step in range(len(sizes))]
    with gzip.open(POEMS, "rt", encoding="utf-8") as lines:
        for path, size in zip(paths, sizes, strict=True):
            path.write_text("".join(itertools.islice(lines, size)), encoding="utf-8")
    return paths


def sluice(folder: Path, *arguments: str, output: int | None = None) -> str:
    """One `sluice` command in a process of its own; what it prints, where that is taken."""
    command = [sys.executable, "-m", "jobs.runtime.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, check=True, text=True, stdout=output).stdout


def costs(folder: Path) -> list[Costs]:
    """CPU seconds of every job, run by run."""
    query = "SELECT job, run_id, cpu_seconds FROM job_runs"
    said = sluice(folder, "sql", "recipe.yaml", query, "--format", "json", output=subprocess.PIPE)
    rows = [json.loads(line) for line in said.splitlines()]
    runs = sorted({row["run_id"] for row in rows})
    return [{row["job"]: row["cpu_seconds"] for row in rows if row["run_id"] == run} for run in runs]


def median(runs: list[Costs]) -> Costs:
    """The median of each job."""
    return {job: statistics.median(run[job] for run in runs) for job in runs[0]}


def part(cost: Costs, span: tuple[str, str]) -> float:
    """CPU seconds from the first to the last job of a span."""
    names = [job.name for job in PIPELINE]
    return sum(cost[name] for name in names[names.index(span[0]) : names.index(span[1]) + 1])


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        source = {"name": "poems", "path": "raw", "format": "json", "fields": {"text": "text"}}
        tracking = {"uri": f"sqlite:///{folder}/mlflow.db"}
        recipe = {"dataset": "poems", "tables": "lake", "tracking": tracking, "sources": [source]}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        for path in write_steps(folder, given.rows, given.turns):
            path.rename(folder / "raw" / path.name)
            sluice(folder, "run", "recipe.yaml")
        every = costs(folder)
    full, more, one = every[0], median(every[1::2]), median(every[2::2])
    print(f"{'CPU seconds':<20}{'full':>10}{'1 % more':>10}{'one row':>10}")
    for job in full:
        print(f"{job:<20}{full[job]:>10.1f}{more[job]:>10.1f}{one[job]:>10.1f}")
    for span, goal in ((TO_MATCH, 0.1), (TO_PUBLISH, 1.0)):
        above = [part(cost, span) - part(one, span) for cost in (full, more)]
        print(f"{span[0]} to {span[1]}: {above[1] / above[0]:.3f} of the full run, above one row (goal {goal:g})")


if __name__ == "__main__":
    main()
