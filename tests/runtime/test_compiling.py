"""When queries are compiled, and that a session has its own settings again."""

from types import SimpleNamespace
from typing import Any

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime import compiling
from jobs.runtime.compiling import COMPILED, FEW_ROWS, INTERPRETED, queries_over, rows_of
from jobs.runtime.session import DECIDED_BY

JOBS = {job.name: job for job in PIPELINE}


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DECIDED_BY:
        monkeypatch.delenv(name, raising=False)


def session(**settings: str) -> tuple[Any, dict[str, str]]:
    kept = {compiling.WHOLE_STAGE: "true", compiling.FACTORIES: "FALLBACK"} | settings
    return SimpleNamespace(conf=SimpleNamespace(get=kept.get, set=kept.__setitem__)), kept


def seen(spark: Any, kept: dict[str, str], rows: int | None) -> dict[str, str]:
    with queries_over(spark, rows):
        return dict(kept)


@pytest.mark.parametrize(
    ("rows", "wanted"), [(0, INTERPRETED), (FEW_ROWS - 1, INTERPRETED), (FEW_ROWS, COMPILED), (None, COMPILED)]
)
def test_few_rows_are_interpreted(rows: int | None, wanted: dict[str, str]) -> None:
    assert seen(*session(), rows) == wanted


def test_a_session_gets_its_own_settings_back_also_after_an_error() -> None:
    spark, kept = session(**{compiling.WHOLE_STAGE: "false"})
    before = dict(kept)
    with pytest.raises(ValueError, match="inside"), queries_over(spark), queries_over(spark, None):
        assert kept == COMPILED
        raise ValueError("inside")
    assert kept == before


def test_a_platform_decides_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert seen(*session(), 0) == COMPILED


def context(rows: dict[str, int | None], *sizes: int) -> Any:
    history = SimpleNamespace(rows=lambda table: rows.get(table.name, 0))
    return SimpleNamespace(history=history, files=[("faq", "a", "file:a", size, 0) for size in sizes])


def test_the_greatest_table_counts_and_one_that_nobody_knows() -> None:
    job = JOBS["group_duplicates"]
    assert rows_of(context({"documents": 7, "splits": 9}), job) == 9
    assert rows_of(context({"documents": 7, "splits": None}), job) is None


def test_files_count_by_their_size() -> None:
    job = JOBS["ingest_records"]
    assert rows_of(context({}, 400, 700), job) == 2
    assert rows_of(context({}, 400, 0), job) is None, "a table as a source has no size"
    assert rows_of(context({}), job) == 0
