"""URIs as sources, on a server that speaks S3: what they find, what their files hold, what is said when all fails."""

import gzip
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.runtime.errors import ConfigError
from jobs.runtime.listing import list_files, list_source
from jobs.runtime.source import Source
from tests.object_store import failing_store, store  # noqa: F401  # a fixture
from udfs.ingest_files import File, read_file


def source(path: str, format: str = "text", **other: Any) -> Source:
    fields = {} if format == "text" else {"text": "body"}
    return Source.model_validate({"name": "s", "path": path, "format": format, "fields": fields} | other)


@pytest.fixture(scope="module")
def corpus(store: Any) -> Any:  # noqa: F811
    bucket = store.create_bucket(Bucket="corpus")
    names = ("a.txt", "b c%20é.txt", ".hidden", "_SUCCESS", "deep/x/d#1.txt", "deep/.tmp/e.txt", "_temporary/f.txt")
    for name in names:
        bucket.put_object(Key=f"raw/{name}", Body=f"{name}\n".encode())
    bucket.put_object(Key="raw/folder/", Body=b"")  # as consoles mark folders
    bucket.put_object(Key="top.txt", Body=b"top\n")
    return bucket


A, B, D = "raw/a.txt", "raw/b%20c%2520%C3%A9.txt", "raw/deep/x/d%231.txt"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("s3://corpus/raw", [A, B, D]),
        ("s3a://corpus/raw/", [A, B, D]),
        ("s3://corpus", [A, B, D, "top.txt"]),
        ("s3://corpus/raw/a.txt", [A]),
        (f"s3://corpus/{B}", [B]),
        (f"s3://corpus/{D}", [D]),
        ("s3://corpus/raw/*", ["raw/_SUCCESS", A, B]),
        ("s3://corpus/*/*.txt", [A, B]),
        ("s3://corpus/**/*[1c]*.txt", [B, D]),
        ("s3://corpus/raw/deep/*/*", [D]),
    ],
)
def test_a_uri_finds_files_and_each_is_read(corpus: Any, path: str, found: list[str]) -> None:
    files = list_source(source(path))
    assert [file.path for file in files] == sorted(f"s3://corpus/{name}" for name in found)
    assert all(file.uri == file.path and file.modified_ms > 1_700_000_000_000 for file in files)
    assert all(content(file.uri) == [(file.size_bytes - 1, None)] for file in files)


def content(uri: str, format: str = "text", path: str = "p") -> list[tuple[Any, ...]]:
    """Of each text its length in bytes; then why the file's reading ended, where it did before its end."""
    *records, end = read_file(File("s", path, 1, uri, format, [], None))
    lengths = [(len(record["payload"].encode()) - len('{"text":""}'), record.get("drop_reason")) for record in records]
    return lengths + ([(end["file_rows"], end["drop_reason"])] if end["drop_reason"] else [])


