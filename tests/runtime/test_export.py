"""`sluice export` over lakes that real runs grew: what comes out is the table's, byte for byte again and again."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.runtime.cli import main
from jobs.runtime.errors import ConfigError
from jobs.runtime.export import Exported, Wanted, export_version, find_version, require_fit
from jobs.runtime.export_rows import Survey, summarize
from jobs.runtime.tables import Lake
from tests.grown_lake import GrownLake

NEWEST = "dataset = 'grown' AND dataset_version = 3"


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def exported_rows(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Split and row of every line, in the order of the files."""
    return [
        (path.name.split("-")[0], json.loads(line))
        for path in sorted((folder / "data").iterdir())
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


@pytest.fixture(scope="module")
def labelled(grown_lake: GrownLake, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    """Version 3 for a classifier, ten examples a shard."""
    folder = tmp_path_factory.mktemp("exported") / "labelled"
    wanted = Wanted("latest", "classification", str(folder), shard_rows=10)
    return folder, export_version(grown_lake.lake, "grown", wanted)


@pytest.mark.spark
def test_an_export_is_the_version(grown_lake: GrownLake, labelled: tuple[Path, Exported]) -> None:
    folder, exported = labelled
    table = grown_lake.ask(f"SELECT split, text, label, document_id FROM dataset_examples WHERE {NEWEST}")
    wanted = {row["document_id"]: (row["split"], row.asDict()) for row in table}
    found = exported_rows(folder)
    assert len(found) == len(wanted) == 52
    for split, row in found:
        assert wanted[row["document_id"]] == (split, row | {"split": split})
    for split, rows in Counter(split for split, _ in found).items():
        names = sorted(path.name for path in (folder / "data").glob(f"{split}-*"))
        shards = -(-rows // 10)
        assert names == [f"{split}-{n:05d}-of-{shards:05d}.jsonl.gz" for n in range(shards)]
        ids = [row["document_id"] for one, row in found if one == split]
        assert ids == sorted(ids)
    document = json.loads((folder / "manifest.json").read_bytes())
    assert exported.new and document == exported.manifest
    manifest = grown_lake.ask(f"SELECT * FROM dataset_versions WHERE {NEWEST}")[0]
    assert document["export"]["content_digest"] == manifest["content_digest"]
    assert {s: one["rows"] for s, one in document["splits"].items() if one["rows"]} == manifest["split_counts"]
    assert document["licenses"] == {"not given": 52}
    assert document["sources"] == manifest["sources"]


@pytest.mark.spark
def test_the_same_bytes_whatever_the_engine_does(
    grown_lake: GrownLake, labelled: tuple[Path, Exported], tmp_path: Path
) -> None:
    conf = grown_lake.lake.spark.conf
    settings = {"spark.sql.shuffle.partitions": "7", "spark.sql.execution.arrow.maxRecordsPerBatch": "3"}
    before = {name: str(conf.get(name)) for name in settings}
    for name, value in settings.items():
        conf.set(name, value)
    try:
        wanted = Wanted("3", "classification", str(tmp_path / "again"), shard_rows=10)
        export_version(grown_lake.lake, "grown", wanted)
    finally:
        for name, value in before.items():
            conf.set(name, value)
    assert files_in(tmp_path / "again") == files_in(labelled[0])


@pytest.mark.spark
def test_the_command_tells_and_goes_on_after_a_kill(
    grown_lake: GrownLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = str(grown_lake.folder / "recipe.yaml")

    def export(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["export", recipe, *arguments])
        return int(end.value.code or 0), *capsys.readouterr()

    asked = ("latest", "--format", "parquet", "--out", "out")
    code, out, _ = export(*asked)
    assert code == 0
    assert out.splitlines()[-1] == f"grown version 3 as parquet is in {tmp_path}/out"
    whole = files_in(tmp_path / "out")
    rows = pq.read_table(str(tmp_path / "out" / "data" / "train-00000-of-00001.parquet"))
    assert f"  train {rows.num_rows:>12,} examples  1 file  " in out
    (tmp_path / "out" / "_unfinished.json").write_bytes((tmp_path / "out" / "manifest.json").read_bytes())
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1")
    assert export(*asked)[0] == 0
    assert files_in(tmp_path / "out") == whole
    code, out, _ = export(*asked)
    assert code == 0 and f"grown version 3 as parquet was there already, unchanged: in {tmp_path}/out" in out
    code, _, err = export("2", "--format", "parquet", "--out", "out")
    assert code == 2 and "holds another export: grown version 3 as parquet" in err
    code, _, err = export("latest", "--format", "chat", "--out", "chat")
    assert code == 2 and "of its 52 examples 52 are plain texts, no chats, such as document " in err
    assert not (tmp_path / "chat").exists()
    code, _, err = export("4", "--format", "chat", "--out", "chat")
    assert code == 2 and "version 4 of grown is not published: expected latest or one of 1, 2, 3" in err


@pytest.mark.spark
def test_versions_are_found(grown_lake: GrownLake, spark: SparkSession, tmp_path: Path) -> None:
    assert [find_version(grown_lake.lake, "grown", v)["dataset_version"] for v in ("1", "latest")] == [1, 3]
    with pytest.raises(ConfigError, match="no version of grown is published yet"):
        find_version(Lake(spark, str(tmp_path)), "grown", "1")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"form": "csv"}, "--format csv: expected one of chat, alpaca, sharegpt, classification, parquet, text"),
        ({"compress": "bz2"}, "--compress bz2: expected one of none, gzip, zstd"),
        ({"shard_rows": 0}, "--shard-rows 0: expected 1 or more"),
        ({"version": "newest"}, "version newest: expected a number or latest"),
    ],
)
def test_what_no_lake_could_serve(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Wanted(**{"version": "1", "form": "text", "where": "out"} | wanted)


def surveyed() -> Survey:
    """What a query returns over 3 + 2 + 4 + 1 examples."""
    fields = ("split", "bucket", "misfit", "traits", "rows", "document_id")
    rows = [
        ("train", "b1", None, [], 3, "b1x"),
        ("train", "00", None, ["history", "rejected"], 2, "00x"),
        ("val", "00", None, ["rejected"], 4, "00y"),
        ("train", "ff", "call tools", None, 1, "ffx"),
    ]
    return summarize(dict(zip(fields, row, strict=True)) for row in rows)


def test_a_survey_is_summed_up() -> None:
    found = surveyed()
    assert found.splits() == {"train": 6, "val": 4}
    assert found.offsets() == [("train", "00", 0), ("train", "b1", 2), ("train", "ff", 5), ("val", "00", 0)]
    assert [(one.why, one.rows, one.example) for one in found.misfits] == [("call tools", 1, "ffx")]
    assert found.traits == {"history": (2, "00y"), "rejected": (6, "b1x")}


def test_all_misfits_are_told_with_an_example_each() -> None:
    said = (
        "of its 10 examples 1 call tools, such as document ffx; 3 have no rejected reply, beside others that have one, "
        "such as document b1x. Nothing was written."
    )
    with pytest.raises(ConfigError, match=said):
        require_fit(surveyed(), "alpaca")
