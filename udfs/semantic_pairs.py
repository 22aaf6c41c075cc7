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
# Pairs that one vector tells of in a cell: of a template's thousand all are tied by those with the next hundred.
MOST_PAIRS = 100


class Cell(NamedTuple):
    """The vectors of one cell.

    doc: number of each document [n], ascending.  vectors: of length 1 [n, d].  is_home: whether it is at home here, or
    visits.  is_new: whether its pairs are wanted; old ones met each other before."""

    doc: NDArray[np.int64]
    vectors: Vectors
    is_home: NDArray[np.bool_]
    is_new: NDArray[np.bool_]


class Pairs(NamedTuple):
    """left, right: documents [p], left the smaller.  cosine: of the two.  crowded, missed: documents that had more near
    ones than are told, and how many more [m]."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: Vectors
    crowded: NDArray[np.int64]
    missed: NDArray[np.int64]


def near_pairs(cell: Cell, threshold: float) -> Iterator[Pairs]:
    """Yield the pairs of a cell from the threshold up, one of them at home here and one of them new.

    A pair comes once from a cell, and may come from two."""
    home = np.flatnonzero(cell.is_home)
    others = Cell(cell.doc[home], cell.vectors[home], cell.is_home[home], cell.is_new[home])
    yield from _pairs(cell, others, threshold, within=True)


def pairs_with(cell: Cell, new: Cell, threshold: float) -> Iterator[Pairs]:
    """Yield the pairs of vectors of a cell with its new ones, one of the two at home here; two new ones once."""
    yield from _pairs(cell, new, threshold, within=False)


def _pairs(rows: Cell, others: Cell, threshold: float, within: bool) -> Iterator[Pairs]:
    """Some rows at a time.  within: the others are those rows that are at home."""
    if not len(others.doc):
        return
    targets = np.ascontiguousarray(others.vectors)
    step = max(1, PRODUCTS_AT_ONCE // len(others.doc))
    for first in range(0, len(rows.doc), step):
        products = rows.vectors[first : first + step] @ targets.T
        at, to = np.nonzero(products >= threshold)
        cosine, at = products[at, to], at + first
        # Two that would tell of each other are told by the smaller one alone.
        both = rows.is_home[at] if within else rows.is_new[at]
        wanted = (rows.is_new[at] | others.is_new[to]) & (rows.is_home[at] | others.is_home[to])
        wanted &= (rows.doc[at] != others.doc[to]) & (~both | (rows.doc[at] < others.doc[to]))
        yield _told(rows.doc[at[wanted]], others.doc[to[wanted]], cosine[wanted])


def _told(one: NDArray[np.int64], other: NDArray[np.int64], cosine: Vectors) -> Pairs:
    """Of each row (equal numbers of `one` in a run) the first pairs, which are those with the smallest documents."""
    starts = np.flatnonzero(np.diff(one, prepend=one[:1] - 1)) if len(one) else np.zeros(0, np.intp)
    sizes = np.diff(starts, append=len(one))
    kept = np.arange(len(one)) - np.repeat(starts, sizes) < MOST_PAIRS
    crowded = sizes > MOST_PAIRS
    ends = one[kept], other[kept]
    more = sizes[crowded].astype(np.int64) - MOST_PAIRS
    return Pairs(np.minimum(*ends), np.maximum(*ends), cosine[kept], one[starts[crowded]], more)
