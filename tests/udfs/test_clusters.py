"""Clusters in Arrow batches: sizes, similarities, titles and distances that can be counted by hand."""

import numpy as np
import pyarrow as pa
import pytest

from udfs.clusters import centre_batches, place_batches
from udfs.vectors import lists_of, vectors_of

EAST, NORTH, BETWEEN = [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]


def sample(*rows: tuple[list[float], str]) -> pa.RecordBatch:
    vectors, texts = zip(*rows, strict=True)
    return pa.RecordBatch.from_pydict({"vector": pa.array(vectors, pa.list_(pa.float32())), "text": list(texts)})


def test_vectors_go_to_arrow_and_back() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert lists_of(vectors).to_pylist() == vectors.tolist()
    assert np.array_equal(vectors_of(lists_of(vectors)[1:]), vectors[1:]), "also of a slice"
    assert np.array_equal(vectors_of(pa.chunked_array([lists_of(vectors[:1]), lists_of(vectors[1:])])), vectors)


def test_centres_of_two_groups_with_their_titles() -> None:
    pytest.importorskip("sklearn", reason="needs sluice-sft[models]")
    batches = [sample((EAST, "red sun"), (NORTH, "pole star")), sample((EAST, "red sea"), (NORTH, "pole bear"))]
    found = next(centre_batches(batches, k=2, seed=1)).to_pylist()
    by_title = {row["title"]: row for row in found}
    assert by_title["red"]["vector"] == EAST and by_title["pole"]["vector"] == NORTH
    assert [row["num_sampled"] for row in found] == [2, 2] and [row["similarity"] for row in found] == [1, 1]
    assert sorted(row["cluster_id"] for row in found) == [0, 1]


def test_no_rows_have_no_centres_and_few_rows_few() -> None:
    pytest.importorskip("sklearn", reason="needs sluice-sft[models]")
    assert list(centre_batches([], k=2, seed=1)) == []
    assert next(centre_batches([sample((EAST, "1"))], k=9, seed=1)).to_pylist()[0]["title"] is None
    assert next(centre_batches([sample((EAST, "1"), (NORTH, "2"))], k=9, seed=1)).num_rows == 2


def test_distance_and_margin_by_hand() -> None:
    ids = pa.array(["a", "b", "c"])
    batch = pa.RecordBatch.from_arrays(
        [ids, lists_of(np.array([EAST, NORTH, BETWEEN], np.float32))], ["document_id", "vector"]
    )
    both = next(place_batches([batch], np.array([EAST, NORTH], np.float32))).to_pylist()
    assert [tuple(row.values()) for row in both] == [
        ("a", 0, 0, 1),
        ("b", 1, 0, 1),
        ("c", 1, pytest.approx(0.2), pytest.approx(0.2)),
    ]
    one = next(place_batches([batch], np.array([EAST], np.float32))).to_pylist()
    assert [(row["cluster_id"], row["margin"]) for row in one] == [(0, None)] * 3
