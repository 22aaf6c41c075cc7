"""Measure what many small files cost: list and ingest 10,000, then once more as they are, then with 1 % changed.

Run by hand from the repository root, some minutes on 2 cores:  .venv/bin/python tests/benchmarks/small_files.py
Prints seconds and rows of list_files and ingest_records for each run. Goal: the second run opens no file.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jobs.pipeline import PIPELINE  # noqa: E402  # after the path is set
from jobs.runtime.listing import list_files  # noqa: E402
from jobs.runtime.recipe import Recipe, load_recipe  # noqa: E402
from jobs.runtime.run import run_recipe  # noqa: E402
from jobs.runtime.session import open_session  # noqa: E402

FOLDERS = 100


def build(folder: Path, files: int) -> list[Path]:
    """Files of ten lines each, over a hundred folders."""
    paths = [folder / "raw" / f"{number % FOLDERS:02}" / f"{number:06}.txt" for number in range(files)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, "first")
    return paths


def write(path: Path, word: str) -> None:
    """Ten lines that no other file has."""
    path.write_text("".join(f"{word} line {line} of file {path.stem}\n" for line in range(10)))


def recipe_in(folder: Path) -> Recipe:
    """One source of text, in a lake inside the folder."""
    sources = [{"name": "small", "path": "raw", "format": "text"}]
    top = {"dataset": "small", "tables": "lake", "tracking": {"uri": f"sqlite:///{folder}/mlflow.db"}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(top | {"sources": sources}))
    return load_recipe(str(folder / "recipe.yaml"), PIPELINE)


def main() -> None:
    """Build, run three times, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chdir(name):
        folder = Path(name)
        paths = build(folder, wanted.files)
        recipe = recipe_in(folder)
        started = time.monotonic()
        found = list_files(recipe.sources)
        print(f"looking for files: {time.monotonic() - started:.2f} s, {len(found):,} files")
        spark = open_session(folder / "spark.log")
        for title in ("all new", "as they are", "1 % changed"):
            if title == "1 % changed":
                for path in paths[:: max(len(paths) // (len(paths) // 100 or 1), 1)]:
                    write(path, "other")
                    os.utime(path)
            started = time.monotonic()
            context = run_recipe(spark, recipe, PIPELINE, last="ingest_records", say=lambda _: None)
            print(f"{title}: {time.monotonic() - started:.1f} s in all")
            for one in context.outcomes:
                print(f"  {one.job:<15} {one.status:<8} {one.rows_out:>9,} rows  {one.seconds:6.1f} s")


if __name__ == "__main__":
    main()
