"""Files as listed, against what the lake knows of them: what is listed anew, and under which revision."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.list_files import Params, outside, refuse_contradictions, transform
from jobs.runtime.errors import ConfigError
from jobs.runtime.listing import FILES
from jobs.runtime.source import Source
from jobs.runtime.tables import Lake
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES
from schemas.table import Table
from tests.conftest import frame, rows

pytestmark = pytest.mark.spark

FAQ = Source(name="faq", path="raw", format="csv", key=("id",), order_by="at", fields={"text": "body"})
DROP = Source(name="drop", path="drop", format="text", on_vanish="drop")
QUIET = DROP.model_copy(update={"name": "quiet"})


def now(path: str, size: int = 10, modified: int = 1000, uri: str | None = None, source: str = "faq") -> dict[str, Any]:
    found = {"source": source, "path": path, "size_bytes": size, "modified_ms": modified}
    return found | {"uri": uri or f"/here/{path}"}


def listed(revision: int, file: dict[str, Any], **other: Any) -> dict[str, Any]:
    """The row of source_files that a file found as `file` has."""
    faq = {"format": "csv", "record_key": ["id"], "order_by": "at", "on_vanish": "keep"}
    drop: dict[str, Any] = {"format": "text", "record_key": [], "order_by": None, "on_vanish": "drop"}
    declared = faq if file["source"] == "faq" else drop
    return {"revision": revision, **file, "vanished": False, **declared, **other}


def gone(revision: int, path: str, source: str = "faq") -> dict[str, Any]:
    absent = {"source": source, "path": path, "uri": None, "size_bytes": None, "modified_ms": None}
    return listed(revision, absent, vanished=True)


def run(
    spark: SparkSession,
    known: list[dict[str, Any]],
    found: list[dict[str, Any]],
    failed: Sequence[dict[str, Any]] = (),
    sources: tuple[Source, ...] = (FAQ,),
) -> list[dict[str, Any]]:
    batch = transform(
        source_files=frame(spark, SOURCE_FILES.columns, *known),
        raw_records=frame(spark, RAW_RECORDS.columns, *failed),
        files=frame(spark, FILES, *found),
        params=Params(sources=sources),
    )
    return rows(batch.select(*SOURCE_FILES.columns.names), "source", "path")


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    return sorted(found, key=str) == sorted(
        [{name: row[name] for name in SOURCE_FILES.columns.names} for row in expected], key=str
    )


def test_only_new_changed_returned_vanished_and_failed_files_are_listed(spark: SparkSession) -> None:
    moved, repinned = now("cached", uri="/new/cache/one"), now("asset", uri="/cache/member-2222.txt")
    known = [
        listed(1, now("same")),
        listed(1, now("cached", uri="/old/cache/one")),
        listed(1, now("asset", uri="/cache/member-1111.txt")),
        listed(1, now("size")),
        listed(1, now("time")),
        listed(1, now("returned")), gone(2, "returned"),
        listed(1, now("left")),
        listed(1, now("left before")), gone(2, "left before"),
        listed(1, now("failed")), listed(2, now("failed")),
        listed(1, now("mended")), listed(2, now("mended")),
        listed(1, now("wrong key"), record_key=["Id"]),
        listed(7, now("x"), source="another recipe's"),
    ]  # fmt: skip
    found = [
        now("same"), moved, repinned, now("size", size=11), now("time", modified=1001), now("returned"),
        now("failed"), now("mended"), now("new"), now("wrong key"),
    ]  # fmt: skip
    failures = [
        {"source": "faq", "path": "failed", "revision": 2, "file_rows": 3, "drop_reason": "truncated_file"},
        {"source": "faq", "path": "mended", "revision": 1, "file_rows": 0, "drop_reason": "unreadable_file"},
        {"source": "faq", "path": "same", "revision": 1, "file_rows": 9, "drop_reason": "wrong_encoding"},
        {"source": "faq", "path": "same", "revision": 1, "payload": "{}", "drop_reason": "bad_json"},
    ]
    assert same(run(spark, known, found, failures), [
        listed(8, now("size", size=11)),
        listed(8, now("time", modified=1001)),
        listed(8, repinned),
        listed(8, now("returned")),
        gone(8, "left"),
        listed(8, now("failed")),
        listed(8, now("new")),
        listed(8, now("wrong key")),
    ])  # fmt: skip


def test_on_vanish_drop_lists_a_source_whole_once_anything_changed(spark: SparkSession) -> None:
    a, b, c, changed = (now(path, size, source="drop") for path, size in (("a", 1), ("b", 1), ("c", 1), ("b", 2)))
    quiet = now("a", source="quiet")
    known = [listed(1, file) for file in (a, b, c, quiet, now("same"))]
    found = run(spark, known, [a, changed, quiet, now("same")], sources=(FAQ, DROP, QUIET))
    assert same(found, [listed(2, a), listed(2, changed), gone(2, "c", source="drop")])


def test_records_that_left_under_keep_go_once_drop_is_said(spark: SparkSession) -> None:
    kept = [listed(1, now(path, source="drop"), on_vanish="keep") for path in ("a", "b")]
    files = [now("a", source="drop"), now("b", source="drop")]
    found = run(spark, kept, files, sources=(DROP,))
    assert same(found, [listed(2, file) for file in files])
    assert run(spark, kept, files, sources=(DROP.model_copy(update={"on_vanish": "keep"}),)) == []


def lake_with(spark: SparkSession, payload: str | None, *more: dict[str, Any], taken_at: int = 1) -> Lake:
    """What a lake reads of a source that was taken with other words."""
    reason = "missing_key" if payload is None else None
    known = {
        SOURCE_FILES: frame(spark, SOURCE_FILES.columns, listed(1, now("a"), record_key=["Id"]), *more),
        RAW_RECORDS: frame(
            spark,
            RAW_RECORDS.columns,
            {"source": "faq", "path": "a", "revision": taken_at, "payload": payload, "drop_reason": reason},
            {"source": "faq", "path": "a", "revision": taken_at, "file_rows": 1},
        ),
    }

    class Known:
        def read(self, table: Table) -> DataFrame:
            return known[table]

    return cast(Lake, Known())


def test_what_identifies_records_is_fixed_by_the_first_of_them(spark: SparkSession) -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_contradictions(lake_with(spark, '{"Id":1}'), (FAQ,))
    assert str(refused.value) == (
        "source faq: key is ['id'], but its records were taken with ['Id']. It identifies records for ever: "
        "keep it, or give the source a new name."
    )
    refuse_contradictions(lake_with(spark, None), (FAQ,))  # no record had that key: a typo, and mended
    mended = listed(2, now("a"))
    refuse_contradictions(lake_with(spark, '{"id":1}', mended, taken_at=2), (FAQ,))  # nor does it bind later runs
    taken = lake_with(spark, '{"id":1}', mended, taken_at=2)
    refuse_contradictions(taken, (FAQ.model_copy(update={"encoding": "auto"}),))  # UTF-8 is read as before
    with pytest.raises(ConfigError, match="format is 'csv@big5', but its records were taken with 'csv'"):
        refuse_contradictions(taken, (FAQ.model_copy(update={"encoding": "big5"}),))


@pytest.mark.parametrize(("failures", "again"), [(1, True), (2, True), (3, False)])
def test_a_file_that_fails_is_tried_three_times_as_it_is(spark: SparkSession, failures: int, again: bool) -> None:
    torn = [{"source": "faq", "path": "a", "file_rows": 0, "drop_reason": "truncated_file"}]
    failed = [torn[0] | {"revision": revision} for revision in range(1, failures + 1)]
    known = [listed(revision, now("a")) for revision in range(1, failures + 1)]
    assert bool(run(spark, known, [now("a")], failed)) == again
    assert [row["revision"] for row in run(spark, known, [now("a", modified=2000)], failed)] == [failures + 1]


def test_a_look_outside_sees_files_and_what_waits_to_be_tried_again(spark: SparkSession) -> None:
    said: list[str] = []

    def look(file: tuple[Any, ...], run_id: str, reason: str | None = None, source: str = "faq", tries: int = 1) -> str:
        failed = [{"source": source, "path": "a", "file_rows": 1, "drop_reason": reason} for _ in range(tries)]
        known = {
            RAW_RECORDS: frame(spark, RAW_RECORDS.columns, *[row | {"revision": n} for n, row in enumerate(failed, 1)]),
            SOURCE_FILES: frame(spark, SOURCE_FILES.columns, *[listed(n, now("a")) for n in range(1, tries + 1)]),
        }
        lake = SimpleNamespace(exists=lambda table: reason is not None, read=lambda table: known[table])
        recipe = SimpleNamespace(sources=(FAQ, DROP))
        context: Any = SimpleNamespace(files=[file], run_id=run_id, lake=lake, recipe=recipe, note=said.append)
        return outside(context)

    one, other = ("faq", "a", "/here/a", 10, 1000), ("faq", "a", "/here/a", 10, 1001)
    as_it_was = look(one, "run1")
    assert as_it_was == look(one, "run2", "wrong_encoding") == look(one, "run3", "truncated_file", "another recipe's")
    assert as_it_was != look(other, "run1")
    assert len({as_it_was, *(look(one, run, "truncated_file") for run in ("run1", "run2"))}) == 3
    assert not said
    assert as_it_was == look(one, "run4", "unreadable_file", tries=3)
    assert "a: not read, and after 3 tries left alone while they stay as they are" in said[0]
