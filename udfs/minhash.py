"""Sign documents: MinHash signatures of their shingles, and the band keys under which near-copies meet.

One output row of `sign_batches` is a document: {"document_id": "9f…",
"fine_shingles": b"…", "coarse_shingles": None, "band_keys": [7312…, -88…, …]}.
Two documents are candidates when they share a band key; with 32 bands of 4 rows that happens with chance
1 - (1 - J^4)^32: .23 at J = .3, .56 at .4, .87 at .5.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.hashing import mix_bits
from udfs.jaccard import GRAINS, set_bytes
from udfs.ragged import row_offsets
from udfs.shingles import ShingleRule, Shingles, shingle

EMPTY: Final = np.uint32(0xFFFFFFFF)
# Shingles hashed at once: one buffer of 256 kB stays in the L2 cache while 128 hashes run over it, and numpy's
# cost a call is spread over 300 documents (at a quarter of the size a document takes 1.4 times as long).
CHUNK_SHINGLES: Final = 1 << 16
# Text of one Arrow slice: 0.3 GB of working memory at worst, unless one document is longer (10 MB: 0.7 GB).
SLICE_BYTES: Final = 4 << 20
FINE_SALT, COARSE_SALT = 1, 2


def signatures(shingles: Shingles, num_hashes: int = 128, seed: int = 0) -> NDArray[np.uint32]:
    """Return the MinHash signatures [n, num_hashes]; a document without shingles has EMPTY in its whole row.

    The share of equal columns of two rows estimates the Jaccard of their shingles.  The hashes are
    x -> a x + b modulo 2^32 with odd a: a weak family by itself (linear), but the shingles are well mixed
    already; measured at 6 to 2,000 shingles the bias is below .003 and the variance within 7 % of that of
    independent hashes (tests/udfs/test_minhash.py holds a looser bound).
    """
    counts = np.diff(shingles.offsets)
    filled = np.flatnonzero(counts)
    columns = np.full((num_hashes, len(counts)), EMPTY, np.uint32)
    starts = shingles.offsets[:-1][filled]
    hash_functions = _hash_functions(num_hashes, seed)
    for first, last in _cut(counts[filled], CHUNK_SHINGLES):
        begin, end = starts[first], starts[last - 1] + counts[filled[last - 1]]
        minima = _minima(shingles.hashes[begin:end], starts[first:last] - begin, hash_functions)
        columns[:, filled[first:last]] = minima
    return np.ascontiguousarray(columns.T)


def band_keys(signed: NDArray[np.uint32], bands: int = 32, rows: int = 4, salt: int = 0) -> NDArray[np.int64]:
    """Return the keys [n, bands] of signatures [n, at least bands x rows]: equal where a whole band is equal.

    The band's index and the salt (the grain) enter the key, so that keys meet only within one band of one
    grain.  Two different bands share a key with chance 2^-64.
    """
    if bands * rows > signed.shape[1]:
        raise ValueError(f"{bands} bands of {rows} rows need {bands * rows} hashes, got {signed.shape[1]}")
    grouped = signed[:, : bands * rows].reshape(-1, bands, rows)
    keys = np.broadcast_to(mix_bits(np.arange(bands, dtype=np.uint64) + np.uint64(salt << 32)), grouped.shape[:2])
    for row in range(rows):
        keys = mix_bits(keys ^ grouped[:, :, row])
    return keys.view(np.int64)


def sign_batches(
    batches: Iterable[pa.RecordBatch],
    rule: ShingleRule,
    num_hashes: int = 128,
    bands: int = 32,
    rows: int = 4,
    seed: int = 0,
) -> Iterator[pa.RecordBatch]:
    """Cut and sign documents.

    Input columns: document_id, text.  A null text counts as empty.
    Output columns: document_id, fine_shingles, coarse_shingles (hashes of 4 bytes each, ascending; null where the
    document lacks the grain), band_keys list<int64> (those of fine, then those of coarse; empty without any grain).
    """
    for document_ids, grains in shingle_slices(batches, rule):
        has_grain = np.stack([grain.present for grain in grains], axis=1)
        places = np.cumsum(has_grain).reshape(has_grain.shape) - 1  # of each document's grains among all
        keys = np.empty((int(has_grain.sum()), bands), np.int64)
        for column, (grain, salt) in enumerate(zip(grains, (FINE_SALT, COARSE_SALT), strict=True)):
            if len(rows_with := np.flatnonzero(grain.present)):
                signed = signatures(grain, num_hashes, seed)[rows_with]
                keys[places[rows_with, column]] = band_keys(signed, bands, rows, salt)
        offsets = row_offsets(has_grain.sum(axis=1) * bands)
        listed = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(keys.ravel()))
        yield _record_batch(document_ids, grains, {"band_keys": listed})


def shingle_batches(batches: Iterable[pa.RecordBatch], rule: ShingleRule) -> Iterator[pa.RecordBatch]:
    """Cut documents as `sign_batches` does, without signing them.

    Input columns: document_id, text.  Output columns: document_id, fine_shingles, coarse_shingles.
    """
    for document_ids, grains in shingle_slices(batches, rule):
        yield _record_batch(document_ids, grains, {})


def _cut(sizes: NDArray[np.int64], limit: int) -> Iterator[tuple[int, int]]:
    """Yield (first, past the last) of runs of items whose sizes sum to `limit` at most, or of one item."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        fitting = int(np.searchsorted(ends, ends[first] - sizes[first] + limit, side="right"))
        last = max(first + 1, fitting)
        yield first, last
        first = last


