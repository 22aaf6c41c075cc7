"""Delta tables as sources: read at the version listed, only when it is a new one, with the payloads of files."""

import json
import os
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.frames.file_rows import read_records
from jobs.pipeline import PIPELINE
from jobs.runtime.errors import ConfigError
from jobs.runtime.listing import list_files, listing
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import Recipe, load_recipe
from jobs.runtime.run import run_recipe
from jobs.runtime.source import Source
from jobs.runtime.tables import Lake
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES
from tests.conftest import rows

pytestmark = pytest.mark.spark

COLUMNS = """
id bigint, body string, price decimal(20, 4), at timestamp, wall timestamp_ntz, day date, tags array<string>,
meta struct<score: float, seen: map<string, timestamp>>, bytes binary
"""
NOON, SEEN = datetime(2024, 5, 6, 12, 0, 0, 250_000), datetime(2023, 1, 1)


def row(id: int, body: str) -> tuple[Any, ...]:
    full = (Decimal("1.5000"), NOON, NOON, date(1582, 10, 4), ["a", None], (0.1, {"x": SEEN}), b"\x00\xff")
    return (2**60 + id, body, *(full if id % 2 else (None,) * 7))


def payload(id: int, body: str) -> dict[str, Any]:
    full = {
        "price": "1.5000", "at": "2024-05-06T12:00:00.25+00:00", "wall": "2024-05-06T12:00:00.25", "day": "1582-10-04",
        "tags": ["a", None], "meta": {"score": 0.1, "seen": {"x": "2023-01-01T00:00:00+00:00"}}, "bytes": "AP8=",
    }  # fmt: skip
    return {"id": 2**60 + id, "body": body, **(full if id % 2 else dict.fromkeys(full))}


@pytest.fixture
def schema(spark: SparkSession, tmp_path: Path) -> Iterator[str]:
    spark.sql(f"CREATE SCHEMA sluice_sources LOCATION '{tmp_path}/catalog'")
    yield "sluice_sources"
    spark.sql("DROP SCHEMA sluice_sources CASCADE")


def recipe_of(folder: Path, **paths: str) -> Recipe:
    sources: list[dict[str, Any]] = [
        {"name": name, "path": path, "fields": {"text": "text" if name == "small" else "body"}}
        for name, path in paths.items()
    ]
    for source in sources:
        source["format"] = {"files": "parquet", "small": "text"}.get(source["name"], "delta")
        if source["name"] == "keyed":
            source |= {"key": "id", "on_vanish": "drop"}
    written = folder / "recipe.yaml"
    written.write_text(json.dumps({"dataset": "d", "tables": str(folder / "lake"), "sources": sources}))
    return load_recipe(str(written), PIPELINE)


