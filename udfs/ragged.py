"""Rows of different lengths in one array: row i is items[offsets[i]:offsets[i + 1]]."""

import numpy as np
from numpy.typing import NDArray


def row_offsets(counts: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the offsets [n + 1] of rows with these counts [n]."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def row_sums(values: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum [n] of each row's values."""
    prefix = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=prefix[1:])
    sums: NDArray[np.int64] = prefix[offsets[1:]] - prefix[offsets[:-1]]
    return sums