def test_the_query_goes_to_where_the_bytes_are_and_stays_out_of_names(
    corpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = corpus.meta.client.meta.endpoint_url.removeprefix("http://").replace(":", "%3A")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    query = f"scheme=http&endpoint_override={endpoint}"
    [file] = list_source(source(f"s3://corpus/raw/a.txt?{query}"))
    assert (file.path, file.uri) == ("s3://corpus/raw/a.txt", f"s3://corpus/raw/a.txt?{query}")
    assert content(file.uri) == [(5, None)]


def test_packed_files_and_parquet_are_read_from_there(store: Any, tmp_path: Path) -> None:  # noqa: F811
    corpus = store.create_bucket(Bucket="packed")
    corpus.put_object(Key="more/a.txt.gz", Body=gzip.compress(b"one\ntwo\n"))
    assert content("s3://packed/more/a.txt.gz") == [(3, None), (3, None)]
    pq.write_table(pa.table({"body": ["x", "yy"]}), tmp_path / "x.parquet")
    corpus.upload_file(str(tmp_path / "x.parquet"), "parts/_year=2024/lang=zh/x.parquet")
    [file] = list_source(source("s3://packed/parts", "parquet"))
    records = [row.get("payload") for row in read_file(File("s", file.path, 1, file.uri, "parquet", [], None))]
    assert records == [f'{{"body":"{body}","_year":"2024","lang":"zh"}}' for body in ("x", "yy")] + [None]
    corpus.put_object(Key="parts/_delta_log/0.json", Body=b"{}")
    for path in ("s3://packed/parts", "s3://packed/parts/*/*/*.parquet"):
        with pytest.raises(ConfigError, match=r"source s: packed/parts is a Delta table, .* Set format: delta"):
            list_source(source(path, "parquet"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("s3://nobucket/raw", "does not exist, or may not be seen. Check the name of the bucket"),
        ("s3://corpus/nothing", "does not exist, or may not be seen. Check"),
        ("s3://corpus/raw/*.csv", "holds no files. Expected at least one text file."),
        ("s3://nobucket/raw/*.csv", "cannot be listed: When listing objects under key 'raw/' in bucket 'nobucket'"),
        (
            "s3://corpus/raw/a**/x",
            "cannot be listed: Invalid pattern: '**' can only be an entire path component. Check",
        ),
        ("s3://", "cannot be listed: "),
        ("nosuch://host/a", "cannot be listed: no file system is known for nosuch://"),
    ],
)
def test_a_uri_that_finds_nothing(corpus: Any, path: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        list_source(source(path))
    assert str(refused.value).startswith(f"source s: {path} {said}"), refused.value
    assert "hidden" not in str(refused.value) and "\n" not in str(refused.value)


def test_access_that_is_refused_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with failing_store(monkeypatch, b"", 403), pytest.raises(ConfigError) as refused:
        list_source(source("s3://corpus/raw"))
    assert str(refused.value).startswith("source s: s3://corpus/raw cannot be listed: ")
    assert "ACCESS_DENIED" in str(refused.value) and "what the environment says of credentials" in str(refused.value)


def test_a_file_that_breaks_off_on_its_way_is_to_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(100_000))
    with failing_store(monkeypatch, lines):
        *records, (count, reason) = content("s3://corpus/a.txt")
        assert count == len(records) < 60_000 and reason == "unreadable_file"
        *records, (count, reason) = content("s3://corpus/a.parquet", "parquet")
        assert (count, reason) == (0, "unreadable_file")


def test_a_source_beside_the_lake(corpus: Any) -> None:
    for lake in ("s3://corpus/raw/lake", "s3a://corpus/raw/deep", "s3://corpus/raw"):
        with pytest.raises(ConfigError, match="holds the lake s3"):
            list_files([source("s3://corpus/raw")], lake)
    for lake in ("s3://corpus/raw/_lake", "s3://corpus/raws", "s3://other/raw/lake", "lake"):
        assert list_files([source("s3://corpus/raw")], lake)


@pytest.mark.parametrize(
    "path",
    [
        "s3://KEY:SECRET@corpus/raw",
        "s3a://SECRET@corpus/raw",
        "abfss://:SECRET@files@account.dfs.core.windows.net/raw",
        "abfss://files@account.dfs.core.windows.net/raw?sig=SECRET&sv=2024",
        "s3://corpus/raw?secret_key=SECRET",
        "https://host/raw.csv?X-Amz-Signature=SECRET",
    ],
)
def test_credentials_in_a_uri_are_refused_and_not_repeated(path: str) -> None:
    with pytest.raises(ValueError, match="leave credentials to the environment") as refused:
        source(path)
    assert "SECRET" not in refused.value.errors()[0]["msg"]  # type: ignore[attr-defined]


def test_a_container_before_the_host_is_no_credential() -> None:
    for path in (
        "abfss://files@account.dfs.core.windows.net/raw",
        "hdfs://me@host:8020/raw",
        "gs://anonymous@bucket/raw",
    ):
        assert source(path).path == path


def test_what_pyarrow_does_not_know_goes_through_fsspec() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/corpus/raw/a b.txt": b"one\n", "/corpus/raw/.b.txt": b"two\n"})
    for path in ("memory://corpus/raw", "memory://corpus/raw/*.txt", "memory://corpus/raw/a b.txt"):
        [file] = list_source(source(path))
        assert (file.path, file.size_bytes) == ("memory://corpus/raw/a%20b.txt", 4)
        assert content(file.uri) == [(3, None)]
