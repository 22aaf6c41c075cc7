"""No pair across splits is lost: the prefix filter against all pairs."""

import random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.frames.prefix_filter import similar_across_splits
from tests.conftest import rows

pytestmark = pytest.mark.spark

RANK = {"train": 0, "val": 1, "test": 2}
Document = tuple[str, str, list[int] | None, list[int] | None]


def corpus(seed: int) -> list[Document]:
    """Small sets over few members, half of them edited copies, with common members and both grains."""
    draw = random.Random(seed)
    documents: list[Document] = []
    for number in range(110):
        if number % 2 and documents:
            base = draw.choice(documents)[2 + number % 4 // 2] or [1]
            kept = {one for one in base if draw.random() < 0.85}
            grain = sorted(kept | {draw.randrange(40) for _ in range(draw.randrange(3))} or {1})
        else:
            grain = sorted({int(40 * draw.random() ** 2) for _ in range(draw.randrange(1, 14))})
        other = sorted({draw.randrange(8) for _ in range(draw.randrange(1, 6))})
        fine, coarse = draw.choice([(grain, None), (None, grain), (grain, other), (other, grain)])
        documents.append((f"d{number:03}", draw.choice(["train", "train", "val", "test"]), fine, coarse))
    documents.append(("no-shingles", "test", None, None))
    return documents


def all_pairs(documents: list[Document], threshold: float) -> list[dict[str, Any]]:
    """Every pair of two splits whose greatest exact Jaccard reaches the threshold."""
    found = []
    for low in documents:
        for high in documents:
            if RANK[low[1]] < RANK[high[1]]:
                grains = [(set(a), set(b)) for a, b in zip(low[2:], high[2:], strict=True) if a and b]
                best = max((len(a & b) / len(a | b) for a, b in grains), default=0.0)
                if best >= threshold:
                    found.append((low[0], high[0], low[1], high[1], round(best, 6)))
    names = ("document_id", "other_id", "split", "other_split", "similarity")
    return [dict(zip(names, row, strict=True)) for row in sorted(found)]


@pytest.mark.parametrize(("seed", "threshold"), [(1, 0.5), (3, 0.7)])
def test_no_pair_is_lost(spark: SparkSession, seed: int, threshold: float) -> None:
    documents = corpus(seed)
    shingled = spark.createDataFrame(
        documents, "document_id string, split string, fine array<int>, coarse array<int>"
    ).cache()

    def cut(texts: DataFrame) -> DataFrame:
        return texts.join(shingled.drop("split"), "document_id")

    found = similar_across_splits(shingled.select("document_id", "split"), cut, threshold)
    expected = all_pairs(documents, threshold)
    assert len(expected) > 20
    assert rows(found, "document_id", "other_id") == expected
    shingled.unpersist()
