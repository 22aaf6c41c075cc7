"""Blocks of band keys: one example by hand, random documents against plain Python, marks of keys."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from udfs.band_entries import entries_in, entries_of, entry_batches, is_marked, marks_of

Document = tuple[int, bool, list[int] | None]
TYPES = pa.schema({"doc": pa.int64(), "is_new": pa.bool_(), "band_keys": pa.list_(pa.int64())})
INT64 = st.integers(-(2**63), 2**63 - 1)
DOCUMENTS = st.lists(st.tuples(INT64, st.booleans(), st.none() | st.lists(INT64, max_size=9)), max_size=9)


def batch_of(documents: list[Document]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(column, kind) for column, kind in zip(zip(*documents, strict=True), TYPES.types, strict=True)]
        if documents
        else [pa.array([], kind) for kind in TYPES.types],
        schema=TYPES,
    )


def plain(entries: NDArray[np.void]) -> list[tuple[int, bool, int]]:
    columns = (entries[name].tolist() for name in ("doc", "is_new", "key"))
    return sorted(zip(*columns, strict=True))


def test_an_example_by_hand() -> None:
    """Key 7 is in part 1 of 2, the even keys are in part 0; a document without keys has no entry."""
    documents: list[Document] = [(-71, True, [4, 7]), (3, False, None), (5, False, [7, 6]), (6, True, [])]
    (blocks,) = entry_batches([batch_of(documents)], parts=2)
    assert blocks.column("part").to_pylist() == [0, 1]
    even, odd = [plain(entries_in([blocks.slice(place, 1)])) for place in range(2)]
    assert even == [(-71, True, 4), (5, False, 6)]
    assert odd == [(-71, True, 7), (5, False, 7)]


@settings(deadline=None)
@given(st.lists(DOCUMENTS, max_size=3), st.integers(1, 5))
def test_every_entry_comes_once_and_a_key_is_in_one_part(slices: list[list[Document]], parts: int) -> None:
    blocks = list(entry_batches([batch_of(one) for one in slices], parts))
    wanted = [(doc, is_new, key) for one in slices for doc, is_new, keys in one for key in keys or []]
    assert plain(entries_in(blocks)) == sorted(wanted)
    parts_of = defaultdict(set)
    for batch in blocks:
        for place, part in enumerate(batch.column("part").to_pylist()):
            for key in entries_in([batch.slice(place, 1)])["key"].tolist():
                parts_of[key].add(part)
    assert all(len(found) == 1 for found in parts_of.values())


def test_the_finer_key_is_of_the_key_and_the_three_behind_it() -> None:
    """Wrapping round; equal where these four are equal, whatever stands elsewhere."""
    documents: list[Document] = [
        (1, True, [1, 2, 3, 4, 5]),
        (2, True, [9, 1, 2, 3, 4]),
        (3, True, [4, 5, 1, 2]),
        (4, True, [8]),
    ]
    finer = [entry["finer"].tolist() for entry in entries_of(batch_of(documents))]
    first, second, third = finer[:5], finer[5:10], finer[10:14]
    assert first[0] == second[1] and first[3] == third[0], "1 2 3 4, and 4 5 1 2 round the end"
    assert len(set(finer)) == len(finer) - 2


@settings(deadline=None)
@given(st.lists(INT64, max_size=50), st.lists(INT64, max_size=50))
def test_marked_keys_are_found_and_hardly_any_other(wanted: list[int], others: list[int]) -> None:
    marks = marks_of(np.array(wanted, np.int64))
    assert is_marked(np.array(wanted, np.int64), marks).all()
    highest = {key >> 40 for key in wanted}
    assert is_marked(np.array(others, np.int64), marks).tolist() == [key >> 40 in highest for key in others]


def test_only_wanted_keys_are_cut() -> None:
    low, high = 5, 1 << 60
    blocks = entry_batches([batch_of([(1, True, [low, high]), (2, False, [high])])], 4, marks_of(np.array([low])))
    assert plain(entries_in(blocks)) == [(1, True, low)]
