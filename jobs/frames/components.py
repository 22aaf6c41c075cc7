"""Connected components of edges between documents: the component's id is its smallest document id."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from udfs.union_find import COMPONENTS_SCHEMA, component_batches

# Edges that one task resolves in memory: 5 million string pairs are about 1 GB there.
UNION_FIND_EDGES = 5_000_000
MAX_ROUNDS = 50


def connected_components(edges: DataFrame) -> DataFrame:
    """Input columns: a, b (undirected).  Output columns: document_id, component_id; only documents with an edge.

    The number of edges chooses between one task and rounds over DataFrames."""
    pairs = edges.where("a <> b").select("a", "b").localCheckpoint()
    if pairs.count() <= UNION_FIND_EDGES:
        return pairs.repartition(1).mapInArrow(component_batches, COMPONENTS_SCHEMA)
    return star_components(pairs)


def star_components(edges: DataFrame) -> DataFrame:
    """Alternate large-star and small-star until no edge changes (Kiveris et al., SoCC 2014)."""
    stars = edges.select(F.greatest("a", "b").alias("a"), F.least("a", "b").alias("b")).distinct().localCheckpoint()
    before = _sum(stars)
    for _ in range(MAX_ROUNDS):
        stars = stars.transform(large_star).transform(small_star).localCheckpoint()
        after = _sum(stars)
        if after == before:
            break
        before = after
    else:
        raise RuntimeError(f"connected components: edges still move after {MAX_ROUNDS} rounds of large and small star")
    roots = stars.select(F.col("b").alias("document_id"), F.col("b").alias("component_id"))
    leaves = stars.select(F.col("a").alias("document_id"), F.col("b").alias("component_id"))
    return leaves.union(roots).distinct()


def large_star(edges: DataFrame) -> DataFrame:
    """Connect every greater neighbour of a node to the smallest of its neighbourhood."""
    both = edges.union(edges.select("b", "a")).toDF("node", "neighbour")
    smallest = both.groupBy("node").agg(F.least(F.col("node"), F.min("neighbour")).alias("smallest"))
    greater = both.where("neighbour > node").join(smallest, "node")
    return greater.select(F.col("neighbour").alias("a"), F.col("smallest").alias("b")).distinct()


def small_star(edges: DataFrame) -> DataFrame:
    """Connect a node and its smaller neighbours to the smallest of them."""
    smaller = edges.select(F.greatest("a", "b").alias("node"), F.least("a", "b").alias("neighbour"))
    smallest = smaller.groupBy("node").agg(F.min("neighbour").alias("smallest"))
    joined = smaller.join(smallest, "node")
    to_smallest = joined.where("neighbour <> smallest").select(
        F.col("neighbour").alias("a"), F.col("smallest").alias("b")
    )
    return to_smallest.union(smallest.select("node", "smallest").toDF("a", "b")).distinct()


def _sum(edges: DataFrame) -> tuple[int, ...]:
    """An order-independent digest of the edge set: equal sums of two hashes and a count mean that nothing moved."""
    hashes = [F.sum(F.xxhash64(F.lit(seed), "a", "b").cast("decimal(38,0)")) for seed in (1, 2)]
    row = edges.agg(F.count(F.lit(1)), *hashes).first()
    return tuple(row) if row else ()
