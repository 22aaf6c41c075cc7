"""Connected components of an edge list that fits one process."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

COMPONENTS_SCHEMA = "document_id string, component_id string"


def components(left: pa.Array, right: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Nodes and the smallest node of each one's component.

    left, right: strings [n], one undirected edge a place. Returns two arrays [number of distinct nodes], nodes ascending.
    """
    both = pa.concat_arrays([left, right]).to_numpy(zero_copy_only=False).astype(str)
    nodes, codes = np.unique(both, return_inverse=True)
    a, b = codes[: len(left)], codes[len(left) :]
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(nodes), len(nodes)))
    _, label = connected_components(graph.tocsr(), directed=False)
    # Nodes ascend, so the first node of a component is its smallest.
    _, first = np.unique(label, return_index=True)
    return pa.array(nodes), pa.array(nodes[first[label]])


def component_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Input columns: a, b (all edges in this one task).  Output columns: COMPONENTS_SCHEMA."""
    edges = pa.Table.from_batches(batches) if (batches := list(batches)) else None
    if edges is None or edges.num_rows == 0:
        return
    a, b = (edges.column(name).cast(pa.string()).combine_chunks() for name in ("a", "b"))
    flat = [column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in (a, b)]
    nodes, smallest = components(*flat)
    yield pa.RecordBatch.from_arrays([nodes, smallest], ["document_id", "component_id"])
