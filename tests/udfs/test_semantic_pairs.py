"""Pairs of a cell against every pair of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import semantic_pairs
from udfs.semantic_pairs import Cell, near_pairs


def found(cell: Cell, threshold: float) -> list[tuple[int, int, float]]:
    return sorted(
        (int(left), int(right), round(float(cosine), 5))
        for pairs in near_pairs(cell, threshold)
        for left, right, cosine in zip(*pairs[:3], strict=True)
    )


def random_cell(n: int, seed: int) -> Cell:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(n, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Cell(draw.permutation(n) - n // 2, vectors, draw.random(n) < 0.6, draw.random(n) < 0.5)


def by_every_pair(cell: Cell, threshold: float) -> list[tuple[int, int, float]]:
    pairs = []
    for i in range(len(cell.doc)):
        for j in range(i):
            cosine = float(cell.vectors[i] @ cell.vectors[j])
            if cosine >= threshold and (cell.is_home[i] or cell.is_home[j]) and (cell.is_new[i] or cell.is_new[j]):
                low, high = sorted((int(cell.doc[i]), int(cell.doc[j])))
                pairs.append((low, high, round(cosine, 5)))
    return sorted(pairs)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 1000))
def test_a_cell_gives_every_near_pair_once(n: int, seed: int) -> None:
    cell = random_cell(n, seed)
    got, expected = found(cell, 0.501), by_every_pair(cell, 0.501)
    assert [pair[:2] for pair in got] == [pair[:2] for pair in expected]
    assert [pair[2] for pair in got] == pytest.approx([pair[2] for pair in expected], abs=2e-5)


def test_blocks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = random_cell(60, 1)
    whole = found(cell, 0.6)
    monkeypatch.setattr(semantic_pairs, "PRODUCTS_AT_ONCE", 100)
    assert [pair[:2] for pair in found(cell, 0.6)] == [pair[:2] for pair in whole] and len(whole) > 50
