import hashlib

import pytest
from pyspark.sql import SparkSession

from jobs.frames.digests import frame_digest

pytestmark = pytest.mark.spark

Cells = tuple[str | None, int | None, list[str | None] | None]
ROWS: list[Cells] = [("a", 1, ["x", "y"]), ("b", 2, []), ("b", 2, []), ("c", None, None), ("é", 4, ["z"])]


def by_hand(lines: list[str]) -> str:
    """The digest of rows given as JSON: four sums of 15 hex digits each, and the number of rows."""
    hashed = [hashlib.sha256(line.encode()).hexdigest() for line in lines]
    sums = [sum(int(one[15 * lane : 15 * lane + 15], 16) for one in hashed) for lane in range(4)]
    return hashlib.sha256("/".join(map(str, (len(lines), *sums))).encode()).hexdigest()[:32]


def test_digests(spark: SparkSession) -> None:
    """One query: many variants of a frame, each digested as a group."""
    variants: dict[str, list[Cells]] = {
        "as it is": ROWS,
        "turned about": ROWS[::-1],
        "a row less": ROWS[:-1],
        "a repeated row less": [ROWS[0], *ROWS[2:]],
        "another text": [("A", 1, ["x", "y"]), *ROWS[1:]],
        "empty for null": [*ROWS[:3], ("c", None, []), ROWS[4]],
        "zero for null": [*ROWS[:3], ("c", 0, None), ROWS[4]],
        "null for a text": [(None, 1, ["x", "y"]), *ROWS[1:]],
        "empty for a text": [("", 1, ["x", "y"]), *ROWS[1:]],
        "another order in a cell": [("a", 1, ["y", "x"]), *ROWS[1:]],
        "null in a cell": [("a", 1, ["x", None]), *ROWS[1:]],
        "cells of two rows swapped": [("a", 2, ["x", "y"]), ("b", 1, []), *ROWS[2:]],
    }
    cells = [(name, *row) for name, lines in variants.items() for row in lines]
    frame = spark.createDataFrame(cells, "variant string, name string, number int, tags array<string>")
    digested = {}
    for partitions in (1, 3):
        grouped = frame.repartition(partitions).groupBy("variant").agg(frame_digest(["name", "number", "tags"]))
        digested[partitions] = {row[0]: row[1] for row in grouped.collect()}
    assert digested[1] == digested[3]
    assert digested[1]["as it is"] == digested[1].pop("turned about")
    assert len(set(digested[1].values())) == len(variants) - 1
    assert digested[1]["as it is"] == by_hand(
        [
            '{"name":"a","number":1,"tags":["x","y"]}',
            *['{"name":"b","number":2,"tags":[]}'] * 2,
            '{"name":"c"}',
            '{"name":"é","number":4,"tags":["z"]}',
        ]
    )


def test_an_empty_frame_has_a_digest(spark: SparkSession) -> None:
    empty = spark.createDataFrame([], "name string")
    row = empty.agg(frame_digest(["name"]).alias("digest")).first()
    assert row is not None
    assert row["digest"] == hashlib.sha256(b"0").hexdigest()[:32]
