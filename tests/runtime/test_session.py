"""The local session's Python workers."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession


def zips_read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The archives whose directories this worker reads before every task."""
    import sys
    from zipimport import zipimporter

    for _ in batches:
        pass
    found = [path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimporter)]
    yield pa.RecordBatch.from_pydict({"path": pa.array(found, pa.string())})


@pytest.mark.spark
def test_workers_read_no_archive_of_spark(spark: SparkSession) -> None:
    for _ in range(2):  # the second task of a worker finds what the first one left
        assert spark.range(2, numPartitions=2).mapInArrow(zips_read, "path string").collect() == []
