"""Pairs of crowded members: one example by hand, random sets against a count of every pair."""

from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import crowds
from udfs.crowds import crowded_pairs
from udfs.prefixes import COARSE, FINE

RANK = {"train": 0, "val": 1, "test": 2}
SCHEMA = pa.schema(
    {
        "document_id": pa.string(),
        "split": pa.string(),
        "grain": pa.int32(),
        "num": pa.int32(),
        "members": pa.list_(pa.int32()),
    }
)


class Document(NamedTuple):
    document_id: str
    split: str
    grain: int
    num: int
    members: list[int]


def table(documents: list[Document]) -> pa.Table:
    return pa.Table.from_pylist([one._asdict() for one in documents], SCHEMA)


def met(lower: list[Document], higher: list[Document], threshold: float) -> list[tuple[str, str, str, str]]:
    found = crowded_pairs(table(lower), table(higher), threshold)
    assert set(found.column("left_out").to_pylist()) <= {None}
    return sorted(tuple(row.values())[:4] for row in found.to_pylist())


def test_an_example_by_hand() -> None:
    """Sets of 10 have 4 members behind their prefix at 0.5 and need 7 in common: 3 crowded ones allow it, 2 do not."""
    lower = [
        Document("a", "train", FINE, 10, [1, 2, 3]),
        Document("b", "train", FINE, 10, [1, 2]),
        Document("c", "val", FINE, 10, [1, 2, 3]),
        Document("d", "train", COARSE, 10, [1, 2, 3]),
    ]
    higher = [Document("e", "test", FINE, 10, [3, 2, 1]), Document("f", "val", FINE, 10, [1, 2, 3, 4])]
    assert met(lower, higher, 0.5) == [
        ("a", "e", "train", "test"),
        ("a", "f", "train", "val"),
        ("c", "e", "val", "test"),  # c and f lie in one split, d has nothing of its grain to meet
    ]


def test_sets_of_very_different_sizes_do_not_meet() -> None:
    lower, higher = [Document("a", "train", FINE, 4, [1, 2, 3])], [Document("b", "test", FINE, 9, [1, 2, 3])]
    assert met(lower, higher, 0.5) == [] and met(lower, higher, 0.4) == [("a", "b", "train", "test")]


def documents(splits: list[str], name: str) -> st.SearchStrategy[list[Document]]:
    members = st.lists(st.integers(-3, 9), max_size=8, unique=True)
    one = st.tuples(st.sampled_from(splits), st.sampled_from([FINE, COARSE]), st.integers(1, 20), members)
    return st.lists(one, max_size=9).map(
        lambda rows: [Document(f"{name}{n}", *row[:2], max(row[2], len(row[3])), row[3]) for n, row in enumerate(rows)]
    )


@settings(deadline=None)
@given(documents(["train", "val"], "l"), documents(["val", "test"], "h"), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_random_sets_meet_as_by_counting_every_pair(
    lower: list[Document], higher: list[Document], threshold: float
) -> None:
    expected = []
    for low in lower:
        for high in higher:
            shared = len(set(low.members) & set(high.members))
            behind = max(one.num - int((1 - threshold) * one.num + 1e-9) - 1 for one in (low, high))
            fits = min(low.num, high.num) >= threshold * max(low.num, high.num) - 1e-9
            enough = shared + behind >= threshold / (1 + threshold) * (low.num + high.num) - 1e-6
            if shared and fits and enough and low.grain == high.grain and RANK[low.split] < RANK[high.split]:
                expected.append((low.document_id, high.document_id, low.split, high.split))
    assert met(lower, higher, threshold) == sorted(expected)


def test_slices_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    lower = [Document(f"l{n}", "train", FINE, 6, [n % 3, n % 4, 7]) for n in range(20)]
    higher = [Document(f"h{n}", "test", FINE, 6, [n % 3, 7, 8]) for n in range(10)]
    whole = met(lower, higher, 0.5)
    monkeypatch.setattr(crowds, "PAIRS_AT_ONCE", 30)
    assert met(lower, higher, 0.5) == whole and len(whole) > 10


def test_too_many_pairs_are_counted_and_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "MOST_PAIRS", 5)
    lower = table([Document(f"l{n}", "train", FINE, 3, [1, 2]) for n in range(3)])
    higher = table([Document(f"h{n}", "test", FINE, 3, [1, 2]) for n in range(2)])
    found = crowded_pairs(lower, higher, 0.5).to_pylist()
    assert found == [{"document_id": None, "other_id": None, "split": None, "other_split": None, "left_out": 6}]
