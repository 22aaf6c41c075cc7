"""Exact Jaccard of lists in Arrow, against Python's sets."""

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import jaccard as module
from udfs.jaccard import jaccard, similarity_batches

LISTS = pa.list_(pa.int32())
MEMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([-(2**31), 2**31 - 1]))
SETS = st.one_of(st.none(), st.lists(MEMBERS, unique=True, max_size=6))


def by_sets(left: list[int] | None, right: list[int] | None) -> float:
    if left is None or right is None or not left + right:
        return math.nan
    return len({*left} & {*right}) / len({*left} | {*right})


@settings(deadline=None)
@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=12), st.integers(0, 3), st.sampled_from([1, 5, 4_000_000]))
def test_as_by_sets_in_whatever_slices(
    pairs: list[tuple[list[int] | None, list[int] | None]], skipped: int, at_once: int
) -> None:
    left, right = (pa.array([pair[side] for pair in pairs], LISTS).slice(skipped) for side in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MEMBERS_AT_ONCE", at_once)
        found = jaccard(left, right).tolist()
    assert found == pytest.approx([by_sets(*pair) for pair in pairs[skipped:]], nan_ok=True)


def test_the_greater_grain_counts_and_the_other_columns_stay() -> None:
    sides = pa.struct([("fine", LISTS), ("coarse", LISTS)])
    left = [{"fine": [1, 2], "coarse": [1, 2, 3]}, {"fine": [1], "coarse": None}]
    right = [{"fine": [3, 4], "coarse": [2, 3, 4]}, {"fine": None, "coarse": [1]}]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(["a", "b"]), pa.array(left, sides), pa.array(right, sides)], ["id", "left", "right"]
    )
    (found,) = similarity_batches([batch])
    assert found.to_pydict() == {"id": ["a", "b"], "similarity": [0.5, None]}
