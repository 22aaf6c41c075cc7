"""Centres against the truth of planted groups, and against a plain count of every cosine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import centres as module
from udfs.centres import Vectors, fit_centres, nearest_centres


def unit(vectors: object) -> Vectors:
    array: Vectors = np.asarray(vectors, np.float32)
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    return array


def planted(groups: int, each: int, seed: int = 1) -> tuple[Vectors, np.ndarray]:
    draw = np.random.default_rng(seed)
    middles = unit(draw.normal(size=(groups, 32)))
    labels = np.repeat(np.arange(groups), each)
    return unit(middles[labels] + 0.05 * draw.normal(size=(len(labels), 32))), labels


def test_nearest_by_hand() -> None:
    centres = unit([[1, 0], [0, 1], [1, 1]])
    numbers, cosines = nearest_centres(unit([[1, 0.1], [-1, 0]]), centres, probes=2)
    assert numbers.tolist() == [[0, 2], [1, 2]]
    assert cosines[0] == pytest.approx([0.995, 0.774], abs=1e-3) and cosines[1] == pytest.approx([0, -0.707], abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 6), st.integers(0, 100))
def test_nearest_as_by_looking_at_every_centre(n: int, k: int, probes: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors, centres = unit(draw.integers(-2, 3, (n, 3)) + 0.5), unit(draw.integers(-2, 3, (k, 3)) + 0.5)
    numbers, cosines = nearest_centres(vectors, centres, probes)
    products = vectors @ centres.T
    assert np.array_equal(cosines, -np.sort(-products, axis=1)[:, :probes])
    assert np.array_equal(cosines, np.take_along_axis(products, numbers, axis=1))
    assert all(len(set(row)) == len(row) for row in numbers.tolist())


def test_blocks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = planted(5, 30)
    whole = nearest_centres(vectors, vectors[::30], 3)[0]
    monkeypatch.setattr(module, "PRODUCTS_AT_ONCE", 35)
    assert np.array_equal(nearest_centres(vectors, vectors[::30], 3)[0], whole)


def test_planted_groups_are_found_and_fits_repeat() -> None:
    vectors, labels = planted(12, 50)
    centres = fit_centres(vectors, 12, seed=3)
    found = nearest_centres(vectors, centres)[0][:, 0]
    assert len({(a, b) for a, b in zip(found.tolist(), labels.tolist(), strict=True)}) == 12, "one to one"
    assert np.array_equal(centres, fit_centres(vectors, 12, seed=3))
    assert np.allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)


def test_an_earlier_fit_keeps_its_numbers_when_topics_come() -> None:
    vectors, labels = planted(10, 40)
    old = fit_centres(vectors[labels < 7], 7, seed=1)
    new = fit_centres(vectors, 10, seed=1, start=old)
    assert (np.einsum("ij,ij->i", old, new[:7]) > 0.99).all()
    assert len(set(nearest_centres(vectors[labels >= 7], new)[0][:, 0].tolist()) & {7, 8, 9}) == 3


@pytest.mark.parametrize("k", [1, 3, 9])
def test_equal_vectors_and_more_centres_than_vectors(k: int) -> None:
    centres = fit_centres(unit([[3.0, 4.0]] * 4), k, seed=1)
    assert centres.shape == (min(k, 4), 2) and np.allclose(centres, [0.6, 0.8])
