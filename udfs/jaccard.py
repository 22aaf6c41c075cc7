"""The exact Jaccard similarity of pairs of shingle sets, whole Arrow batches at a time.

A set travels as bytes, 4 for each member: Spark copies bytes at once, but lists value by value, and asks after each row
how large a batch of lists has become.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.ragged import row_offsets

GRAINS: Final = ("fine_shingles", "coarse_shingles")
MEMBER: Final = np.dtype("<u4")
# Members compared at once: 16 bytes each, twice.
MEMBERS_AT_ONCE = 4_000_000


def similarity_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Input columns: left, right (structs of GRAINS, sets as bytes), and others.

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


def set_bytes(members: NDArray[np.uint32], offsets: NDArray[np.int64], present: NDArray[np.bool_]) -> pa.BinaryArray:
    """Return the sets [n] that `jaccard` takes: members[offsets[i]:offsets[i + 1]], null where not `present` [n]."""
    data = pa.py_buffer(np.ascontiguousarray(members, MEMBER))
    places = pa.py_buffer((offsets * MEMBER.itemsize).astype(np.int32))
    return pa.Array.from_buffers(pa.binary(), len(present), [pa.array(present).buffers()[1], places, data])


def jaccard(left: pa.BinaryArray, right: pa.BinaryArray) -> NDArray[np.float64]:
    """Return |l & r| / |l | r| [n] of sets as bytes, their members in any order; nan where one is null or both are
    empty."""
    sizes = [_sizes(side) for side in (left, right)]
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


def _shared(sides: list[pa.BinaryArray]) -> NDArray[np.int64]:
    """Return how many members [n] the sets of each pair share."""
    keys = np.concatenate([_numbered(side) for side in sides])
    keys.sort(kind="stable")  # merges what is in order already, as shingles are
    twice = keys[1:][keys[1:] == keys[:-1]] >> 32
    return np.bincount(twice, minlength=len(sides[0])).astype(np.int64, copy=False)


def _numbered(side: pa.BinaryArray) -> NDArray[np.int64]:
    """Return each set's members behind its number, in one int64."""
    numbers = np.repeat(np.arange(len(side)), _sizes(side))
    data = side.buffers()[2]
    if data is None or not len(numbers):
        return np.zeros(0, np.int64)
    begin = _offsets(side)[0] // MEMBER.itemsize
    members = np.frombuffer(data, MEMBER)[begin : begin + len(numbers)].astype(np.int64)
    keys: NDArray[np.int64] = (numbers << 32) | members
    return keys


def _sizes(side: pa.BinaryArray) -> NDArray[np.int64]:
    return np.diff(_offsets(side)).astype(np.int64) // MEMBER.itemsize


def _offsets(side: pa.BinaryArray) -> NDArray[np.int32]:
    """Return where each set [n + 1] begins; a null is an empty one, as Spark and Arrow's builders write it."""
    if not len(side):
        return np.zeros(1, np.int32)
    places: NDArray[np.int32] = np.frombuffer(side.buffers()[1], np.int32)[side.offset : side.offset + len(side) + 1]
    return places
