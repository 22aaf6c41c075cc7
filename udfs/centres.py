"""Spherical k-means: centres of length 1 that vectors of length 1 are near (Dhillon, Modha, Machine Learning 42, 2001).

Sums run in the order of the rows, so that the same rows in the same order give the same centres.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Vectors = NDArray[np.float32]
# Products held at once, 4 bytes each.
PRODUCTS_AT_ONCE = 1 << 24
ROUNDS_OF_CANDIDATES = 4


def nearest_centres(vectors: Vectors, centres: Vectors, probes: int = 1) -> tuple[NDArray[np.int32], Vectors]:
    """Return the numbers [n, probes] of the nearest centres of each vector, the nearest first, and the cosines with
    them."""
    probes = min(probes, len(centres))
    numbers = np.empty((len(vectors), probes), np.int32)
    cosines = np.empty((len(vectors), probes), np.float32)
    rows = max(1, PRODUCTS_AT_ONCE // len(centres))
    for first in range(0, len(vectors), rows):
        products = vectors[first : first + rows] @ centres.T
        best = _greatest(products, probes)
        numbers[first : first + rows] = best
        cosines[first : first + rows] = np.take_along_axis(products, best, axis=1)
    return numbers, cosines


def _greatest(products: Vectors, probes: int) -> NDArray[np.intp]:
    """Return the columns [n, probes] of the greatest numbers of each row, in order."""
    if probes == 1:
        first: NDArray[np.intp] = products.argmax(axis=1)[:, None]
        return first
    some = np.argpartition(-products, probes - 1, axis=1)[:, :probes]
    some.sort(axis=1)
    order = np.argsort(-np.take_along_axis(products, some, axis=1), axis=1, kind="stable")
    ordered: NDArray[np.intp] = np.take_along_axis(some, order, axis=1)
    return ordered


def fit_centres(vectors: Vectors, k: int, seed: int, start: Vectors | None = None, rounds: int = 20) -> Vectors:
    """Return centres [k, d] of vectors [n, d]; as many as there are vectors where k is greater.

    start: centres of an earlier fit [j, d], j at most k: number i of the result began as number i of these, so that
    the numbers keep their meaning.  The others begin as vectors that are far from all, drawn by `seed`.  It ends when
    no vector changes its centre, after `rounds` at most."""
    k = min(k, len(vectors))
    centres = _begin(vectors, k, np.random.default_rng(seed), start)
    before = None
    for _ in range(rounds):
        numbers, cosines = nearest_centres(vectors, centres)
        nearest = numbers[:, 0]
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        centres = _means(vectors, nearest, cosines[:, 0], centres)
    return centres


def _begin(vectors: Vectors, k: int, draw: np.random.Generator, start: Vectors | None) -> Vectors:
    """The first centres: those of `start`, then some of candidates that were drawn from all vectors by their distance,
    k a round (k-means||, Bahmani et al., VLDB 2012)."""
    centres = vectors[draw.integers(len(vectors))][None] if start is None else start[:k]
    candidates = centres
    for _ in range(ROUNDS_OF_CANDIDATES if len(centres) < k else 0):
        far = _distance(nearest_centres(vectors, candidates)[1][:, 0])
        candidates = np.concatenate([candidates, vectors[_drawn(far, k, draw)]])
    weights = np.bincount(nearest_centres(vectors, candidates)[0][:, 0], minlength=len(candidates))
    far = _distance(nearest_centres(candidates, centres)[1][:, 0])
    while len(centres) < k:  # of some drawn the one that leaves the rest nearest, as scikit-learn does
        drawn = _drawn(far * weights, 2 + int(np.log(k)), draw)
        left = np.minimum(far, _distance(candidates[drawn] @ candidates.T))
        best = int((left @ weights).argmin())
        centres, far = np.concatenate([centres, candidates[drawn[best]][None]]), left[best]
    return centres


def _distance(cosines: Vectors) -> NDArray[np.float64]:
    """Half the squared distance of vectors of length 1; what rounding leaves of equal ones is none."""
    far = 1 - cosines.astype(np.float64)
    return np.where(far > 1e-6, far, 0)


def _drawn(weights: NDArray[np.float64], count: int, draw: np.random.Generator) -> NDArray[np.intp]:
    """Return `count` places in order, by weight and none twice; any where all weights are zero."""
    number = int((weights > 0).sum())
    if number == 0:
        return np.arange(min(count, len(weights)))
    return np.sort(draw.choice(len(weights), min(count, number), replace=False, p=weights / weights.sum()))


def _means(vectors: Vectors, nearest: NDArray[np.int32], cosines: Vectors, centres: Vectors) -> Vectors:
    """The normalised sums of the vectors of each centre; one without any goes to the vector farthest from its own."""
    ones = np.ones(len(vectors), np.float32)
    members = sparse.csr_array((ones, (nearest, np.arange(len(vectors)))), (len(centres), len(vectors)))
    sums = np.asarray(members @ vectors, np.float32)
    empty = np.flatnonzero(np.bincount(nearest, minlength=len(centres)) == 0)
    sums[empty] = vectors[np.argsort(cosines, kind="stable")[: len(empty)]]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    means: Vectors = np.divide(sums, lengths, out=centres.copy(), where=lengths > 0)
    return means
