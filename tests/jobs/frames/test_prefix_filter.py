"""No pair across splits is lost: the prefix filter against all pairs."""

import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.frames.prefix_filter import similar_across_splits
from tests.conftest import rows
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


@pytest.mark.parametrize(("seed", "threshold"), [(1, 0.5), (3, 0.7)])
def test_no_pair_is_lost(spark: SparkSession, seed: int, threshold: float) -> None:
    documents = corpus(seed)
    expected = all_pairs(documents, threshold)
    assert len(expected) > 20
    texts = spark.createDataFrame(documents, "document_id string, split string, text string")
    found = similar_across_splits(texts, ShingleRule(), threshold, 3)
    assert rows(found, "document_id", "other_id") == expected


def test_without_held_out_documents_there_is_no_pair(spark: SparkSession) -> None:
    texts = spark.createDataFrame(
        [("a", "train", "same text"), ("b", "train", "same text")], "document_id string, split string, text string"
    )
    assert rows(similar_across_splits(texts, ShingleRule(), 0.5, 2)) == []
