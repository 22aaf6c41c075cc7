"""Clusters of vectors in Arrow batches: centres of a sample with their titles, and the centre next to each vector."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from udfs.centres import Vectors, fit_centres, nearest_centres
from udfs.cluster_terms import cluster_terms
from udfs.vectors import all_rows, lists_of, vectors_of

CENTRES_SCHEMA: Final = (
    "cluster_id int, vector array<float>, num_sampled bigint, similarity double, title string, terms array<string>"
)
BLOCKS_SCHEMA: Final = "block_id int, vector array<float>"
PLACES_SCHEMA: Final = "document_id string, cluster_id int, distance double, margin double"
TERMS, TITLE_TERMS = 10, 3
DIGITS = 6
# Blocks only route comparisons: after these the cells hardly change.
BLOCK_ROUNDS = 8


def centre_batches(
    batches: Iterable[pa.RecordBatch], k: int, seed: int, start: Vectors | None = None
) -> Iterator[pa.RecordBatch]:
    """Input columns: vector, text; all rows of the sample in one task, in a fixed order.  Output: CENTRES_SCHEMA.

    start: centres of the fit before, whose numbers keep their meaning."""
    sample = all_rows(batches)
    if sample is None or not sample.num_rows:
        return
    vectors = vectors_of(sample.column("vector"))
    centres = fit_centres(vectors, k, seed, start)
    numbers, cosines = nearest_centres(vectors, centres)
    at, count = numbers[:, 0], len(centres)
    sizes = np.bincount(at, minlength=count)
    near = np.bincount(at, weights=cosines[:, 0], minlength=count) / np.maximum(sizes, 1)
    terms = cluster_terms(sample.column("text").to_pylist(), at, count, TERMS)
    titles = [", ".join(found[:TITLE_TERMS]) or None for found in terms]
    yield pa.RecordBatch.from_arrays(
        [
            pa.array(np.arange(count, dtype=np.int32)),
            lists_of(centres),
            pa.array(sizes.astype(np.int64)),
            pa.array(near.round(DIGITS)),
            pa.array(titles, pa.string()),
            pa.array(terms, pa.list_(pa.string())),
        ],
        ["cluster_id", "vector", "num_sampled", "similarity", "title", "terms"],
    )


def block_batches(batches: Iterable[pa.RecordBatch], k: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Input columns: vector; all rows of the sample in one task, in a fixed order.  Output: BLOCKS_SCHEMA."""
    sample = all_rows(batches)
    if sample is not None and sample.num_rows:
        centres = fit_centres(vectors_of(sample.column("vector")), k, seed, rounds=BLOCK_ROUNDS)
        numbers = pa.array(np.arange(len(centres), dtype=np.int32))
        yield pa.RecordBatch.from_arrays([numbers, lists_of(centres)], ["block_id", "vector"])


def place_batches(batches: Iterable[pa.RecordBatch], centres: Vectors) -> Iterator[pa.RecordBatch]:
    """Input columns: document_id, vector.  Output: PLACES_SCHEMA.

    distance: 1 - cosine with its own centre, 0 to 2.  margin: how much nearer that is than the next one, 0 to 2; null
    where there is one centre only."""
    for batch in batches:
        if batch.num_rows:
            numbers, cosines = nearest_centres(vectors_of(batch.column("vector")), centres, probes=2)
            near = cosines.astype(np.float64)
            margins = near[:, 0] - near[:, 1] if near.shape[1] > 1 else np.full(len(near), np.nan)
            columns = [
                batch.column("document_id"),
                pa.array(numbers[:, 0]),
                pa.array((1 - near[:, 0]).round(DIGITS)),
                pa.array(margins.round(DIGITS), from_pandas=True),
            ]
            yield pa.RecordBatch.from_arrays(columns, ["document_id", "cluster_id", "distance", "margin"])
