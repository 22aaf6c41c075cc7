"""Prefixes against all pairs: no pair at or above the threshold is lost, whatever the sketch."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.prefixes import Rarity, count_members, merge, prefix, prefix_batches, rarity, sketch_batches, sketch_bits
from udfs.shingles import ShingleRule, Shingles

sets_of_hashes = st.lists(st.sets(st.integers(0, 40), min_size=0, max_size=12), min_size=2, max_size=12)


def csr(sets: list[set[int]]) -> Shingles:
    hashes = [np.array(sorted(x * 104_729 % (1 << 32) for x in one), np.uint32) for one in sets]
    hashes = [np.sort(one) for one in hashes]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in hashes])]).astype(np.int64)
    flat = np.concatenate(hashes) if hashes else np.empty(0, np.uint32)
    return Shingles(offsets, flat.astype(np.uint32), np.ones(len(sets), bool))


def known(held_out: Shingles) -> Rarity:
    counts = count_members([held_out], 16)
    return rarity(counts, counts)


@settings(max_examples=200, deadline=None)
@given(sets_of_hashes, st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]), st.integers(1, 11))
def test_no_similar_pair_is_lost(sets: list[set[int]], threshold: float, held_out: int) -> None:
    found = prefix(csr(sets), 0, known(csr(sets[:held_out])), threshold)
    members: dict[int, set[int]] = {}
    for document, shingle in zip(found["document"], found["shingle"], strict=True):
        members.setdefault(int(document), set()).add(int(shingle))
    for left in range(min(held_out, len(sets))):
        for right in range(len(sets)):
            a, b = sets[left], sets[right]
            if left != right and a and b and len(a & b) / len(a | b) >= threshold:
                assert members.get(left, set()) & members.get(right, set()), (a, b)


def test_the_rarest_members_come_first_and_unknown_ones_use_up_places() -> None:
    held_out = csr([{1, 2, 3, 4}, {2, 3, 4}, {3, 4}, {4}])
    # At 0.5 a set of 4 has a prefix of 3. Of {1, 2, 8, 9} the members 8 and 9 are in no counted set and come first.
    found = prefix(csr([{1, 2, 3, 4}, {1, 2, 8, 9}]), 0, known(held_out), 0.5)
    one, two, three = (x * 104_729 for x in (1, 2, 3))
    assert list(found["document"]) == [0, 0, 0, 1]
    assert list(found["shingle"]) == [one, two, three, one]
    assert list(found["place"]) == [0, 1, 2, 2]
    assert list(found["num"]) == [4, 4, 4, 4]


def test_members_of_very_many_pairs_are_crowded() -> None:
    """101 documents have 1 and 99 of them are held out: 9,999 pairs; of 2 there is one pair more."""
    every, held_out = ([{1, 2}] * 101, [{1, 2}] * 99)
    counts = [count_members([csr(sets)], 16) for sets in (every, held_out)]
    counts[0][2 * 104_729 & 0xFFFF] += 1
    found = prefix(csr([{1, 2, 3}]), 0, rarity(*counts), 0.3)
    assert list(found["shingle"]) == [104_729, 2 * 104_729]
    assert list(found["is_crowded"]) == [0, 1] and list(found["num_crowded"]) == [1, 1]
    assert list(found["place"]) == [1, 2], "3 is in no held-out document, so it comes first"


def test_counters_stop_at_their_most() -> None:
    most = np.full(1 << 16, 65_535, np.uint16)
    sketch = count_members([csr([{1}] * 300)], 16)
    assert sketch.max() == 300
    assert set(merge([sketch, most])) == {65_535}
    assert merge([count_members([csr([{1}] * n)], 16) for n in (3, 4)]).max() == 7


@pytest.mark.parametrize(("documents", "bits"), [(0, 16), (30, 16), (2_000, 22), (10**6, 24)])
def test_the_sketch_grows_with_the_documents(documents: int, bits: int) -> None:
    assert sketch_bits(documents) == bits


def test_batches_give_what_the_whole_gives() -> None:
    draw = random.Random(1)
    words = [f"word{i}" for i in range(60)]
    texts = [" ".join(draw.choices(words, k=draw.randint(1, 90))) for _ in range(40)]
    flags = [i % 3 == 0 for i in range(40)]
    columns = {"document_id": [f"d{i}" for i in range(40)], "text": texts, "is_held_out": flags}
    batch = pa.RecordBatch.from_pydict(columns)
    rule = ShingleRule()
    (whole,) = sketch_batches([batch], rule, 16)
    parts = list(sketch_batches([batch.slice(0, 7), batch.slice(7)], rule, 16))
    assert parts[0] == whole
    every, held_out = (np.frombuffer(whole.column(name)[0].as_py(), np.uint16) for name in ("every", "held_out"))
    assert every.sum() > held_out.sum() > 0 and (every >= held_out).all()
    sketch = rarity(every, held_out)
    assert ((sketch.counts > 0) == (held_out > 0)).all()
    one = pa.Table.from_batches(prefix_batches([batch], rule, sketch, 0.5))
    cut = pa.Table.from_batches(prefix_batches([batch.slice(0, 7), batch.slice(7)], rule, sketch, 0.5))
    order = [("document_id", "ascending"), ("grain", "ascending"), ("place", "ascending")]
    assert one.sort_by(order) == cut.sort_by(order)
    assert set(one.column("grain").to_pylist()) == {0, 1}