def test_only_what_changed_is_read_of_tables_and_many_files_and_rows_are_the_same(
    spark: SparkSession, tmp_path: Path, schema: str
) -> None:
    keyed, named, files = f"{tmp_path}/keyed", f"{schema}.named", f"{tmp_path}/files"

    def frame(*pairs: tuple[int, str]) -> DataFrame:
        return spark.createDataFrame([row(*pair) for pair in pairs], COLUMNS)

    first = frame((1, "one"), (2, "two"), (3, "three"), (3, "four"), (2, "two"))
    first.where("body <> 'four'").dropDuplicates(["id"]).write.format("delta").save(keyed)
    first.write.format("delta").saveAsTable(named)
    first.coalesce(1).write.parquet(files)  # equal rows of two files are one
    small = [tmp_path / "small" / f"{n % 3}" / f"{n}.txt" for n in range(300)]
    for path in small:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.name} before")
    recipe = recipe_of(tmp_path, keyed=keyed, named=named, files=files, small=f"{tmp_path}/small")
    lake = Lake(spark, recipe.tables)

    def run() -> list[str]:
        context = run_recipe(spark, recipe, PIPELINE, last="ingest_records", say=lambda _: None)
        return [outcome.status for outcome in context.outcomes]

    def news(revision: int) -> list[dict[str, Any]]:
        columns = ("source", "record_id", "path", "position", "payload", "file_rows", "drop_reason")
        return rows(lake.read(RAW_RECORDS).where(F.col("revision") == revision).select(*columns))

    planned = {job.job: job.rows for job in plan_recipe(spark, recipe, PIPELINE, last="ingest_records")}
    assert planned["ingest_records"] == 13 + 300
    assert run() == ["done", "done"]
    listed = rows(lake.read(SOURCE_FILES).where("format = 'delta'").select("source", "path", "uri", "revision"))
    assert [tuple(one.values()) for one in listed] == [
        ("keyed", keyed, f"{keyed}@v0", 1),
        ("named", named, f"{named}@v0", 1),
    ]
    first_rows = news(1)
    texts = [one for one in first_rows if one["source"] == "small"]
    assert len(texts) == 600 and '{"text":"7.txt before"}' in {one["payload"] for one in texts}
    taken = [one for one in first_rows if one["file_rows"] is None and one["source"] != "small"]
    whole = [payload(*pair) for pair in ((1, "one"), (2, "two"), (2, "two"), (3, "four"), (3, "three"))]
    for source, expected in (("keyed", [whole[0], whole[1], whole[4]]), ("named", whole), ("files", whole)):
        mine = [json.loads(one["payload"]) for one in taken if one["source"] == source]
        assert sorted(mine, key=lambda one: (one["id"], one["body"])) == expected, source
    assert len({one["record_id"] for one in taken}) == 13
    as_text = {name: sorted(one["payload"] for one in taken if one["source"] == name) for name in ("named", "files")}
    assert as_text["named"] == as_text["files"], "byte for byte: so are keyless ids"
    assert {one["position"] for one in taken if one["source"] == "named"} == {None}
    of_tables = [one for one in first_rows if one["file_rows"] is not None and one["source"] in ("keyed", "named")]
    assert [(one["path"], one["position"], one["file_rows"]) for one in of_tables] == [(keyed, 0, 3), (named, 0, 5)]

    for path in small:  # where any were opened again, its row would be another
        facts = path.stat()
        path.write_text(f"{path.name} behind")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert run() == ["skipped", "skipped"]
    os.utime(small[7])
    frame((4, "new")).write.format("delta").mode("append").save(keyed)
    spark.sql(f"DELETE FROM delta.`{keyed}` WHERE body = 'two'")
    assert run() == ["done", "done"]
    second = news(2)
    counts = [(one["source"], one["file_rows"]) for one in second if one["file_rows"] is not None]
    assert counts == [("keyed", 3), ("small", 1)]
    records = [one for one in second if one["file_rows"] is None and one["source"] == "keyed"]
    assert [one["payload"] for one in second if one["source"] == "small" and one["payload"]] == [
        '{"text":"7.txt behind"}'
    ]
    assert [json.loads(one["payload"]) for one in records if one["payload"]] == [payload(4, "new")]
    two = next(one for one in taken if one["source"] == "keyed" and json.loads(one["payload"])["body"] == "two")
    assert [one["record_id"] for one in records if one["payload"] is None] == [two["record_id"]]


def test_what_is_no_table_is_refused(spark: SparkSession, tmp_path: Path, schema: str) -> None:
    spark.range(3).write.parquet(f"{tmp_path}/files")
    spark.range(3).write.format("delta").save(f"{tmp_path}/lake/mine")
    spark.range(3).write.format("parquet").saveAsTable(f"{schema}.other")
    spark.sql(f"CREATE TABLE {schema}.mine USING delta LOCATION '{tmp_path}/lake/mine'")

    def refusal(path: str) -> str:
        source = Source(name="s", path=path, format="delta", fields={"text": "id"})
        with pytest.raises(ConfigError) as refused:
            list_files([source], f"{tmp_path}/lake", spark)
        return str(refused.value)

    for path in (f"{tmp_path}/absent", f"{tmp_path}/files", f"{schema}.absent", f"{schema}.other", "no.such.table"):
        said = refusal(path)
        assert said.startswith(f"source s: expected a Delta table at {path}: "), said
        assert said.endswith("Mend `path`, a folder with _delta_log, schema.table or catalog.schema.table; "
                             "or `format`; or the rights of this session there.")  # fmt: skip
        assert len(said) < 700 and "\n" not in said
    for path in (f"{tmp_path}/lake/mine", f"{schema}.mine"):
        assert f"source s: {path} holds the lake {tmp_path}/lake. Mend" in refusal(path)


def test_many_files_are_shared_by_few_tasks(spark: SparkSession, tmp_path: Path) -> None:
    files = [("s", f"{n}", str(tmp_path / "absent"), 1, 1) for n in range(1000)]
    known = {"revision": F.lit(1), "format": F.lit("text"), "record_key": F.array(), "order_by": F.lit(None)}
    read = listing(spark, files).withColumns(known).transform(read_records, 8)
    tasks = read.groupBy(F.spark_partition_id()).agg(F.count("path").alias("n"), F.max("drop_reason").alias("reason"))
    found = tasks.collect()
    assert len(found) <= 8 and sum(row["n"] for row in found) == 1000
    assert max(row["n"] for row in found) < 200 and {row["reason"] for row in found} == {"unreadable_file"}
