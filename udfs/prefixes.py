"""Prefixes of shingle sets: two sets with Jaccard >= t share a member of both prefixes (Bayardo et al., WWW 2007, 3).

The prefix of a set of n members is its first floor((1 - t) n) + 1 in a total order that all sets follow. The order here
is rarity, told by a sketch of counters: any order is exact, a good one only makes fewer pairs meet. Pairs of interest
have a held-out document, so a member that no held-out document has counts as zero: it takes up a place in the prefix
and is not written.
"""

from collections.abc import Iterable, Iterator
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.minhash import shingle_slices
from udfs.shingles import ShingleRule, Shingles

PREFIX_SCHEMA = "document_id string, grain int, num int, place int, shingle int"
SKETCH_SCHEMA = "every binary, held_out binary"
# 2^22 counters of two bytes: 8 MB, ten counters for each distinct shingle of 2,000 held-out documents.
MIN_BITS, MAX_BITS = 16, 24
MOST = np.iinfo(np.uint16).max
FINE, COARSE = 0, 1

Sketch = NDArray[np.uint16]


def sketch_bits(num_held_out: int) -> int:
    """Bits of a sketch that stays sparse: about 2,000 counters a held-out document, between 128 kB and 32 MB."""
    return int(np.clip(np.ceil(np.log2(max(num_held_out, 1) * 2_000)), MIN_BITS, MAX_BITS))


def count_members(grains: Iterable[Shingles], bits: int) -> Sketch:
    """How many documents hold a shingle of each counter: [2^bits], at most 65,535. Grains in order fine, coarse."""
    counts = np.zeros(1 << bits, np.int64)
    for grain, shingles in enumerate(grains):
        counts += np.bincount(_slot(shingles.hashes, grain, bits), minlength=1 << bits)
    return np.minimum(counts, MOST).astype(np.uint16)


def merge(sketches: Iterable[Sketch]) -> Sketch:
    """The sketch of all documents together."""
    return reduce(lambda a, b: a + np.minimum(b, MOST - a), sketches)


def rarity(every: Sketch, held_out: Sketch) -> Sketch:
    """How common a shingle is, zero where no held-out document has it."""
    return np.where(held_out > 0, every, 0).astype(np.uint16)


def prefix(shingles: Shingles, grain: int, sketch: Sketch, threshold: float) -> dict[str, NDArray[np.int64]]:
    """The written members of each set's prefix, as columns of equal length.

    document: index of the set.  num: members of the set.  place: position in the order, from 0.  shingle: the hash."""
    sizes = np.diff(shingles.offsets)
    documents = np.repeat(np.arange(len(sizes)), sizes)
    counts = sketch[_slot(shingles.hashes, grain, len(sketch).bit_length() - 1)]
    order = np.lexsort((shingles.hashes, counts, documents))
    places = np.arange(len(order)) - np.repeat(shingles.offsets[:-1], sizes)
    lengths = np.floor((1 - threshold) * sizes + 1e-9).astype(np.int64) + 1
    kept = (places < lengths[documents]) & (counts[order] > 0)
    chosen = order[kept]
    return {
        "document": documents[chosen],
        "num": sizes[documents[chosen]],
        "place": places[kept],
        "shingle": shingles.hashes[chosen].astype(np.int64),
    }


def sketch_batches(batches: Iterable[pa.RecordBatch], rule: ShingleRule, bits: int) -> Iterator[pa.RecordBatch]:
    """Input columns: document_id, text, is_held_out.  Output: one row a task with the columns of SKETCH_SCHEMA."""
    parts = {flag: np.zeros(1 << bits, np.uint16) for flag in (False, True)}
    for batch in batches:
        for flag in parts:
            rows = batch.filter(pc.equal(batch.column("is_held_out"), flag))
            for _, grains in shingle_slices([rows], rule):
                parts[flag] = merge([parts[flag], count_members(grains, bits)])
    columns = {"every": merge(parts.values()), "held_out": parts[True]}
    yield pa.RecordBatch.from_pydict({name: pa.array([part.tobytes()], pa.binary()) for name, part in columns.items()})


def prefix_batches(
    batches: Iterable[pa.RecordBatch], rule: ShingleRule, sketch: Sketch, threshold: float
) -> Iterator[pa.RecordBatch]:
    """Input columns: document_id, text.  Output columns: PREFIX_SCHEMA, one row a written member."""
    for document_ids, grains in shingle_slices(batches, rule):
        for grain, shingles in enumerate(grains):
            columns = prefix(shingles, grain, sketch, threshold)
            named = document_ids.take(pa.array(columns.pop("document")))
            signed = (columns["shingle"] - (1 << 31)).astype(np.int32)
            numbers = [pa.array(columns[name].astype(np.int32)) for name in ("num", "place")]
            grain_column = pa.array(np.full(len(signed), grain, np.int32))
            yield pa.RecordBatch.from_arrays(
                [named, grain_column, *numbers, pa.array(signed)], ["document_id", "grain", "num", "place", "shingle"]
            )


def _slot(hashes: NDArray[np.uint32], grain: int, bits: int) -> NDArray[np.int64]:
    """The counter of each hash; the grains use the low and the high bits, so that they do not meet in step."""
    shifted = hashes >> np.uint32(32 - bits) if grain == COARSE else hashes & np.uint32((1 << bits) - 1)
    return shifted.astype(np.int64)
