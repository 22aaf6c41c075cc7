"""Pairs of near vectors, by products of blocks.

Each vector is at home in its nearest cell and visits the next ones; it meets those that are at home where it is at home
or visits.  So two vectors meet when either one probes the cell of the other: with three probes of sqrt(n) cells 99 % of
the near pairs do (coarse quantiser as of Jegou et al., IEEE PAMI 2011, 4).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.centres import Vectors

# Products held at once, 4 bytes each.
PRODUCTS_AT_ONCE = 1 << 23


class Cell(NamedTuple):
    """The vectors of one cell.

    doc: number of each document [n].  vectors: of length 1 [n, d].  is_home: whether it is at home here, or visits.
    is_new: whether its pairs are wanted; old ones met each other before."""

    doc: NDArray[np.int64]
    vectors: Vectors
    is_home: NDArray[np.bool_]
    is_new: NDArray[np.bool_]


class Pairs(NamedTuple):
    """left, right: documents [p], left the smaller.  cosine: of the two."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: Vectors


def near_pairs(cell: Cell, threshold: float) -> Iterator[Pairs]:
    """Yield the pairs of a cell from the threshold up, one of them at home here and one of them new.

    A pair comes once from a cell, and may come from two."""
    home = np.flatnonzero(cell.is_home)
    if not len(home):
        return
    targets = np.ascontiguousarray(cell.vectors[home])
    rows = max(1, PRODUCTS_AT_ONCE // len(home))
    for first in range(0, len(cell.doc), rows):
        products = cell.vectors[first : first + rows] @ targets.T
        at, to = np.nonzero(products >= threshold)
        left, right = at + first, home[to]
        # Two that are both at home are told by the smaller one alone.
        wanted = (cell.is_new[left] | cell.is_new[right]) & (~cell.is_home[left] | (cell.doc[left] < cell.doc[right]))
        wanted &= cell.doc[left] != cell.doc[right]
        ends = cell.doc[left[wanted]], cell.doc[right[wanted]]
        yield Pairs(np.minimum(*ends), np.maximum(*ends), products[at, to][wanted])
