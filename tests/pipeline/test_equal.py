"""The same answer whatever the cores, partitions and order of files: equal tables and content digests."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

SECTIONS: dict[str, Any] = {
    "dataset": "intents",
    "sources": [
        {
            "name": "bank",
            "path": "raw",
            "format": "json",
            "fields": {"text": "text", "label": "label"},
            "license": "CC-BY-4.0",
        }
    ],
    "hash_shingles": {"tasks": 8},
    "match_duplicates": {"bucket_cap": 50, "anchors": 5},
}


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """What earlier tests of this module found."""
    return {}


def build(
    project: Any,
    name: str,
    rows: list[dict[str, str]],
    writer: Callable[..., None],
    parts: int = 8,
    sections: dict[str, Any] = SECTIONS,
) -> Any:
    made = project(name)
    made.write_recipe(**sections)
    writer(rows, made.folder / "raw", parts, packed=True)
    return made


def test_one_core_and_two_give_equal_tables(
    project: Any, intents: list[dict[str, str]], parts_writer: Any, contents: Any, spark: SparkSession
) -> None:
    """Nor do the partitions of shuffles, the tasks of Python steps and the compiling of queries change anything."""
    few: dict[str, Any] = SECTIONS | {"hash_shingles": {"tasks": 3}, "find_leaks": {"tasks": 1}}
    lakes = {}
    for master, partitions, sections in (("local[1]", 3, few), ("local[2]", 8, SECTIONS)):
        made = build(project, f"on {partitions}", intents, parts_writer, sections=sections)
        made.run(master, partitions=partitions, compiled=master == "local[2]")
        lakes[master] = contents(made.lake)
        assert capped_meetings(spark, made.lake) > 0, "no bucket was above the cap: the test does not test it"
    assert linked_across_splits(spark, made.lake) == 0
    one, two = lakes.values()
    assert one.rows["raw_records"] == 13_083 + 400 + 8
    assert one.digests == two.digests
    assert one.content_digest == two.content_digest is not None


@pytest.mark.by_hand
@pytest.mark.parametrize("master", ["local-cluster[2,1,2048]"])
def test_a_cluster_of_two_executors_gives_the_same_tables(
    project: Any, intents: list[dict[str, str]], parts_writer: Any, contents: Any, master: str
) -> None:
    made = {name: build(project, name, intents, parts_writer) for name in ("local", "cluster")}
    made["local"].run("local[2]")
    made["cluster"].run(master)
    assert contents(made["local"].lake).digests == contents(made["cluster"].lake).digests


@pytest.mark.by_hand
def test_shuffled_files_give_the_same_dataset(
    project: Any, intents: list[dict[str, str]], parts_writer: Any, contents: Any
) -> None:
    shuffled = random.Random(3).sample(intents, len(intents))
    made = {
        "sorted": build(project, "sorted", intents, parts_writer),
        "shuffled": build(project, "shuffled", shuffled, parts_writer, 5),
    }
    found = {}
    for name, one in made.items():
        one.run()
        found[name] = contents(one.lake)
    # Files and positions differ by intention; everything that is made of contents does not.
    for table in (
        "documents",
        "duplicate_matches",
        "splits",
        "duplicate_groups",
        "labels",
        "selections",
        "dataset_examples",
    ):
        assert found["sorted"].digests[table] == found["shuffled"].digests[table], table
    assert found["sorted"].content_digest == found["shuffled"].content_digest


@pytest.mark.by_hand
@pytest.mark.parametrize("cap", [50, 100_000])
def test_increments_move_nothing_and_lose_no_match(
    project: Any, intents: list[dict[str, str]], parts_writer: Any, contents: Any, spark: SparkSession, cap: int
) -> None:
    sections = SECTIONS | {"match_duplicates": {"bucket_cap": cap, "anchors": 5}}
    rows = random.Random(5).sample(intents, len(intents))
    cuts = (0, len(rows) // 2, len(rows) - len(rows) // 100, len(rows))
    single = build(project, "single", rows, parts_writer, sections=sections)
    single.run()
    grown = {name: project(name) for name in ("first", "second")}
    before: dict[str, set[tuple[Any, ...]]] = {name: set() for name in grown}
    for step in range(3):
        for name, one in grown.items():
            one.write_recipe(**sections)
            parts_writer(rows[cuts[step] : cuts[step + 1]], one.folder / "raw" / f"step{step}", 3)
            one.run()
            now = splits_of(spark, one.lake)
            assert before[name] <= now, "a document moved to another split"
            before[name] = now
    assert contents(grown["first"].lake).digests == contents(grown["second"].lake).digests
    assert documents_of(spark, single.lake) == documents_of(spark, grown["first"].lake)
    alone, together = matches_of(spark, single.lake), matches_of(spark, grown["first"].lake)
    assert (capped_meetings(spark, single.lake) > 0) == (cap == 50)
    assert alone <= together and (cap == 50 or alone == together)
    assert linked_across_splits(spark, grown["first"].lake) == 0


def capped_meetings(spark: SparkSession, lake: Path) -> int:
    row = spark.read.format("delta").load(f"{lake}/duplicate_matches").selectExpr("sum(uncompared) AS n").first()
    return int(row["n"]) if row else 0


def linked_across_splits(spark: SparkSession, lake: Path) -> int:
    """Pairs of matched documents in one version that lie in different splits."""
    for name in ("duplicate_matches", "dataset_examples"):
        spark.read.format("delta").load(f"{lake}/{name}").createOrReplaceTempView(name)
    row = spark.sql("""
        WITH pairs AS (SELECT document_id, inline(matches) AS (other_id, similarity) FROM duplicate_matches)
        SELECT count(*) AS n FROM pairs p
        JOIN dataset_examples a ON a.document_id = p.document_id
        JOIN dataset_examples b ON b.document_id = p.other_id AND b.dataset_version = a.dataset_version
        WHERE a.split <> b.split""").first()
    assert row is not None
    return int(row["n"])


def splits_of(spark: SparkSession, lake: Path) -> set[tuple[Any, ...]]:
    rows = spark.read.format("delta").load(f"{lake}/splits").select("document_id", "split", "leak_group_id")
    return {tuple(row) for row in rows.collect()}


def documents_of(spark: SparkSession, lake: Path) -> set[str]:
    return {row[0] for row in spark.read.format("delta").load(f"{lake}/documents").select("document_id").collect()}


def matches_of(spark: SparkSession, lake: Path) -> set[tuple[frozenset[str], float]]:
    table = spark.read.format("delta").load(f"{lake}/duplicate_matches")
    pairs = table.selectExpr("document_id", "inline(matches) AS (other_id, similarity)")
    return {(frozenset((row[0], row[1])), row[2]) for row in pairs.collect()}
