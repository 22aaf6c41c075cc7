"""Near vectors by either way, against the plain product of all with all."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs import semantic_pairs
from udfs.semantic_cells import NewVectors, cell_batches, entry_batches, scan_batches
from udfs.vectors import Vectors, lists_of


def unit(vectors: Any) -> Vectors:
    array: Vectors = np.asarray(vectors, np.float32)
    array /= np.linalg.norm(array, axis=1, keepdims=True)
    return array


def batches(vectors: Vectors, is_new: np.ndarray, at_once: int) -> list[pa.RecordBatch]:
    docs = np.arange(len(vectors), dtype=np.int64) - 3
    whole = pa.RecordBatch.from_arrays(
        [pa.array(docs), pa.array(is_new), lists_of(vectors)], ["doc", "is_new", "vector"]
    )
    return [whole.slice(first, at_once) for first in range(0, len(docs), at_once)]


def pairs(found: Any) -> dict[tuple[int, int], float]:
    rows = [row for batch in found for row in batch.to_pylist() if row["right_doc"] is not None]
    return {(row["left_doc"], row["right_doc"]): row["similarity"] for row in rows}


def by_both_ways(
    vectors: Vectors, is_new: np.ndarray, centres: Vectors, probes: int, threshold: float
) -> list[dict[tuple[int, int], float]]:
    entries = [one for batch in batches(vectors, is_new, 7) for one in entry_batches([batch], centres, probes)]
    new = NewVectors.of(np.flatnonzero(is_new) - 3, vectors[is_new], centres, probes)
    scanned = [one for batch in batches(vectors, is_new, 7) for one in scan_batches([batch], new, centres, threshold)]
    return [pairs(cell_batches(entries, threshold)), pairs(scanned)]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 1000))
def test_with_all_cells_probed_both_find_every_near_pair_with_a_new_one(n: int, k: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors, is_new = unit(draw.normal(size=(n, 4))), draw.random(n) < 0.5
    cosines = vectors @ vectors.T
    near = {
        (i - 3, j - 3) for i in range(n) for j in range(i + 1, n) if cosines[i, j] >= 0.4 and (is_new[i] or is_new[j])
    }
    for found in by_both_ways(vectors, is_new, unit(draw.normal(size=(k, 4))), k, 0.4):
        assert found.keys() == near
        for (left, right), cosine in found.items():
            assert cosine == pytest.approx(cosines[left + 3, right + 3], abs=2e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 3), st.integers(0, 1000))
def test_with_few_cells_probed_both_find_the_same(n: int, k: int, probes: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors, is_new = unit(draw.normal(size=(n, 3))), draw.random(n) < 0.5
    cells, scanned = by_both_ways(vectors, is_new, unit(draw.normal(size=(k, 3))), probes, 0.5)
    assert cells.keys() == scanned.keys()


def test_a_thousand_of_one_template_are_tied_by_few_pairs_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(semantic_pairs, "MOST_PAIRS", 3)
    vectors, is_new = unit(np.ones((10, 2))), np.ones(10, np.bool_)
    entries = list(entry_batches(batches(vectors, is_new, 10), unit([[1, 1]]), 1))
    rows = [row for batch in cell_batches(entries, 0.9) for row in batch.to_pylist()]
    told = sorted((row["left_doc"], row["right_doc"]) for row in rows if row["right_doc"] is not None)
    assert told == sorted((i - 3, j - 3) for i in range(10) for j in range(i + 1, min(i + 4, 10)))
    assert {row["left_doc"]: row["missed"] for row in rows if row["missed"]} == {i - 3: 6 - i for i in range(6)}


def test_nothing_is_found_of_nothing() -> None:
    centres, none = unit([[1, 0]]), np.zeros(0, np.int64)
    new = NewVectors.of(none, np.zeros((0, 2), np.float32), centres, 3)
    assert list(scan_batches(batches(unit([[1, 0]]), np.array([False]), 1), new, centres, 0.5)) == []
    assert list(cell_batches([], 0.5)) == [] and list(entry_batches([], centres, 3)) == []