def _hash_functions(num_hashes: int, seed: int) -> NDArray[np.uint32]:
    """Return the multipliers (odd) and the addends, [2, num_hashes].

    Drawn by counting and mixing: numpy promises no fixed stream for its generators, and a signature must
    mean the same on every worker.
    """
    counters = np.arange(1, 2 * num_hashes + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    seed_bits = mix_bits(np.array([seed], np.int64).view(np.uint64))
    drawn = (mix_bits(counters + seed_bits) >> np.uint64(32)).astype(np.uint32).reshape(2, num_hashes)
    drawn[0] |= np.uint32(1)
    return drawn


def _minima(
    hashes: NDArray[np.uint32], starts: NDArray[np.int64], hash_functions: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Return the least value [num_hashes, m] of each hash function in each of the m runs from `starts`."""
    minima = np.empty((hash_functions.shape[1], len(starts)), np.uint32)
    hashed = np.empty_like(hashes)
    for row, (multiplier, addend) in zip(minima, hash_functions.T, strict=True):
        np.multiply(hashes, multiplier, out=hashed)
        np.add(hashed, addend, out=hashed)
        np.minimum.reduceat(hashed, starts, out=row)
    return minima


def shingle_slices(
    batches: Iterable[pa.RecordBatch], rule: ShingleRule
) -> Iterator[tuple[pa.Array, tuple[Shingles, Shingles]]]:
    """Yield the ids and both grains of slices of the batches, in order, none of more than SLICE_BYTES."""
    for batch in batches:
        texts = batch.column("text")
        sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        for first, last in _cut(sizes, SLICE_BYTES):
            part = batch.slice(first, last - first)
            grains = shingle([text or "" for text in part.column("text").to_pylist()], rule)
            yield part.column("document_id"), grains


def _record_batch(
    document_ids: pa.Array, grains: tuple[Shingles, Shingles], others: dict[str, pa.Array]
) -> pa.RecordBatch:
    """Return the batch of document_id, both grains and the other columns."""
    sets = [set_bytes(grain.hashes, grain.offsets, grain.present) for grain in grains]
    return pa.RecordBatch.from_pydict({"document_id": document_ids, **dict(zip(GRAINS, sets, strict=True)), **others})
