"""Connected components in one process, against a breadth-first search."""

from collections import defaultdict

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from udfs.union_find import component_batches, components

Edge = tuple[str, str]


def searched(edges: list[Edge]) -> dict[str, str]:
    """Node -> smallest node that can be reached, by search."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for a, b in edges:
        neighbours[a].add(b)
        neighbours[b].add(a)
    smallest: dict[str, str] = {}
    for node in sorted(neighbours):
        stack = [] if node in smallest else [node]
        while stack:
            reached = stack.pop()
            if reached not in smallest:
                smallest[reached] = node
                stack.extend(neighbours[reached])
    return smallest


def found(edges: list[Edge]) -> dict[str, str]:
    nodes, roots = components(pa.array([a for a, _ in edges]), pa.array([b for _, b in edges]))
    assert nodes.to_pylist() == sorted(nodes.to_pylist())
    return dict(zip(nodes.to_pylist(), roots.to_pylist(), strict=True))


def test_the_smallest_node_names_the_component() -> None:
    assert found([("d", "c"), ("c", "b"), ("y", "x")]) == {"b": "b", "c": "b", "d": "b", "x": "x", "y": "x"}


def test_an_edge_named_256_times_still_ties() -> None:
    # Summed in 8 bits, 256 equal edges would be none.
    assert found([("b", "a")] * 256) == {"a": "a", "b": "a"}


@given(st.lists(st.tuples(*[st.integers(0, 30).map(lambda n: f"{n:02x}")] * 2), min_size=1, max_size=40))
def test_random_graphs_equal_a_search(edges: list[Edge]) -> None:
    assert found(edges) == searched(edges)


def test_chains_stars_and_cliques_equal_a_search() -> None:
    chain = [(f"c{n + 1:03}", f"c{n:03}") for n in range(300)]
    star = [("s150", f"s{n:03}") for n in range(300) if n != 150]
    clique = [(f"k{a:02}", f"k{b:02}") for a in range(20) for b in range(a)]
    assert found(chain + star + clique) == searched(chain + star + clique)


def test_batches_are_one_graph() -> None:
    batches = [
        pa.RecordBatch.from_pylist([{"a": "b", "b": "a"}]),
        pa.RecordBatch.from_pylist([], pa.schema([("a", pa.string()), ("b", pa.string())])),
        pa.RecordBatch.from_pylist([{"a": "c", "b": "b"}]),
    ]
    (out,) = component_batches(batches)
    assert out.to_pylist() == [{"document_id": name, "component_id": "a"} for name in "abc"]


def test_no_edges_give_no_rows() -> None:
    assert list(component_batches([])) == []
