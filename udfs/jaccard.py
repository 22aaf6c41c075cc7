"""The exact Jaccard similarity of pairs of shingle sets, whole Arrow batches at a time."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.ragged import row_offsets

GRAINS = ("fine", "coarse")
# Members compared at once: 16 bytes each, twice.
MEMBERS_AT_ONCE = 4_000_000


def similarity_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Input columns: left, right (structs of fine and coarse, lists of distinct int32), and others.

    Output columns: the others, and similarity: the greatest Jaccard similarity, 0 to 1, of the grains that both have;
    null where they share none.
    """
    for batch in batches:
        found = np.full(batch.num_rows, np.nan)
        for grain in GRAINS:
            left, right = (pc.struct_field(batch.column(side), grain) for side in ("left", "right"))
            np.fmax(found, jaccard(left, right), out=found)
        others = batch.drop_columns(["left", "right"])
        yield others.append_column("similarity", pa.array(found, mask=np.isnan(found)))


def jaccard(left: pa.ListArray, right: pa.ListArray) -> NDArray[np.float64]:
    """Return |l & r| / |l | r| [n] of lists of distinct int32 in any order; nan where one is null or both are empty."""
    sizes = [pc.fill_null(pc.list_value_length(side), 0).to_numpy().astype(np.int64) for side in (left, right)]
    total = row_offsets(sizes[0] + sizes[1])
    shared = np.zeros(len(left), np.int64)
    first = 0
    while first < len(left):
        last = max(first + 1, int(np.searchsorted(total, total[first] + MEMBERS_AT_ONCE, side="right")) - 1)
        shared[first:last] = _shared([side.slice(first, last - first) for side in (left, right)])
        first = last
    either = sizes[0] + sizes[1] - shared
    are_there = [side.is_valid().to_numpy(zero_copy_only=False) for side in (left, right)]
    alike: NDArray[np.float64] = np.full(len(left), np.nan)
    np.divide(shared, either, out=alike, where=are_there[0] & are_there[1] & (either > 0))
    return alike


def _shared(sides: list[pa.ListArray]) -> NDArray[np.int64]:
    """Return how many members [n] the lists of each pair share."""
    keys = np.concatenate([_numbered(side) for side in sides])
    keys.sort(kind="stable")  # merges what is in order already, as shingles are
    twice = keys[1:][keys[1:] == keys[:-1]] >> 32
    return np.bincount(twice, minlength=len(sides[0])).astype(np.int64, copy=False)


def _numbered(side: pa.ListArray) -> NDArray[np.int64]:
    """Return each list's members behind its number, in one int64."""
    numbers = pc.list_parent_indices(side).to_numpy().astype(np.int64)
    members = pc.list_flatten(side).to_numpy().astype(np.int64)
    keys: NDArray[np.int64] = (numbers << 32) | (members + (1 << 31))
    return keys
