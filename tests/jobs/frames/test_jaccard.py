import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.frames.jaccard import with_similarity
from tests.conftest import rows

pytestmark = pytest.mark.spark

Grains = tuple[list[int] | None, list[int] | None]
CASES: list[tuple[Grains, Grains, float | None]] = [
    (([1, 2, 3, 4], None), ([2, 3, 4, 5], None), 0.6),
    ((None, [1, 2, 3]), (None, [3, 4, 5]), 0.2),
    (([1, 2], [1, 2, 3]), ([3, 4], [2, 3, 4]), 0.5),  # the greater of 0 and 2/4
    (([1, 2], None), (None, [1, 2]), None),  # no grain that both have
    (([1, 2], None), ([1, 2], [9]), 1.0),
    (([], None), ([], None), None),
    (([], None), ([1], None), 0.0),
    (([1, 2], None), ([2, 3], None), 0.333333),
]


def in_bytes(grains: Grains) -> tuple[bytes | None, ...]:
    return tuple(None if members is None else np.array(members, "<u4").tobytes() for members in grains)


def test_greatest_over_the_grains_that_both_have(spark: SparkSession) -> None:
    grains = "struct<fine_shingles: binary, coarse_shingles: binary>"
    cases = [(number, in_bytes(left), in_bytes(right)) for number, (left, right, _) in enumerate(CASES)]
    frame = spark.createDataFrame(cases, f"number int, left {grains}, right {grains}")
    found = rows(with_similarity(frame, 0.0), "number")
    assert found == [
        {"number": number, "similarity": expected}
        for number, (_, _, expected) in enumerate(CASES)
        if expected is not None
    ]
    assert [row["number"] for row in rows(with_similarity(frame, 0.333333), "number")] == [0, 2, 4, 7]
