"""Matches of new documents: literal buckets by hand, random corpora against brute force over band keys."""

import random
from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import match_duplicates as module
from jobs.match_duplicates import Params, shingle_matches
from tests.conftest import rows

pytestmark = pytest.mark.spark

# document_id, fine, coarse, band_keys
Signed = tuple[str, list[int] | None, list[int] | None, list[int]]
SIGNED = "document_id string, fine_shingles binary, coarse_shingles binary, band_keys array<bigint>"


def as_bytes(members: list[int] | None) -> bytes | None:
    return None if members is None else np.array(members, "<u4").tobytes()


def run(spark: SparkSession, new: list[str], signed: list[Signed], params: Params) -> DataFrame:
    documents = spark.createDataFrame([(name,) for name in new], "document_id string")
    stored = [(name, as_bytes(fine), as_bytes(coarse), keys) for name, fine, coarse, keys in signed]
    return shingle_matches(documents, spark.createDataFrame(stored, SIGNED), params)


def row(document_id: str, matches: dict[str, float], uncompared: int = 0) -> dict[str, Any]:
    listed = [{"document_id": name, "similarity": value} for name, value in sorted(matches.items())]
    return {"document_id": document_id, "method": "minhash", "matches": listed, "uncompared": uncompared}


def test_new_meets_old_and_new_but_old_never_meets_old(spark: SparkSession) -> None:
    signed: list[Signed] = [
        # bucket 1: two equal old documents, two new ones; 3/5 between b- and others
        ("old1", [1, 2, 3, 4], None, [1, 10]),
        ("old2", [1, 2, 3, 4], None, [1, 11]),
        ("a-new", [1, 2, 3, 4], None, [1, 12]),
        ("z-new", [2, 3, 4, 5], None, [1, 10]),
        # bucket 2: 2/4 counts, 1/3 does not; the greater grain counts; a grain that one lacks does not
        ("half", [1, 2, 3], None, [2, 20]),
        ("old-half", [2, 3, 4], None, [2, 21]),
        ("third", [1, 3, 9, 8], None, [2, 22]),
        ("both", [7, 2], [1, 2, 3], [2, 23]),
        ("old-both", [6, 5], [2, 3], [2, 24]),
        ("coarse", None, [1, 2, 3, 4, 5, 6], [2, 25]),
        # equal sets, no common key: never compared
        ("lone", [2, 3, 4], None, [3, 30]),
        ("no-shingles", None, None, []),
    ]
    new = ["a-new", "z-new", "half", "third", "both", "coarse", "lone", "no-shingles"]
    found = rows(run(spark, new, signed, Params()), "document_id")
    assert found == [
        row("a-new", {"old1": 1.0, "old2": 1.0}),
        row("both", {"old-both": 0.666667}),
        row("coarse", {"both": 0.5}),
        row("half", {"old-half": 0.5}),
        row("lone", {}),
        row("no-shingles", {}),
        row("third", {}),
        row("z-new", {"a-new": 0.6, "old1": 0.6, "old2": 0.6}),
    ]


def test_a_bucket_above_the_cap_is_divided_by_the_next_keys(spark: SparkSession) -> None:
    """Cap 2, one anchor. Only key 1 is shared: finer keys follow it. The five sets are equal."""
    documents = spark.createDataFrame([(number,) for number in range(50)], "n int").select(
        F.format_string("d%02d", "n").alias("n")
    )
    root, a, b, c, d = (one["n"] for one in documents.orderBy(F.xxhash64("n")).limit(5).collect())
    # The root, the smallest by hash, has one division with a; b, c and d another, which is above the cap: its anchor b
    # meets the others, and all three meet the root of the whole bucket.
    signed: list[Signed] = [(name, [1, 2], None, [1, 100]) for name in (root, a)]
    signed += [(name, [1, 2], None, [1, 200]) for name in (b, c, d)]
    expected = {name: row(name, {}) for name in (root, a, b, c, d)}
    for pair in [(root, a), (root, b), (root, c), (root, d), (b, c), (b, d)]:
        expected[max(pair)]["matches"].append({"document_id": min(pair), "similarity": 1.0})
    # Band 1: a misses b, c and d; b misses a; c and d miss a and each other.  Band 2: c and d miss each other.
    for name, missed in [(a, 3), (b, 1), (c, 2 + 1), (d, 2 + 1)]:
        expected[name]["uncompared"] = missed
    for one in expected.values():
        one["matches"].sort(key=lambda match: match["document_id"])
    found = run(spark, list(expected), signed, Params(bucket_cap=2, anchors=1))
    assert rows(found, "document_id") == [expected[name] for name in sorted(expected)]


