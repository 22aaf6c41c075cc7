"""Measure what hurts: 50,000 documents that share one template, and one document of 10 MB among them.

    .venv/bin/python -m tests.benchmarks.near_duplicates.adversarial --rows 50000

By hand, from the repository root; about 10 minutes on 2 cores.  Prints the CPU seconds and peak memory of the jobs on
a clean corpus of as many rows and on this one, and how many meetings of a bucket were left out and counted.  Goal: at
most 1.5 times the clean corpus; no list of all pairs (50,000 documents make 1.25 billion).
"""

import argparse
import random
import shutil
from pathlib import Path

from deltalake import DeltaTable

from tests.benchmarks.near_duplicates import corpus, lake
from tests.benchmarks.near_duplicates.compare import ROOT, WORDS
from tests.benchmarks.near_duplicates.measure import Cost

SHARED_WORDS, OWN_WORDS = 120, 60  # alike from 0.5 up, below 0.7: found, verified, and kept
HUGE = 10_000_000


def template_texts(rows: int) -> list[str]:
    """Documents of one template, each with words of its own at the end; the last is of 10 MB."""
    rng = random.Random(1)
    words = sorted({word for sentence in corpus.sentences("en") for word in sentence.split() if word.isalpha()})
    template = " ".join(rng.sample(words, SHARED_WORDS))
    texts = [f"{template} {' '.join(rng.choices(words, k=OWN_WORDS))}" for _ in range(rows - 1)]
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
    costs = {}
    for name, texts in (("clean", corpus.build("en", given.rows).texts), ("template", template_texts(given.rows))):
        costs[name] = cost_of(texts, given.folder / name)
        matches = DeltaTable(given.folder / name / "lake" / "duplicate_matches").to_pandas()
        pairs, left_out = matches.matches.map(len).sum(), matches.uncompared.sum()
        cost = costs[name]
        print(
            f"{name:<10}{cost.cpu:>8.1f} CPU s{cost.wall:>8.0f} s{cost.peak:>8.0f} MB{pairs:>12,} matches"
            f"{left_out:>16,} meetings left out",
            flush=True,
        )
    print(f"the template costs {costs['template'].cpu / costs['clean'].cpu:.2f} of the clean corpus (goal 1.5)")


if __name__ == "__main__":
    main()
