"""Meetings in buckets: one example by hand, random buckets against brute force, one bucket of 50,000."""

from collections import Counter, defaultdict
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.band_entries import ENTRY
from udfs.buckets import meeting_batches


class Entry(NamedTuple):
    doc: int
    is_new: bool
    key: int
    finer: int


Meetings = Counter[tuple[int, int, bool, bool]]


def meet(entries: list[Entry], cap: int, anchors: int, parts: int = 1) -> tuple[Meetings, dict[int, int]]:
    """The meetings, with how often each was told, and what each new document missed."""
    blocks = [np.array(entries[part::parts], ENTRY).tobytes() for part in range(parts)]
    batches = [pa.RecordBatch.from_pydict({"part": [part], "entries": [one]}) for part, one in enumerate(blocks)]
    met: Meetings = Counter()
    missed: dict[int, int] = {}
    for batch in meeting_batches(batches, cap, anchors):
        for left, right, left_new, right_new, number in zip(*batch.to_pydict().values(), strict=True):
            if number is None:
                met[left, right, left_new, right_new] += 1
            else:
                assert left not in missed
                missed[left] = number
    return met, missed


def by_brute_force(entries: list[Entry], cap: int, anchors: int) -> tuple[Meetings, dict[int, int]]:
    buckets = defaultdict(list)
    for entry in entries:
        buckets[entry.key].append(entry)
    met: Meetings = Counter()
    missed: Counter[int] = Counter()
    for whole in buckets.values():
        divisions = defaultdict(list)
        for entry in whole:
            divisions[entry.finer if len(whole) > cap else None].append(entry)
        has_new, root = any(entry.is_new for entry in whole), min(whole)
        for division in divisions.values():
            division.sort()
            for entry in division if root not in division else ():
                if root.is_new or entry.is_new:
                    met[root.doc, entry.doc, root.is_new, entry.is_new] += 1
            heads = {entry.doc for entry in division[:anchors]} if len(division) > cap else {e.doc for e in division}
            for left, right in combinations(division, 2):
                if left.doc in heads and (left.is_new or right.is_new):
                    met[left.doc, right.doc, left.is_new, right.is_new] += 1
            for entry in division:
                seen = len(division) - 1 if entry.doc in heads else len(heads)
                seen = len(whole) - 1 if entry == root else seen + (root not in division)
                if has_new and entry.is_new:
                    missed[entry.doc] += len(whole) - 1 - seen
    return met, {doc: number for doc, number in missed.items() if number}


def test_an_example_by_hand() -> None:
    """Cap 2, one anchor.  Key 5 has two documents, key 6 four in two divisions, key 7 only old ones, key 8 one."""
    entries = [
        *(Entry(-7, True, 5, 0), Entry(3, False, 5, 1)),
        *(Entry(-7, True, 6, 0), Entry(1, False, 6, 0), Entry(2, True, 6, 0), Entry(3, False, 6, 9)),
        *(Entry(1, False, 7, 0), Entry(3, False, 7, 0)),
        Entry(2, True, 8, 0),
    ]
    met, missed = meet(entries, cap=2, anchors=1)
    assert met == {(-7, 3, True, False): 2, (-7, 1, True, False): 1, (-7, 2, True, True): 1}, "-7 is the root of 6"
    assert missed == {2: 2}, "2 missed 3, of another division, and 1, which is no anchor"


@st.composite
def buckets(draw: st.DrawFn) -> list[Entry]:
    """Each document has a key at most once, and is new or old everywhere."""
    new = {doc: draw(st.booleans()) for doc in range(-4, 5)}
    places = draw(st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 3)), max_size=36, unique=True))
    return [Entry(doc, new[doc], key, draw(st.integers(-1, 1))) for doc, key in places]


@settings(deadline=None)
@given(buckets(), st.integers(2, 5), st.integers(1, 4), st.integers(1, 3))
def test_random_buckets_meet_as_by_brute_force(entries: list[Entry], cap: int, anchors: int, parts: int) -> None:
    assert meet(entries, cap, anchors, parts) == by_brute_force(entries, cap, anchors)


def test_nothing_meets_in_an_empty_task() -> None:
    assert meet([], cap=2, anchors=1) == (Counter(), {})
    assert list(meeting_batches([], cap=2, anchors=1)) == []


def test_divisions_of_one_document_each_meet_in_their_root() -> None:
    entries = [Entry(doc, True, 1, doc) for doc in range(50_000)]
    met, missed = meet(entries, cap=100, anchors=10)
    assert set(met) == {(0, doc, True, True) for doc in range(1, 50_000)}
    assert missed == dict.fromkeys(range(1, 50_000), 50_000 - 2)


def test_a_bucket_of_50_000_meets_its_anchors_alone() -> None:
    entries = [Entry(doc, True, 1, 2) for doc in range(50_000)]
    met, missed = meet(entries, cap=100, anchors=10)
    assert len(met) == met.total() == 45 + 10 * (50_000 - 10)
    assert len(missed) == 50_000 - 10 and set(missed.values()) == {50_000 - 1 - 10}
