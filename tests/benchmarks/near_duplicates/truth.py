"""The pairs of a corpus that are alike, and how a tool's choice stands against them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.near_duplicates import corpus as corpora

THRESHOLD = 0.7
ALL_PAIRS = 200_000  # of greater corpora the truth is sought among planted copies alone


@dataclass(frozen=True)
class Truth:
    """All pairs [n, 2] of rows that are alike from 0.7 up, and how much [n]."""

    pairs: NDArray[np.int64]
    similarity: NDArray[np.float64]

    def recall(self, kept: NDArray[np.bool_], threshold: float) -> float:
        """The share of the pairs from a threshold up of which a row is gone."""
        wanted = self.pairs[self.similarity >= threshold]
        return float(np.mean(~kept[wanted].all(axis=1))) if len(wanted) else 1.0

    def precision(self, kept: NDArray[np.bool_]) -> float:
        """The share of the rows that are gone which are alike to another row."""
        alike = np.zeros(len(kept), np.bool_)
        alike[self.pairs.ravel()] = True
        return float(np.mean(alike[~kept])) if (~kept).any() else 1.0


def true_pairs(texts: Sequence[str], origins: NDArray[np.int64] | None) -> Truth:
    """The truth about a corpus, exact for all pairs where that is in reach."""
    if origins is None or len(texts) <= ALL_PAIRS:
        return Truth(*corpora.true_pairs(corpora.sets(texts), THRESHOLD))
    family = np.where(origins < 0, np.arange(len(texts)), origins)
    members = np.flatnonzero(np.isin(family, family[origins >= 0]))
    order = members[np.argsort(family[members], kind="stable")]
    pairs = []
    for apart in range(1, len(order)):
        same = np.flatnonzero(family[order[apart:]] == family[order[:-apart]])
        if not len(same):
            break
        pairs.append(np.stack([same, same + apart], axis=1))
    places = np.concatenate(pairs)
    similarity = corpora.similarities(corpora.sets([texts[row] for row in order]), places)
    alike = similarity >= THRESHOLD
    return Truth(order[places[alike]], similarity[alike])
