"""Find which documents meet: those that share a band key, at least one of them new.

A bucket is all documents of one key.  A great bucket is divided by a finer key; what is still too great meets only its
anchors, the smallest documents by hash.  So the meetings of a bucket of n documents grow with n, not with its square.

Input of `meeting_batches`, one row a document and key: {"doc": -71, "is_new": True, "key": 5, "finer": 812}.
Output, one row a meeting, and one for each new document that missed some:
{"left_doc": -71, "right_doc": 3, "left_new": True, "right_new": False, "missed": None}.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NAMES = ("doc", "is_new", "key", "finer")
ROWS_AT_ONCE = 1 << 16
MEETING_SCHEMA = "left_doc bigint, right_doc bigint, left_new boolean, right_new boolean, missed bigint"


@dataclass(frozen=True)
class Entries:
    """Hold entries [m] in order of bucket and document.

    doc: int64.  is_new: bool.  size: documents of the undivided bucket.  start: place of the bucket's first entry.
    count: documents of the bucket."""

    doc: NDArray[np.int64]
    is_new: NDArray[np.bool_]
    size: NDArray[np.int64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]


def meeting_batches(batches: Iterable[pa.RecordBatch], cap: int, anchors: int) -> Iterator[pa.RecordBatch]:
    """Yield the meetings of this task's buckets, then what was missed.

    Input columns: doc int64, is_new bool, key int64, finer int64; all entries of a key are in one task.  A pair comes
    once for each key that it shares.  Memory: 60 bytes an entry; the meetings are never held together.
    """
    columns = _columns(batches)
    if not len(columns[0]):
        return
    entries = into_buckets(*columns, cap)
    for left, right in meetings(entries, cap, anchors):
        wanted = entries.is_new[left] | entries.is_new[right]
        left, right = left[wanted], right[wanted]
        if len(left):
            found = [entries.doc[left], entries.doc[right], entries.is_new[left], entries.is_new[right]]
            yield from _rows(found, pa.nulls(len(left), pa.int64()))
    docs, missed = missed_meetings(entries, cap, anchors)
    if len(docs):
        yield from _rows([docs, *[pa.nulls(len(docs), kind) for kind in (pa.int64(), pa.bool_(), pa.bool_())]], missed)


def into_buckets(
    doc: NDArray[np.int64], is_new: NDArray[np.bool_], key: NDArray[np.int64], finer: NDArray[np.int64], cap: int
) -> Entries:
    """Return the entries of buckets that hold a new document and another one; greater ones than `cap` are divided."""
    order = np.argsort(key)
    starts, sizes = _runs(_changes(key[order]))
    kept = (sizes > 1) & np.logical_or.reduceat(is_new[order], starts)
    order = order[np.repeat(kept, sizes)]
    size = np.repeat(sizes[kept], sizes[kept])
    division = np.where(size > cap, finer[order], 0)
    bucket = np.repeat(np.arange(kept.sum()), sizes[kept])
    within = np.lexsort((doc[order], division, bucket))
    order, bucket, division = order[within], bucket[within], division[within]
    starts, counts = _runs(_changes(bucket) | _changes(division))
    return Entries(doc[order], is_new[order], size, np.repeat(starts, counts), np.repeat(counts, counts))


def meetings(entries: Entries, cap: int, anchors: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield pairs of places (left [p], right [p]) of documents of one bucket, left the smaller: all pairs of a bucket
    of `cap` documents at most, in a greater one those with its first `anchors` documents."""
    places = np.arange(len(entries.doc))
    ends = entries.start + entries.count
    left = places[entries.count <= cap]
    for apart in range(1, cap):
        left = left[left + apart < ends[left]]
        if not len(left):
            break
        yield left, left + apart
    right = places[entries.count > cap]
    for anchor in range(anchors):
        right = right[right > entries.start[right] + anchor]
        if not len(right):
            break
        yield entries.start[right] + anchor, right


def missed_meetings(entries: Entries, cap: int, anchors: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the new documents [d] that did not meet all of their buckets, and how many they missed [d]: those of
    other divisions, and in a bucket above `cap` those beyond its anchors."""
    is_beyond = (entries.count > cap) & (np.arange(len(entries.doc)) >= entries.start + anchors)
    missed = entries.size - entries.count + np.where(is_beyond, entries.count - 1 - anchors, 0)
    counted = entries.is_new & (missed > 0)
    docs, groups = np.unique(entries.doc[counted], return_inverse=True)
    totals = np.zeros(len(docs), np.int64)
    np.add.at(totals, groups, missed[counted])
    return docs, totals


def _columns(
    batches: Iterable[pa.RecordBatch],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return doc, is_new, key and finer of all batches."""
    parts = [[batch.column(name).to_numpy(zero_copy_only=False) for name in NAMES] for batch in batches]
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(0, np.int64)
    doc, is_new, key, finer = (np.concatenate(column) for column in zip(*parts, strict=True))
    return doc, is_new, key, finer


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
