"""Near vectors in Arrow batches, by either of two ways.

Many new vectors: each goes to the cells that it probes, and meets there what is at home.  Few: all tasks have them, and
every other vector meets those of its cells where it lies.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.centres import Vectors, nearest_centres
from udfs.semantic_pairs import Cell, Pairs, near_pairs, pairs_with
from udfs.vectors import all_rows, vectors_of

ENTRIES_SCHEMA: Final = "cell int, is_home boolean, doc bigint, is_new boolean, vector array<float>"
PAIRS_SCHEMA: Final = "left_doc bigint, right_doc bigint, similarity double, missed bigint"
DIGITS: Final = 6


def entry_batches(batches: Iterable[pa.RecordBatch], centres: Vectors, probes: int) -> Iterator[pa.RecordBatch]:
    """Input columns: doc, is_new, vector.  Output: ENTRIES_SCHEMA, one row for each cell that a vector probes."""
    for batch in batches:
        if batch.num_rows:
            vectors = vectors_of(batch.column("vector"))
            cells = nearest_centres(vectors, centres, probes)[0]
            for probe in range(cells.shape[1]):
                home = pa.array(np.full(len(vectors), probe == 0))
                rest = [batch.column(name) for name in ("doc", "is_new", "vector")]
                columns = [pa.array(cells[:, probe]), home, *rest]
                yield pa.RecordBatch.from_arrays(columns, ["cell", "is_home", "doc", "is_new", "vector"])


def cell_batches(batches: Iterable[pa.RecordBatch], threshold: float) -> Iterator[pa.RecordBatch]:
    """Input: ENTRIES_SCHEMA, all rows of a cell in one task.  Output: PAIRS_SCHEMA."""
    table = all_rows(batches)
    if table is None or not table.num_rows:
        return
    cells = table["cell"].to_numpy()
    order = np.lexsort((table["doc"].to_numpy(), cells))
    starts = np.flatnonzero(np.diff(cells[order], prepend=-1))
    for places in np.split(order, starts[1:]):
        rows = table.take(pa.array(places))
        cell = Cell(
            rows["doc"].to_numpy(),
            vectors_of(rows["vector"]),
            rows["is_home"].to_numpy(),
            rows["is_new"].to_numpy(),
        )
        for pairs in near_pairs(cell, threshold):
            yield _rows(pairs)


@dataclass(frozen=True)
class NewVectors:
    """The new vectors that every task gets.  doc: documents in ascending order [n].  numbers: the cells that each
    probes [n, probes], its home first."""

    doc: NDArray[np.int64]
    vectors: Vectors
    numbers: NDArray[np.int32]

    @classmethod
    def of(cls, doc: NDArray[np.int64], vectors: Vectors, centres: Vectors, probes: int) -> "NewVectors":
        """Find the cells of documents in ascending order."""
        if not len(doc):
            return cls(doc, vectors, np.zeros((0, probes), np.int32))
        return cls(doc, vectors, nearest_centres(vectors, centres, probes)[0])

    def cells(self) -> dict[int, Cell]:
        """The new vectors of each cell that one of them probes."""
        found = {}
        for cell in np.unique(self.numbers):
            at, probe = np.nonzero(self.numbers == cell)
            found[int(cell)] = Cell(self.doc[at], self.vectors[at], probe == 0, np.ones(len(at), np.bool_))
        return found


def scan_batches(
    batches: Iterable[pa.RecordBatch], new: NewVectors, centres: Vectors, threshold: float
) -> Iterator[pa.RecordBatch]:
    """Input columns: doc, is_new, vector.  Output: PAIRS_SCHEMA."""
    cells = new.cells()
    for batch in batches:
        if not batch.num_rows or not cells:
            continue
        vectors, doc = vectors_of(batch.column("vector")), batch.column("doc").to_numpy()
        is_new = batch.column("is_new").to_numpy(zero_copy_only=False)
        numbers = nearest_centres(vectors, centres, new.numbers.shape[1])[0]
        for cell, others in cells.items():
            at, probe = np.nonzero(numbers == cell)
            if len(at):
                rows = Cell(doc[at], vectors[at], probe == 0, is_new[at])
                for pairs in pairs_with(rows, others, threshold):
                    yield _rows(pairs)


def _rows(pairs: Pairs) -> pa.RecordBatch:
    """Pairs and what was left out as rows."""
    none, missed = len(pairs.left), len(pairs.crowded)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(np.concatenate([pairs.left, pairs.crowded])),
            pa.array([*pairs.right.tolist(), *[None] * missed], pa.int64()),
            pa.array([*pairs.cosine.astype(np.float64).round(DIGITS).tolist(), *[None] * missed], pa.float64()),
            pa.array([*[None] * none, *pairs.missed.tolist()], pa.int64()),
        ],
        ["left_doc", "right_doc", "similarity", "missed"],
    )
