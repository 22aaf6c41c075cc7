"""Exact Jaccard of sets as bytes, against Python's sets."""

import math
import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import jaccard as module
from udfs.jaccard import GRAINS, jaccard, set_bytes, similarity_batches
from udfs.ragged import row_offsets

Members = list[int] | None
MEMBERS = st.one_of(st.integers(0, 6), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1]))
SETS = st.one_of(st.none(), st.lists(MEMBERS, unique=True, max_size=6))


def in_bytes(members: Members) -> bytes | None:
    return None if members is None else struct.pack(f"<{len(members)}I", *members)


def binary(sets: list[Members]) -> pa.BinaryArray:
    return pa.array([in_bytes(one) for one in sets], pa.binary())


def by_sets(left: Members, right: Members) -> float:
    if left is None or right is None or not left + right:
        return math.nan
    return len({*left} & {*right}) / len({*left} | {*right})


@settings(deadline=None)
@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=12), st.integers(0, 3), st.sampled_from([1, 5, 4_000_000]))
def test_as_by_sets_in_whatever_slices(pairs: list[tuple[Members, Members]], skipped: int, at_once: int) -> None:
    left, right = (binary([pair[side] for pair in pairs]).slice(skipped) for side in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MEMBERS_AT_ONCE", at_once)
        found = jaccard(left, right).tolist()
    assert found == pytest.approx([by_sets(*pair) for pair in pairs[skipped:]], nan_ok=True)


@settings(deadline=None)
@given(st.lists(SETS, max_size=9))
def test_a_set_is_its_members_of_four_bytes_each(sets: list[Members]) -> None:
    members = np.array([member for one in sets for member in one or []], np.uint32)
    offsets = row_offsets(np.array([len(one or []) for one in sets], np.int64))
    found = set_bytes(members, offsets, np.array([one is not None for one in sets], np.bool_))
    found.validate(full=True)
    assert found.to_pylist() == [in_bytes(one) for one in sets]


def test_the_greater_grain_counts_and_the_other_columns_stay() -> None:
    lists: dict[str, tuple[list[Members], list[Members]]] = {
        "left": ([[1, 2], [1]], [[1, 2, 3], None]),
        "right": ([[3, 4], None], [[2, 3, 4], [1]]),
    }
    sides = {
        side: pa.StructArray.from_arrays([binary(sets) for sets in grains], GRAINS) for side, grains in lists.items()
    }
    batch = pa.RecordBatch.from_pydict({"id": ["a", "b"], **sides})
    (found,) = similarity_batches([batch])
    assert found.to_pydict() == {"id": ["a", "b"], "similarity": [0.5, None]}
