"""Which cleanings bind texts: those in force, of this dataset and of the others."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from jobs.frames.links import declared_links
from jobs.runtime.cleanings import cleaned_in_force
from schemas.clean_records import CLEAN_RECORDS
from schemas.job_runs import JOB_RUNS
from tests.conftest import frame, rows

pytestmark = pytest.mark.spark


def ran(dataset: str, at: int, fingerprint: str, status: str = "done", job: str = "clean_text") -> dict[str, Any]:
    finished = datetime(2026, 1, 1, at, tzinfo=UTC)
    return {
        **{"dataset": dataset, "job": job, "run_id": f"r{at}", "status": status, "finished_at": finished},
        "fingerprints": {"faq": fingerprint},
    }


def test_a_mended_mapping_binds_no_more(spark: SparkSession) -> None:
    """`group: category` was a typo for `group: thread`: its keys would tie thousands of texts for ever."""
    cleaned = [
        {"fingerprint": fingerprint, "document_id": "a", "groups": [f"faq/{fingerprint}"]}
        for fingerprint in ("mine", "typo", "other now", "other before", "failed")
    ]
    runs = [
        ran("me", 1, "typo"),
        ran("other", 2, "other before"),
        ran("other", 3, "other now"),
        ran("other", 4, "failed", status="failed"),
        ran("other", 5, "typo", job="hash_shingles"),
        ran("same", 6, "mine", status="skipped"),
    ]
    tables = {
        CLEAN_RECORDS: frame(spark, CLEAN_RECORDS.columns, *cleaned),
        JOB_RUNS: frame(spark, JOB_RUNS.columns, *runs),
    }
    scope = SimpleNamespace(
        producers={"clean_records": "clean_text"},
        fingerprints={"clean_text": {"faq": "mine"}},
        recipe=SimpleNamespace(dataset="me"),
        read=tables.__getitem__,
    )
    context = SimpleNamespace(scope=scope, lake=SimpleNamespace(read=tables.__getitem__))
    found = rows(declared_links(cleaned_in_force(cast(Any, context))), "link")
    assert [row["link"] for row in found] == ["faq/mine", "faq/other now"]
