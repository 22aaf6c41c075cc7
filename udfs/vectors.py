"""Vectors between Arrow columns and numpy arrays."""

from collections.abc import Iterable
from itertools import chain

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def vectors_of(column: pa.ListArray | pa.ChunkedArray) -> Vectors:
    """The lists of a column without nulls, all of one length, as the rows of an array [n, d]."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    found: Vectors = numbers.astype(np.float32, copy=False).reshape(len(column), -1) if len(column) else numbers
    return found


def lists_of(vectors: Vectors) -> pa.ListArray:
    """The rows of an array [n, d] as a column of lists."""
    count, width = vectors.shape
    offsets = np.arange(0, count * width + 1, width, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, np.ascontiguousarray(vectors, np.float32).ravel())


def all_rows(batches: Iterable[pa.RecordBatch]) -> pa.Table | None:
    """The rows of all batches together; None where there are none."""
    found = iter(batches)
    first = next(found, None)
    return None if first is None else pa.Table.from_batches(chain([first], found))
