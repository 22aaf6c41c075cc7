"""No pair across splits is lost: the prefix filter against all pairs."""

import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.frames.prefix_filter import TooManyPairs, meet, similar_across_splits
from tests.conftest import rows
from udfs import prefixes
from udfs.prefixes import PREFIX_SCHEMA
from udfs.shingles import ShingleRule, Shingles, shingle

pytestmark = pytest.mark.spark

RANK = {"train": 0, "val": 1, "test": 2}
Document = tuple[str, str, str]


def corpus(seed: int) -> list[Document]:
    """Texts of 1 to 70 words of a small vocabulary, half of them edited copies, some Chinese, some of both grains."""
    draw = random.Random(seed)
    words = [*(f"word{number}" for number in range(60)), *"天地玄黄宇宙洪荒日月盈昃"]
    texts: list[list[str]] = []
    for number in range(130):
        if number % 2 and texts:
            base = [word for word in draw.choice(texts) if draw.random() < 0.93]
            texts.append([*base, *draw.choices(words, k=draw.randrange(4))] or ["word1"])
        else:
            texts.append(draw.choices(words, k=draw.choice([1, 3, 9, 45, 55, 70])))
    documents = [(f"d{n:03}", draw.choice(["train", "train", "val", "test"]), " ".join(t)) for n, t in enumerate(texts)]
    return [*documents, ("no-shingles", "test", "!!!")]


def grain_sets(shingles: Shingles) -> list[set[int]]:
    ends = zip(shingles.offsets[:-1], shingles.offsets[1:], strict=True)
    return [set(shingles.hashes[start:end].tolist()) for start, end in ends]


def all_pairs(documents: list[Document], threshold: float) -> list[dict[str, Any]]:
    """Every pair of two splits whose greatest exact Jaccard reaches the threshold."""
    fine, coarse = (grain_sets(grain) for grain in shingle([text for _, _, text in documents], ShingleRule()))
    found = []
    for i, low in enumerate(documents):
        for j, high in enumerate(documents):
            if RANK[low[1]] < RANK[high[1]]:
                grains = [(grain[i], grain[j]) for grain in (fine, coarse) if grain[i] and grain[j]]
                best = max((len(a & b) / len(a | b) for a, b in grains), default=0.0)
                if best >= threshold:
                    found.append((low[0], high[0], low[1], high[1], round(best, 6)))
    names = ("document_id", "other_id", "split", "other_split", "similarity")
    return [dict(zip(names, row, strict=True)) for row in sorted(found)]


@pytest.mark.parametrize(("seed", "threshold", "most"), [(1, 0.5, 0), (3, 0.7, 10_000), (4, 0.5, 25)])
def test_no_pair_is_lost(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, seed: int, threshold: float, most: int
) -> None:
    """Where all members are crowded, none, or some."""
    monkeypatch.setattr(prefixes, "MOST_MEETINGS", most)
    documents = corpus(seed)
    expected = all_pairs(documents, threshold)
    assert len(expected) > 20
    texts = spark.createDataFrame(documents, "document_id string, split string, text string")
    found = similar_across_splits(texts, ShingleRule(), threshold, 3)
    assert rows(found, "document_id", "other_id") == expected


def test_pairs_that_cannot_reach_the_threshold_are_never_verified(spark: SparkSession) -> None:
    """Sets of 10 have prefixes of 6 and 4 members behind them, one of 14 has 8 and 6. Two of 10 need 7 in common, those
    of 10 and 14 need 8; behind the shared members of 'late' only 4 of its 10 can follow, behind those of 'early' 6."""
    shared = {
        "three": (10, 10, (0, 1, 2), (0, 1, 2), True),
        "two": (10, 10, (0, 1), (0, 1), False),
        "early": (10, 14, (1, 2, 3), (0, 1, 2), True),
        "late": (10, 14, (0, 1, 5), (0, 1, 2), False),
    }
    entries = []
    for number, (name, (num, other_num, places, other_places, _)) in enumerate(shared.items()):
        for member, (place, other_place) in enumerate(zip(places, other_places, strict=True)):
            shingle = 100 * number + member
            entries.append((name, "train", 0, num, 0, place, shingle, False))
            entries.append((f"other {name}", "test", 0, other_num, 0, other_place, shingle, False))
    columns = f"document_id string, split string, {PREFIX_SCHEMA.partition(', ')[2]}"
    found = rows(meet(spark.createDataFrame(entries, columns), 0.5), "document_id")
    assert [row["document_id"] for row in found] == sorted(name for name, (*_, met) in shared.items() if met)


def test_a_template_in_two_splits_is_refused_before_its_pairs_are_made(spark: SparkSession) -> None:
    template = " ".join(f"word{number}" for number in range(60))
    texts = [(f"d{n}", "train" if n % 2 else "test", f"{template} {n} {n}") for n in range(2_010)]
    frame = spark.createDataFrame(texts, "document_id string, split string, text string")
    with pytest.raises(TooManyPairs) as error:
        similar_across_splits(frame, ShingleRule(), 0.5, 2)
    assert error.value.args == (1_005 * 1_005,)


def test_without_held_out_documents_there_is_no_pair(spark: SparkSession) -> None:
    texts = spark.createDataFrame(
        [("a", "train", "same text"), ("b", "train", "same text")], "document_id string, split string, text string"
    )
    assert rows(similar_across_splits(texts, ShingleRule(), 0.5, 2)) == []
