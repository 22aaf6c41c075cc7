"""Batches by hand, random lengths against what every batch must fulfil, and what fails."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.token_batches import answers, cut_ids, token_batches


def test_batches_by_hand() -> None:
    """Budget 10: the 12 alone, 5 and 4 as twice 5, then 3, 3 and 1 as three times 3."""
    found = token_batches(np.array([3, 12, 5, 1, 4, 3]), 10)
    assert [list(batch) for batch in found] == [[1], [2, 4], [0, 5, 3]]


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 100))
def test_every_text_is_in_one_batch_that_fits(lengths: list[int], budget: int) -> None:
    batches = token_batches(np.array(lengths, np.int64), budget)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    sizes = [[lengths[place] for place in batch] for batch in batches]
    assert all(len(batch) == 1 or len(batch) * max(batch) <= budget or max(batch) == 0 for batch in sizes)
    flat = [size for batch in sizes for size in batch]
    assert flat == sorted(flat, reverse=True)


@pytest.mark.parametrize(("most", "expected"), [(5, [1, 2, 3, 4]), (4, [1, 2, 3, 4]), (3, [1, 2, 4]), (2, [1, 4])])
def test_the_closing_token_stays(most: int, expected: list[int]) -> None:
    assert cut_ids([1, 2, 3, 4], most) == expected


def test_a_batch_that_is_too_great_is_halved_down_to_the_text_that_is() -> None:
    """Two texts of 3 fit, three do not; the text that begins with 9 never does."""

    def work(texts: Sequence[Sequence[int]]) -> list[int]:
        if len(texts) > 2 or any(text[0] == 9 for text in texts):
            raise MemoryError
        return [len(text) for text in texts]

    texts = [[1, 1, 1], [9, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4]]
    found = [(list(places), result) for places, result in answers(texts, [len(ids) for ids in texts], 100, work)]
    assert [places for places, _ in found] == [[0], [1], [2], [3, 4]]
    assert [type(result) for _, result in found] == [list, MemoryError, list, list]


def test_another_error_fails_its_batch_alone() -> None:
    def work(texts: Sequence[Sequence[int]]) -> list[int]:
        if len(texts[0]) == 3:
            raise ValueError("no such token")
        return [len(text) for text in texts]

    (first, error), (second, result) = answers([[1], [1, 2, 3], [4]], [1, 3, 1], 3, work)
    assert (list(first), type(error), list(second), result) == ([1], ValueError, [0, 2], [1, 1])
