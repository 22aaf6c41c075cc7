"""Print the four numbers that a sceptic asks for: recall, precision, CPU seconds beside peers, the cost of 1 % more.

    .venv/bin/python -m tests.benchmarks.near_duplicates.compare --rows 35000 --language en

By hand, from the repository root; 35,000 rows take about 15 minutes on 2 cores, 140,000 an hour.  Each peer is
installed into an environment of its own below --folder; one that does not install is named and left out.  All tools
run in turn, --turns times; seconds are those of the whole process tree (user and system), their median is shown.
Recall: true pairs of which at least one document was removed.  Precision: removed documents that are alike to another
one from Jaccard 0.7 up.  The truth is exact: every pair, by the sets of 5-word runs (corpus.py), found without MinHash.
`sluice jobs` are hash_shingles, match_duplicates, assign_splits and group_duplicates in one `sluice run`: a cold JVM,
tables read and written in Delta, one MLflow run.  --corpus takes a Parquet file of your own: columns id, text.
"""

import argparse
import shutil
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tests.benchmarks.near_duplicates import corpus as corpora
from tests.benchmarks.near_duplicates import lake
from tests.benchmarks.near_duplicates.measure import Cost, measure
from tests.benchmarks.near_duplicates.tools import TOOLS, Tool, python_of
from tests.benchmarks.near_duplicates.truth import Truth, true_pairs

ROOT = Path(__file__).resolve().parents[3]
JOBS = "sluice jobs"
WORDS = {"words": 5}  # the shingles of most tools, so that all are held against one truth
HEADS = ("CPU s", "x rensa", "us/row", "wall s", "MB", "J>=.8", "J>=.7", "precision")


@dataclass
class Result:
    """The costs of a tool's runs, and which rows it kept in the last."""

    costs: list[Cost] = field(default_factory=list)
    kept: NDArray[np.bool_] | None = None


def prepare(given: argparse.Namespace) -> tuple[Path, list[str], Truth]:
    """The corpus file, its texts, and the truth; built once and kept in the folder."""
    name = f"{given.language}{given.rows}" if given.corpus is None else f"own-{given.corpus.stem}"
    path, known = given.folder / f"{name}.parquet", given.folder / f"{name}.npz"
    origins = None
    if not path.exists():
        if given.corpus is None:
            built = corpora.build(given.language, given.rows)
            texts, origins = built.texts, built.origins
        else:
            texts = pq.read_table(given.corpus, columns=["text"]).column("text").to_pylist()
        pq.write_table(corpora.table(texts), path)
        truth = true_pairs(texts, origins)
        np.savez(known, pairs=truth.pairs, similarity=truth.similarity)
    read = np.load(known)
    return path, pq.read_table(path).column("text").to_pylist(), Truth(read["pairs"], read["similarity"])


def run_tool(tool: Tool, python: str, path: Path, language: str, folder: Path, rows: int, result: Result) -> None:
    """Run a tool once in an empty folder."""
    out = folder / "out" / tool.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    result.costs.append(measure(tool.command(path, language, out, python), out, out / "log"))
    result.kept = np.zeros(rows, np.bool_)
    result.kept[tool.kept(out)] = True


def run_jobs(texts: list[str], folder: Path, result: Result) -> Path:
    """Bring a new lake as far as its documents, then run and measure the jobs."""
    place = folder / "lake"
    shutil.rmtree(place, ignore_errors=True)
    lake.new_lake(place, WORDS)
    lake.add(place, "first", range(len(texts)), texts)
    result.costs.append(lake.find(place))
    result.kept = lake.kept(place, "first", len(texts))
    return place


def increment(place: Path, language: str, rows: int) -> tuple[float, float]:
    """CPU seconds of the jobs for one row more and for 1 % more."""
    more = corpora.build(language, rows // 100 + 1, seed=2).texts
    spent = []
    for name, texts in (("one", more[:1]), ("percent", more[1:])):
        lake.add(place, name, range(rows, rows + len(texts)), texts)
        spent.append(lake.find(place).cpu)
    return spent[0], spent[1]


def show(results: dict[str, Result], truth: Truth, rows: int) -> None:
    """The table: a line for each tool."""
    base = median(results["rensa"]) if "rensa" in results and results["rensa"].costs else float("nan")
    print(f"{'':<20}" + "".join(f"{head:>10}" for head in HEADS))
    for name, result in results.items():
        if result.kept is not None:
            spent, last, kept = median(result), result.costs[-1], result.kept
            costs = (
                f"{spent:>10.1f}{spent / base:>10.2f}{spent / rows * 1e6:>10.0f}{last.wall:>10.0f}{last.peak:>10.0f}"
            )
            quality = (truth.recall(kept, 0.8), truth.recall(kept, 0.7), truth.precision(kept))
            print(f"{name:<20}{costs}" + "".join(f"{share:>10.4f}" for share in quality))


def median(result: Result) -> float:
    """The median CPU seconds of a tool's runs."""
    return float(statistics.median(cost.cpu for cost in result.costs))


def main() -> None:
    """Prepare, run in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=35_000)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--corpus", type=Path, help="a Parquet file of your own: columns id (0, 1, 2 ...), text")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "near_duplicates")
    parser.add_argument("--tools", help=f"some of: {', '.join([tool.name for tool in TOOLS] + [JOBS])}")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    path, texts, truth = prepare(given)
    size = sum(map(len, texts)) / len(texts)
    print(f"{len(texts):,} rows, {size:,.0f} characters each, {len(truth.pairs):,} true pairs")
    names = [tool.name for tool in TOOLS] + [JOBS] if given.tools is None else given.tools.split(",")
    pythons = {tool: python_of(tool, given.folder) for tool in TOOLS if tool.name in names}
    for tool in (tool for tool, python in pythons.items() if python is None):
        print(f"absent, it does not install: {tool.name}")
    results = {name: Result() for name in names}
    place = None
    for turn in range(given.turns):
        for tool, python in pythons.items():
            if python is not None:
                run_tool(tool, python, path, given.language, given.folder, len(texts), results[tool.name])
        if JOBS in names:
            place = run_jobs(texts, given.folder, results[JOBS])
        said = ", ".join(f"{name} {result.costs[-1].cpu:.1f}" for name, result in results.items() if result.costs)
        print(f"turn {turn + 1} of {given.turns}: {said}", flush=True)
    show(results, truth, len(texts))
    if place is not None:
        one, percent = increment(place, given.language, len(texts))
        full = median(results[JOBS])
        print(f"1 % more: {percent:.1f} CPU s, one row more: {one:.1f}, all: {full:.1f}")
        print(f"above what one row costs, 1 % more is {(percent - one) / (full - one):.3f} of all")


if __name__ == "__main__":
    main()
