"""Deal the band keys of documents out to parts, so that all documents of one key are in one part.

An entry is a document under one of its band keys.  Millions of them travel as a few hundred blocks of bytes: as rows of
their own Spark would spend more on each than all that is done with it here.

Output of `entry_batches`, one row a block: {"part": 7, "entries": b"..."}, 25 bytes an entry (ENTRY).
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from udfs.hashing import mix_bits
from udfs.ragged import row_offsets

# finer: of the key and the three behind it, wrapping round: it divides a great bucket in a way that no arrival changes.
ENTRY: Final = np.dtype([("doc", np.int64), ("is_new", np.bool_), ("key", np.int64), ("finer", np.int64)])
ENTRIES_SCHEMA: Final = "part int, entries binary"
NEXT_KEYS: Final = 3
# 2 MB: a million wanted keys let one other key in 17 pass.
MARK_BITS: Final = 24

Entries = NDArray[np.void]


def entry_batches(
    batches: Iterable[pa.RecordBatch], parts: int, wanted: NDArray[np.uint8] | None = None
) -> Iterator[pa.RecordBatch]:
    """Input columns: doc int64, is_new bool, band_keys list<int64>.  Output columns: part, entries (ENTRIES_SCHEMA).

    parts: how many there are, 1 to 65,536.  wanted: marks of the keys that matter (`marks_of`); others are left out,
    all but a few.
    """
    for batch in batches:
        entries = entries_of(batch)
        if wanted is not None:
            entries = entries[is_marked(entries["key"], wanted)]
        part = (entries["key"].view(np.uint64) % np.uint64(parts)).astype(np.uint16)
        order = np.argsort(part, kind="stable")
        present, starts = np.unique(part[order], return_index=True)
        blocks = [block.tobytes() for block in np.split(entries[order], starts[1:])] if len(present) else []
        yield pa.RecordBatch.from_arrays(
            [pa.array(present, pa.int32()), pa.array(blocks, pa.binary())], ["part", "entries"]
        )


def entries_of(batch: pa.RecordBatch) -> Entries:
    """Return an entry [m] for each band key of each document; columns as in `entry_batches`."""
    lists = batch.column("band_keys")
    sizes = lists.value_lengths().fill_null(0).to_numpy().astype(np.int64)
    keys = lists.flatten().to_numpy()
    entries = np.empty(len(keys), ENTRY)
    entries["doc"] = np.repeat(batch.column("doc").to_numpy(), sizes)
    entries["is_new"] = np.repeat(batch.column("is_new").to_numpy(zero_copy_only=False), sizes)
    entries["key"] = keys
    entries["finer"] = _finer(keys, sizes)
    return entries


def _finer(keys: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a hash [m] of each key and the next NEXT_KEYS of its document, rows of `sizes` [n] keys."""
    starts = np.repeat(row_offsets(sizes)[:-1], sizes)
    around = np.repeat(sizes, sizes)
    place = np.arange(len(keys)) - starts
    mixed = mix_bits(keys.view(np.uint64))
    for step in range(1, NEXT_KEYS + 1):
        mixed = mix_bits(mixed ^ keys.view(np.uint64)[starts + (place + step) % around])
    return mixed.view(np.int64)


def marks_of(keys: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return one bit [2^MARK_BITS / 8] for each value of a key's highest bits, set for these keys [k]."""
    marks = np.zeros(1 << MARK_BITS, np.bool_)
    marks[_mark(keys)] = True
    return np.packbits(marks, bitorder="little")


def is_marked(keys: NDArray[np.int64], marks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return whether each key [m] may be one of those marked: true for all of them, and for a few others."""
    mark = _mark(keys)
    bits: NDArray[np.uint8] = marks[mark >> 3] >> (mark & 7).astype(np.uint8)
    return (bits & 1).astype(np.bool_)


def entries_in(batches: Iterable[pa.RecordBatch]) -> Entries:
    """Return all entries [m] of batches with a column `entries`."""
    blocks = [block.as_buffer() for batch in batches for block in batch.column("entries")]
    return np.frombuffer(b"".join(blocks), ENTRY)


def _mark(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return (keys.view(np.uint64) >> np.uint64(64 - MARK_BITS)).astype(np.int64)
