"""Prefixes of shingle sets: two sets with Jaccard >= t share a member of both prefixes (Bayardo et al., WWW 2007, 3).

The prefix of a set of n members is its first floor((1 - t) n) + 1 in a total order that all sets follow. The order here
is rarity, told by a sketch of counters: any order is exact, a good one only makes fewer pairs meet. Pairs of interest
have a held-out document, so a member that no held-out document has counts as zero: it takes up a place in the prefix
and is not written.

Members that very many pairs share are crowded: such pairs are looked for apart (udfs/crowds.py).
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from udfs.minhash import shingle_slices
from udfs.shingles import ShingleRule, Shingles

PREFIX_SCHEMA = "document_id string, grain int, num int, num_crowded int, place int, shingle int, is_crowded boolean"
SKETCH_SCHEMA = "every binary, held_out binary"
# 2^22 counters of two bytes: 8 MB, ten counters for each distinct shingle of 2,000 held-out documents.
MIN_BITS, MAX_BITS = 16, 24
MOST = np.iinfo(np.uint16).max
FINE, COARSE = 0, 1
# A member that this many pairs of a held-out document and another one share is crowded.
MOST_MEETINGS = 10_000

Sketch = NDArray[np.uint16]


class Rarity(NamedTuple):
    """counts: how many documents have a shingle of each counter [2^bits], zero where no held-out document has it.
    is_crowded: of each counter, whether very many pairs share such a shingle."""

    counts: Sketch
    is_crowded: NDArray[np.bool_]


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


def rarity(every: Sketch, held_out: Sketch) -> Rarity:
    """How common the shingles of all documents are, and which of them are crowded."""
    pairs = every.astype(np.int64) * held_out
    return Rarity(np.where(held_out > 0, every, 0).astype(np.uint16), pairs > MOST_MEETINGS)


def prefix_length(num: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """Members of the prefix of a set of `num` members."""
    length: NDArray[np.int64] = np.floor((1 - threshold) * num + 1e-9).astype(np.int64) + 1
    return length


def members_behind(num: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """Members of a set of `num` that follow its prefix."""
    return num - prefix_length(num, threshold)


def prefix(shingles: Shingles, grain: int, known: Rarity, threshold: float) -> dict[str, NDArray[np.int64]]:
    """The written members of each set's prefix, as columns of equal length.

    document: index of the set.  num: members of the set.  num_crowded: of those written, how many are crowded.
    place: position in the order, from 0.  shingle: the hash.  is_crowded: 1 or 0."""
    sizes = np.diff(shingles.offsets)
    documents = np.repeat(np.arange(len(sizes)), sizes)
    slots = _slot(shingles.hashes, grain, len(known.counts).bit_length() - 1)
    counts = known.counts[slots]
    order = np.lexsort((shingles.hashes, counts, documents))
    places = np.arange(len(order)) - np.repeat(shingles.offsets[:-1], sizes)
    kept = (places < prefix_length(sizes, threshold)[documents]) & (counts[order] > 0)
    chosen = order[kept]
    document, is_crowded = documents[chosen], known.is_crowded[slots[chosen]]
    crowded = np.bincount(document[is_crowded], minlength=len(sizes))
    return {
        "document": document,
        "num": sizes[document],
        "num_crowded": crowded[document],
        "place": places[kept],
        "shingle": shingles.hashes[chosen].astype(np.int64),
        "is_crowded": is_crowded.astype(np.int64),
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
    batches: Iterable[pa.RecordBatch], rule: ShingleRule, known: Rarity, threshold: float
) -> Iterator[pa.RecordBatch]:
    """Input columns: document_id, text.  Output columns: PREFIX_SCHEMA, one row a written member."""
    for document_ids, grains in shingle_slices(batches, rule):
        for grain, shingles in enumerate(grains):
            columns = prefix(shingles, grain, known, threshold)
            named = {"document_id": document_ids.take(pa.array(columns.pop("document")))}
            is_crowded = {"is_crowded": columns.pop("is_crowded").astype(bool)}
            columns["shingle"] -= 1 << 31  # signed in Spark
            grains_of = {"grain": np.full(len(columns["num"]), grain)}
            numbers = {name: column.astype(np.int32) for name, column in (grains_of | columns).items()}
            yield pa.RecordBatch.from_pydict(named | numbers | is_crowded)


def _slot(hashes: NDArray[np.uint32], grain: int, bits: int) -> NDArray[np.int64]:
    """The counter of each hash; the grains use the low and the high bits, so that they do not meet in step."""
    shifted = hashes >> np.uint32(32 - bits) if grain == COARSE else hashes & np.uint32((1 << bits) - 1)
    return shifted.astype(np.int64)
