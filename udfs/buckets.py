"""Find which documents meet: those that share a band key, at least one of them new.

A bucket is all documents of one key.  A great bucket is divided by a finer key; what is still too great meets only its
anchors, the smallest documents by hash.  Its divisions meet in the root of the bucket, the smallest of all: documents
of one template stay tied together.  So the meetings of a bucket of n documents grow with n, not with its square.

Input of `meeting_batches`: blocks of entries (udfs/band_entries.py).
Output, one row a meeting, and one for each new document that missed some:
{"left_doc": -71, "right_doc": 3, "left_new": True, "right_new": False, "missed": None}.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.band_entries import Entries, entries_in

ROWS_AT_ONCE = 1 << 16
MEETING_SCHEMA = "left_doc bigint, right_doc bigint, left_new boolean, right_new boolean, missed bigint"


@dataclass(frozen=True)
class Buckets:
    """Hold entries [m] in order of bucket and document.

    doc: int64.  is_new: bool.  size: documents of the undivided bucket.  root: place of its smallest document.
    start: place of the bucket's first entry.  count: documents of the bucket."""

    doc: NDArray[np.int64]
    is_new: NDArray[np.bool_]
    size: NDArray[np.int64]
    root: NDArray[np.int64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]


def meeting_batches(batches: Iterable[pa.RecordBatch], cap: int, anchors: int) -> Iterator[pa.RecordBatch]:
    """Yield the meetings of this task's buckets, then what was missed.

    Input columns: part, entries; all entries of a key are in one task.  A pair comes once for each key that it
    shares.  Memory: 80 bytes an entry; the meetings are never held together.
    """
    entries = entries_in(batches)
    if not len(entries):
        return
    buckets = into_buckets(entries, cap)
    for left, right in meetings(buckets, cap, anchors):
        wanted = buckets.is_new[left] | buckets.is_new[right]
        left, right = left[wanted], right[wanted]
        if len(left):
            found = [buckets.doc[left], buckets.doc[right], buckets.is_new[left], buckets.is_new[right]]
            yield from _rows(found, pa.nulls(len(left), pa.int64()))
    docs, missed = missed_meetings(buckets, cap, anchors)
    if len(docs):
        yield from _rows([docs, *[pa.nulls(len(docs), kind) for kind in (pa.int64(), pa.bool_(), pa.bool_())]], missed)


def into_buckets(entries: Entries, cap: int) -> Buckets:
    """Return the entries [m] of buckets that hold a new document and another one; greater ones than `cap` divided."""
    key, doc, is_new = (np.ascontiguousarray(entries[name]) for name in ("key", "doc", "is_new"))
    order = np.argsort(key)
    starts, sizes = _runs(_changes(key[order]))
    kept = (sizes > 1) & np.logical_or.reduceat(is_new[order], starts)
    order = order[np.repeat(kept, sizes)]
    size = np.repeat(sizes[kept], sizes[kept])
    division = np.where(size > cap, entries["finer"][order], 0)
    bucket = np.repeat(np.arange(kept.sum()), sizes[kept])
    within = np.lexsort((doc[order], division, bucket))
    order, bucket, division = order[within], bucket[within], division[within]
    starts, counts = _runs(_changes(bucket) | _changes(division))
    start, count = np.repeat(starts, counts), np.repeat(counts, counts)
    return Buckets(doc[order], is_new[order], size, _roots(doc[order], bucket), start, count)


def _roots(doc: NDArray[np.int64], bucket: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place [m] of the smallest document of each entry's bucket, which may not be its first."""
    _, sizes = _runs(_changes(bucket))
    first = np.lexsort((doc, bucket))[np.cumsum(sizes) - sizes]
    return np.repeat(first, sizes)


def meetings(buckets: Buckets, cap: int, anchors: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield pairs of places (left [p], right [p]) of documents of one bucket, left the smaller: all pairs of a bucket
    of `cap` documents at most, in a greater one those with its first `anchors` documents; and those with the root of a
    bucket that was divided."""
    places = np.arange(len(buckets.doc))
    right = places[_is_apart(buckets)]
    if len(right):
        yield buckets.root[right], right
    ends = buckets.start + buckets.count
    left = places[buckets.count <= cap]
    for apart in range(1, cap):
        left = left[left + apart < ends[left]]
        if not len(left):
            break
        yield left, left + apart
    right = places[buckets.count > cap]
    for anchor in range(anchors):
        right = right[right > buckets.start[right] + anchor]
        if not len(right):
            break
        yield buckets.start[right] + anchor, right


def missed_meetings(buckets: Buckets, cap: int, anchors: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the new documents [d] that did not meet all of their buckets, and how many they missed [d]: those of
    other divisions but the root, and in a bucket above `cap` those beyond its anchors.  The root meets all."""
    places = np.arange(len(buckets.doc))
    is_beyond = (buckets.count > cap) & (places >= buckets.start + anchors)
    missed = buckets.size - buckets.count - _is_apart(buckets)
    missed += np.where(is_beyond, buckets.count - 1 - anchors, 0)
    missed[buckets.root == places] = 0
    counted = buckets.is_new & (missed > 0)
    docs, groups = np.unique(buckets.doc[counted], return_inverse=True)
    totals = np.zeros(len(docs), np.int64)
    np.add.at(totals, groups, missed[counted])
    return docs, totals


def _is_apart(buckets: Buckets) -> NDArray[np.bool_]:
    """Return whether each entry [m] lies in another division than the root of its bucket."""
    apart: NDArray[np.bool_] = buckets.start[buckets.root] != buckets.start
    return apart


def _changes(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where a value [n] differs from the one before; true for the first."""
    changes = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def _runs(changes: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and length of each run."""
    starts = np.flatnonzero(changes)
    return starts, np.diff(starts, append=len(changes))


def _rows(columns: list[NDArray[np.int64] | NDArray[np.bool_] | pa.Array], missed: pa.Array) -> list[pa.RecordBatch]:
    names = [field.split()[0] for field in MEETING_SCHEMA.split(", ")]
    rows = pa.table([pa.array(column) for column in (*columns, missed)], names)
    parts: list[pa.RecordBatch] = rows.to_batches(ROWS_AT_ONCE)
    return parts
