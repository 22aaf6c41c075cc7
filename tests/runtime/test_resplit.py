"""What `--resplit` gives up: splits that no published version needs."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.runtime.declared_rows import conform
from jobs.runtime.resplit import ever_kept, give_up_splits
from jobs.runtime.tables import Lake
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.splits import SPLITS
from tests.conftest import rows

pytestmark = pytest.mark.spark


def test_only_what_no_version_kept_is_drawn_anew(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    assert give_up_splits(lake) == 0  # no table yet
    lake.create(SPLITS)
    splits = [(one, "test", "hash", one) for one in ("kept", "drafted", "dropped", "other")]
    frame = spark.createDataFrame(splits, "document_id string, split string, reason string, leak_group_id string")
    lake.append(SPLITS, conform(SPLITS, frame), {})
    # faq has published version 1; version 2 is a draft. chats has published version 1.
    examples = [("faq", 1, "kept"), ("faq", 2, "drafted"), ("chats", 1, "other")]
    tables = {
        DATASET_EXAMPLES: spark.createDataFrame(examples, "dataset string, dataset_version bigint, document_id string"),
        DATASET_VERSIONS: spark.createDataFrame(examples[::2], "dataset string, dataset_version bigint, x string"),
    }
    read = lake.read
    lake.read = lambda table, version=None: tables.get(table) or read(table, version)  # type: ignore[method-assign]
    assert [row["document_id"] for row in rows(ever_kept(lake))] == ["kept", "other"]
    assert give_up_splits(lake) == 2
    assert [row["document_id"] for row in rows(read(SPLITS), "document_id")] == ["kept", "other"]
    assert give_up_splits(lake) == 0
