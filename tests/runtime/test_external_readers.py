"""Tables of a lake in readers that are not Spark: delta-rs, Polars, DuckDB. They see what Spark sees, and its digest.

DuckDB's own extension for Delta has to be fetched from a network, so it reads through delta-rs's Arrow dataset here.
"""

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl
import pytest
from deltalake import DeltaTable

from jobs.frames.digests import LANE_HEX, LANES
from jobs.publish_dataset import CONTENT
from jobs.runtime.views import TABLES
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from tests.conftest import plain
from tests.grown_lake import GrownLake

pytestmark = pytest.mark.spark

# CHECK and NOT NULL need writer version 3; no table needs a reader that knows features by name (version 3).
MOST_READER, MOST_WRITER = 1, 3
NEWEST = "dataset = 'grown' AND dataset_version = 3"
# What turns features on that other readers lack.
FORBIDDEN = {
    "delta.enableDeletionVectors": "true",
    "delta.columnMapping.mode": "name",
    "delta.checkpointPolicy": "v2",
    "delta.enableTypeWidening": "true",
    "delta.enableRowTracking": "true",
}


@pytest.fixture(scope="module")
def lake(grown_lake: GrownLake) -> Path:
    """The folder of the lake after its third run."""
    return grown_lake.folder / "lake"


def digest(rows: list[dict[str, Any]]) -> str:
    """The content digest of a version as publish_dataset defines it, without Spark."""
    sums = [0] * LANES
    for row in rows:
        told = orjson.dumps(without_nulls({name: row[name] for name in CONTENT}))
        hexed = hashlib.sha256(told).hexdigest()
        for lane in range(LANES):
            sums[lane] += int(hexed[lane * LANE_HEX : (lane + 1) * LANE_HEX], 16)
    return hashlib.sha256("/".join(map(str, [len(rows), *sums])).encode()).hexdigest()[:32]


def without_nulls(value: Any) -> Any:
    """A value as Spark's JSON has it: without the fields that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The declared columns of rows, in the order of their ids; empty maps and nulls as they are."""
    ordered = sorted(rows, key=lambda row: str(row["document_id"]))
    return [{name: row[name] for name in CONTENT} for row in ordered]


def test_no_table_asks_for_more_than_every_reader_has(lake: Path) -> None:
    found = [table for table in TABLES if (lake / table.name).is_dir()]
    assert {DATASET_EXAMPLES, DATASET_VERSIONS} <= set(found)
    for table in found:
        opened = DeltaTable(str(lake / table.name))
        protocol = opened.protocol()
        assert protocol.min_reader_version <= MOST_READER, table.name
        assert protocol.min_writer_version <= MOST_WRITER, table.name
        assert not protocol.reader_features and not protocol.writer_features, table.name
        properties = opened.metadata().configuration
        assert not {name for name, value in FORBIDDEN.items() if properties.get(name) == value}, table.name
        assert not list((lake / table.name).rglob("deletion_vector_*")), table.name


def test_every_table_has_the_rows_that_spark_sees(grown_lake: GrownLake, lake: Path) -> None:
    found = [table for table in TABLES if (lake / table.name).is_dir()]
    for table in found:
        counted = DeltaTable(str(lake / table.name)).to_pyarrow_dataset().count_rows()
        assert counted == grown_lake.lake.read(table).count(), table.name


@pytest.mark.parametrize("reader", ["delta-rs", "polars", "duckdb"])
def test_a_version_has_its_rows_and_its_digest(reader: str, grown_lake: GrownLake, lake: Path) -> None:
    wanted = [plain(row) for row in grown_lake.ask(f"SELECT * FROM dataset_examples WHERE {NEWEST}")]
    manifest = grown_lake.ask(f"SELECT * FROM dataset_versions WHERE {NEWEST}")[0]
    place = str(lake / "dataset_examples")
    if reader == "delta-rs":
        ours = [("dataset", "=", "grown"), ("dataset_version", "=", 3)]
        rows = DeltaTable(place).to_pyarrow_table(filters=ours).to_pylist()
    elif reader == "polars":
        version = manifest["table_versions"]["dataset_examples"]
        mine = (pl.col("dataset") == "grown") & (pl.col("dataset_version") == 3)
        rows = pl.scan_delta(place, version=version).filter(mine).collect().to_dicts()
    else:
        connection = duckdb.connect().register("examples", DeltaTable(place).to_pyarrow_dataset())
        rows = connection.sql(f"SELECT * FROM examples WHERE {NEWEST}").to_arrow_table().to_pylist()
    assert len(rows) == manifest["num_examples"] == 52
    assert by_id(rows) == by_id(wanted)
    assert digest(rows) == manifest["content_digest"]


def test_the_manifest_is_read_by_its_rows(lake: Path) -> None:
    versions = duckdb.connect().register("versions", DeltaTable(str(lake / "dataset_versions")).to_pyarrow_dataset())
    found = versions.execute("SELECT dataset_version, num_examples FROM versions ORDER BY 1").fetchall()
    assert found == [(1, 52), (2, 54), (3, 52)]
