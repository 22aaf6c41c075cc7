"""Measure what hurts: 50,000 documents that share one template, and one document of 10 MB among them.

Twice: alike from Jaccard 0.6 up, so that all of them are links, and just below 0.5, so that none is and all splits have
some.  No document is removed.

    .venv/bin/python -m tests.benchmarks.near_duplicates.adversarial --rows 50000

By hand, from the repository root; about 12 minutes on 2 cores.  Prints the CPU seconds and peak memory of the jobs up
to the groups on a clean corpus of as many rows and on these, how many meetings of a bucket were left out and counted,
and the CPU seconds of find_leaks, which is exact.  Goal: at most 1.5 times the clean corpus; no list of all pairs
(50,000 documents make 1.25 billion).
"""

import argparse
import random
import shutil
from pathlib import Path

from deltalake import DeltaTable

from tests.benchmarks.near_duplicates import corpus, lake
from tests.benchmarks.near_duplicates.compare import ROOT, WORDS
from tests.benchmarks.near_duplicates.measure import Cost

TEMPLATES = {"alike by 0.6": (140, 40), "by 0.48": (120, 60)}  # words that all share, words of their own
HUGE = 10_000_000


def template_texts(rows: int, shared: int, own: int) -> list[str]:
    """Documents of one template of `shared` words, each with `own` ones at the end; the last is of 10 MB."""
    rng = random.Random(1)
    words = sorted({word for sentence in corpus.sentences("en") for word in sentence.split() if word.isalpha()})
    template = " ".join(rng.sample(words, shared))
    texts = [f"{template} {' '.join(rng.choices(words, k=own))}" for _ in range(rows - 1)]
    huge = " ".join(rng.choices(words, k=HUGE // 5))
    return [*texts, huge[:HUGE]]


def cost_of(texts: list[str], folder: Path) -> Cost:
    """What the jobs cost on a new lake of these texts."""
    shutil.rmtree(folder, ignore_errors=True)
    lake.new_lake(folder, WORDS)
    lake.add(folder, "first", range(len(texts)), texts)
    return lake.find(folder)


def main() -> None:
    """Run both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "near_duplicates")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    corpora = {"clean": corpus.build("en", given.rows).texts}
    corpora |= {name: template_texts(given.rows, *words) for name, words in TEMPLATES.items()}
    costs = {}
    for name, texts in corpora.items():
        folder = given.folder / name.replace(" ", "_")
        costs[name] = cost = cost_of(texts, folder)
        matches = DeltaTable(folder / "lake" / "duplicate_matches").to_pandas()
        leaks = lake.sluice(folder, "--from", "find_leaks", "--to", "find_leaks")
        print(
            f"{name:<14}{cost.cpu:>6.1f} CPU s{cost.wall:>6.0f} s{cost.peak:>6.0f} MB"
            f"{matches.matches.map(len).sum():>10,} matches{matches.uncompared.sum():>16,} meetings left out"
            f"{cost.cpu / costs['clean'].cpu:>6.2f} of clean (goal 1.5){leaks.cpu:>8.1f} CPU s for find_leaks",
            flush=True,
        )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
