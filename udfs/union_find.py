"""Connected components of an edge list that fits one process."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

COMPONENTS_SCHEMA = "document_id string, component_id string"


def components(left: pa.Array, right: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Nodes and the smallest node of each one's component.

    left, right: strings [n], one undirected edge a place. Returns two arrays [distinct nodes], nodes ascending.
    """
    from scipy.sparse import coo_array  # a second, that only the one task of a run pays
    from scipy.sparse.csgraph import connected_components

    encoded = pa.concat_arrays([left, right]).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    nodes, codes = encoded.dictionary.take(order), rank[encoded.indices.to_numpy()]
    a, b = codes[: len(left)], codes[len(left) :]
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(nodes), len(nodes)))
    _, label = connected_components(graph.tocsr(), directed=False)
    # Nodes ascend, so the first node of a component is its smallest.
    _, first = np.unique(label, return_index=True)
    return nodes, nodes.take(first[label])


def component_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Input columns: a, b (all edges in this one task).  Output columns: COMPONENTS_SCHEMA."""
    parts = list(batches)
    if sum(part.num_rows for part in parts) == 0:
        return
    a, b = (pa.concat_arrays([part.column(name).cast(pa.string()) for part in parts]) for name in ("a", "b"))
    nodes, smallest = components(a, b)
    yield pa.RecordBatch.from_arrays([nodes, smallest], ["document_id", "component_id"])