def corpora(seed: int) -> tuple[list[Signed], dict[str, int]]:
    """Six small corpora with no key in common, as one; and the wave in which each document arrives."""
    draw = random.Random(seed)
    signed: list[Signed] = []
    for number in range(6):
        spread = draw.choice([2, 3, 6])
        for place in range(draw.randrange(10, 25)):
            keys = [(number * 1000 + band * 100) + draw.randrange(spread) for band in range(4)]
            grain = sorted(draw.sample(range(6), draw.randrange(1, 6)))
            fine, coarse = draw.choice([(grain, None), (grain, [1, 2, 3]), (None, grain)])
            signed.append((f"{number}-{place:02}", fine, coarse, keys))
    order = draw.sample([one[0] for one in signed], len(signed))
    return signed, {name: place * 3 // len(order) for place, name in enumerate(order)}


def best(left: Signed, right: Signed) -> float:
    grains = [(set(a), set(b)) for a, b in zip(left[1:3], right[1:3], strict=True) if a and b]
    return max((len(a & b) / len(a | b) for a, b in grains), default=0.0)


def single_run(signed: list[Signed], hashes: dict[str, int], params: Params) -> list[dict[str, Any]]:
    """All documents new at once, by brute force over the buckets."""
    buckets: dict[int, list[tuple[tuple[int, ...], Signed]]] = defaultdict(list)
    for one in signed:
        for place, key in enumerate(one[3]):
            following = tuple(one[3][(place + step) % len(one[3])] for step in (1, 2, 3))
            buckets[key].append((following, one))
    met: set[frozenset[str]] = set()
    missed: dict[str, int] = defaultdict(int)
    for entries in buckets.values():
        root = min((one[0] for _, one in entries), key=hashes.__getitem__)
        divisions = defaultdict(list)
        for following, one in entries:
            divisions[following if len(entries) > params.bucket_cap else ()].append(one[0])
        for names in divisions.values():
            names.sort(key=hashes.__getitem__)
            anchors = names if len(names) <= params.bucket_cap else names[: params.anchors]
            met |= {frozenset(pair) for pair in combinations(names, 2) if set(pair) & set(anchors)}
            met |= {frozenset((root, name)) for name in names if name != root}
            for name in names:
                seen = len(names) - 1 if name in anchors else len(anchors)
                missed[name] += 0 if name == root else len(entries) - 1 - seen - (root not in names)
    matches: dict[str, dict[str, float]] = defaultdict(dict)
    for left, right in combinations(sorted(signed, key=lambda one: one[0]), 2):
        if frozenset((left[0], right[0])) in met and best(left, right) >= params.threshold:
            matches[right[0]][left[0]] = round(best(left, right), 6)
    return [row(one[0], matches[one[0]], missed[one[0]]) for one in sorted(signed, key=lambda one: one[0])]


def pairs_of(found: list[dict[str, Any]]) -> set[tuple[frozenset[str], float]]:
    return {
        (frozenset((one["document_id"], match["document_id"])), match["similarity"])
        for one in found
        for match in one["matches"]
    }


@pytest.mark.parametrize(("seed", "params"), [(1, Params(bucket_cap=4, anchors=2)), (2, Params())])
def test_increments_contain_the_matches_of_a_single_run(spark: SparkSession, seed: int, params: Params) -> None:
    """In whatever order documents arrive; without divided buckets the matches are the same."""
    signed, wave_of = corpora(seed)
    names = [one[0] for one in signed]
    hashed = spark.createDataFrame([(name,) for name in names], "n string").select("n", F.xxhash64("n").alias("h"))
    hashes = {one["n"]: one["h"] for one in hashed.collect()}
    together = rows(run(spark, names, signed, params), "document_id")
    assert together == single_run(signed, hashes, params)

    increments = []
    for wave in range(3):
        new = [name for name in names if wave_of[name] == wave]
        there = [one for one in signed if wave_of[one[0]] <= wave]
        increments += rows(run(spark, new, there, params), "document_id")
    assert sorted(one["document_id"] for one in increments) == sorted(names)
    assert all(
        wave_of[match["document_id"]] <= wave_of[one["document_id"]] for one in increments for match in one["matches"]
    )
    if params.bucket_cap == 4:
        assert pairs_of(together) < pairs_of(increments)
        assert sum(one["uncompared"] for one in together) > sum(one["uncompared"] for one in increments) > 0
    else:
        assert pairs_of(together) == pairs_of(increments)
        assert len(pairs_of(together)) > 50


@pytest.mark.parametrize("params", [Params(bucket_cap=4, anchors=2), Params()])
def test_few_new_documents_find_the_same_in_another_way(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, params: Params
) -> None:
    signed, _ = corpora(3)
    new = sorted(one[0] for one in signed)[::4]
    few = rows(run(spark, new, signed, params), "document_id")
    assert 4 * len(new) <= len(signed) and sum(len(one["matches"]) for one in few) > 5
    for limit in ("MOST_MARKED", "MOST_SENT"):
        monkeypatch.setattr(module, limit, 0)
        assert rows(run(spark, new, signed, params), "document_id") == few
