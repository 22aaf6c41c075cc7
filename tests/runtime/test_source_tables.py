"""Delta tables as sources: read at the version listed, only when it is a new one, with the payloads of files."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.pipeline import PIPELINE
from jobs.runtime.errors import ConfigError
from jobs.runtime.listing import list_files
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import Recipe, Source, load_recipe
from jobs.runtime.run import run_recipe
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
    sources = [{"name": name, "path": path, "fields": {"text": "body"}} for name, path in paths.items()]
    for source in sources:
        source["format"] = "parquet" if source["name"] == "files" else "delta"
        if source["name"] == "keyed":
            source |= {"key": "id", "on_vanish": "drop"}
    written = folder / "recipe.yaml"
    written.write_text(json.dumps({"dataset": "d", "tables": str(folder / "lake"), "sources": sources}))
    return load_recipe(str(written), PIPELINE)


def test_tables_are_read_once_a_version_and_as_files_are(spark: SparkSession, tmp_path: Path, schema: str) -> None:
    keyed, named, files = f"{tmp_path}/keyed", f"{schema}.named", f"{tmp_path}/files"

    def frame(*pairs: tuple[int, str]) -> DataFrame:
        return spark.createDataFrame([row(*pair) for pair in pairs], COLUMNS)

    first = frame((1, "one"), (2, "two"), (3, "three"), (3, "four"), (2, "two"))
    first.where("body <> 'four'").dropDuplicates(["id"]).write.format("delta").save(keyed)
    first.write.format("delta").saveAsTable(named)
    first.write.parquet(files)
    recipe = recipe_of(tmp_path, keyed=keyed, named=named, files=files)
    lake = Lake(spark, recipe.tables)

    def run() -> list[str]:
        context = run_recipe(spark, recipe, PIPELINE, last="ingest_records", say=lambda _: None)
        return [outcome.status for outcome in context.outcomes]

    def news(revision: int) -> list[dict[str, Any]]:
        columns = ("source", "record_id", "path", "position", "payload", "file_rows", "drop_reason")
        return rows(lake.read(RAW_RECORDS).where(F.col("revision") == revision).select(*columns))

    planned = {job.job: job.rows for job in plan_recipe(spark, recipe, PIPELINE, last="ingest_records")}
    assert planned["ingest_records"] == 13
    assert run() == ["done", "done"]
    listed = rows(lake.read(SOURCE_FILES).where("format = 'delta'").select("source", "path", "uri", "revision"))
    assert [tuple(one.values()) for one in listed] == [
        ("keyed", keyed, f"{keyed}@v0", 1),
        ("named", named, f"{named}@v0", 1),
    ]
    taken = [one for one in news(1) if one["file_rows"] is None]
    whole = [payload(*pair) for pair in ((1, "one"), (2, "two"), (2, "two"), (3, "four"), (3, "three"))]
    for source, expected in (("keyed", [whole[0], whole[1], whole[4]]), ("named", whole), ("files", whole)):
        mine = [json.loads(one["payload"]) for one in taken if one["source"] == source]
        assert sorted(mine, key=lambda one: (one["id"], one["body"])) == expected, source
    assert len({one["record_id"] for one in taken}) == 13
    texts = {name: sorted(one["payload"] for one in taken if one["source"] == name) for name in ("named", "files")}
    assert texts["named"] == texts["files"], "byte for byte: so are keyless ids"
    assert {one["position"] for one in taken if one["source"] == "named"} == {None}
    of_tables = [one for one in news(1) if one["file_rows"] is not None and one["source"] != "files"]
    assert [(one["path"], one["position"], one["file_rows"]) for one in of_tables] == [(keyed, 0, 3), (named, 0, 5)]

    assert run() == ["skipped", "skipped"]
    frame((4, "new")).write.format("delta").mode("append").save(keyed)
    spark.sql(f"DELETE FROM delta.`{keyed}` WHERE body = 'two'")
    assert run() == ["done", "done"]
    second = news(2)
    assert [(one["source"], one["file_rows"]) for one in second if one["file_rows"] is not None] == [("keyed", 3)]
    records = [one for one in second if one["file_rows"] is None]
    assert [json.loads(one["payload"]) for one in records if one["payload"]] == [payload(4, "new")]
    two = next(one for one in taken if one["source"] == "keyed" and json.loads(one["payload"])["body"] == "two")
    assert [one["record_id"] for one in records if one["payload"] is None] == [two["record_id"]]


def test_what_is_no_table_is_refused(spark: SparkSession, tmp_path: Path, schema: str) -> None:
    spark.range(3).write.parquet(f"{tmp_path}/files")
    spark.range(3).write.format("delta").save(f"{tmp_path}/lake/mine")
    spark.range(3).write.format("parquet").saveAsTable(f"{schema}.other")
    spark.sql(f"CREATE TABLE {schema}.mine USING delta LOCATION '{tmp_path}/lake/mine'")

    def refusal(path: str, format: str = "delta") -> str:
        source = Source(name="s", path=path, format=format, fields={"text": "id"})  # type: ignore[arg-type]
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
    spark.range(3).write.format("delta").partitionBy("id").save(f"{tmp_path}/parts")
    for path in (f"{tmp_path}/parts", f"{tmp_path}/parts/*/*.parquet", f"file://{tmp_path}/parts/id=1"):
        assert f"{tmp_path}/parts is a Delta table" in refusal(path, "parquet")
