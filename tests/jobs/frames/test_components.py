"""Components by one task and by rounds over frames, against a plain union of sets."""

import random

import pytest
from pyspark.sql import SparkSession

from jobs.frames import components as module
from jobs.frames.components import connected_components, star_components
from tests.conftest import rows

pytestmark = pytest.mark.spark

Edge = tuple[str, str]


def merged(edges: list[Edge]) -> list[dict[str, str]]:
    """The expected rows, by merging sets edge by edge."""
    member_of = {node: {node} for edge in edges for node in edge}
    for a, b in edges:
        if member_of[a] is not member_of[b]:
            member_of[a] |= member_of[b]
            for node in member_of[b]:
                member_of[node] = member_of[a]
    return [{"document_id": node, "component_id": min(member_of[node])} for node in sorted(member_of)]


def graphs() -> list[Edge]:
    """A chain, a star, a clique and sparse random graphs, shuffled and turned about."""
    draw = random.Random(5)
    chain = [(f"c{n + 1:02}", f"c{n:02}") for n in range(5)]
    star = [("s07", f"s{n:02}") for n in range(12) if n != 7]
    clique = [(f"k{a}", f"k{b}") for a in range(6) for b in range(a)]
    pairs = [(f"r{draw.randrange(50):02}", f"r{draw.randrange(50):02}") for _ in range(20)]
    edges = [*chain, *star, *clique, *((a, b) for a, b in pairs if a != b)]
    turned = [edge if draw.random() < 0.5 else edge[::-1] for edge in edges]
    return draw.sample(turned, len(turned)) + turned[:5]


def test_both_ways_equal_merged_sets(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = graphs()
    frame = spark.createDataFrame([*edges, ("alone", "alone")], "a string, b string")
    expected = merged(edges)
    assert rows(connected_components(frame), "document_id") == expected
    monkeypatch.setattr(module, "UNION_FIND_EDGES", len(edges) - 1)
    assert rows(connected_components(frame), "document_id") == expected


def test_no_edges_give_no_components(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = spark.createDataFrame([], "a string, b string")
    assert rows(connected_components(frame)) == []
    monkeypatch.setattr(module, "UNION_FIND_EDGES", -1)
    assert rows(connected_components(frame)) == []


def test_rounds_that_do_not_settle_are_an_error(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROUNDS", 1)
    chain = spark.createDataFrame([(f"c{n + 1}", f"c{n}") for n in range(6)], "a string, b string")
    with pytest.raises(RuntimeError, match="still move after 1 rounds"):
        star_components(chain)
