"""Open files and URIs, packed or not; what is cut, corrupt or no file at all is said."""

import gzip
import io
import os
import pickle
import random
from pathlib import Path
from typing import BinaryIO

import pytest
from pyarrow import fs

from udfs.open_source import FileError, open_source
from udfs.read_rows import Row, read_rows


def good(position: int, payload: str) -> Row:
    return Row(position, payload, None, None)


def rows_then_error(stream: BinaryIO, format: str) -> tuple[list[Row], tuple[str, int, str]]:
    seen: list[Row] = []
    with stream, pytest.raises(FileError) as caught:
        seen.extend(read_rows(stream, format, "folder/file"))  # keeps what came before the error
    return seen, (caught.value.reason, caught.value.position, caught.value.detail)


def open_error(uri: str | Path) -> tuple[str, int, str]:
    with pytest.raises(FileError) as caught:
        open_source(str(uri))
    return caught.value.reason, caught.value.position, caught.value.detail


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    for name in ("a.txt.gz", "a.txt", "a b%20c"):
        (tmp_path / name).write_bytes(packed)
        with open_source(str(tmp_path / name)) as stream:
            assert list(read_rows(stream, "text", name)) == [good(1, '{"text":"one"}'), good(2, '{"text":"two"}')]


def test_uris_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_bytes(b"one\n")
    for uri in (f"file://{tmp_path}/a%20b.txt", f"file:{tmp_path}/a%20b.txt", str(tmp_path / "a b.txt")):
        with open_source(uri) as stream:
            assert stream.read() == b"one\n"


def test_object_stores_are_opened_through_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\n"))
    (tmp_path / "plain").write_bytes(b"two\n")
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    asked: list[str] = []

    class Store:
        @staticmethod
        def from_uri(uri: str) -> tuple[object, str]:
            asked.append(uri)
            return store, uri.removeprefix("s3://bucket/")

    monkeypatch.setattr("udfs.open_source.fs.FileSystem", Store)
    for uri, content in (("s3a://bucket/a.txt.gz", b"one\n"), ("s3://bucket/plain", b"two\n")):
        with open_source(uri) as stream:
            assert stream.read() == content
    assert asked == ["s3://bucket/"]  # one for both
    assert open_error("s3://bucket/gone")[0] == "unreadable_file"


def noisy_lines() -> tuple[bytes, bytes]:
    lines = random.Random(1).randbytes(40_000).hex(" ", 20).replace(" ", "\n").encode()
    return lines, gzip.compress(lines)


def text_rows(lines: list[bytes], key: str, first: int) -> list[Row]:
    return [good(n, f'{{"{key}":"{line.decode()}"}}') for n, line in enumerate(lines, start=first)]


@pytest.mark.parametrize("format", ["text", "csv"])
def test_a_truncated_gzip_gives_the_rows_before_the_break(tmp_path: Path, format: str) -> None:
    lines, packed = noisy_lines()
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) // 2])
    rows, (reason, position, detail) = rows_then_error(open_source(str(tmp_path / "a.gz")), format)
    key, first = ("text", 1) if format == "text" else (lines.split(b"\n")[0].decode(), 2)
    assert 900 < position < 1100 and (reason, detail) == ("truncated_file", "the compressed data stop before their end")
    assert rows == text_rows(lines.split(b"\n")[first - 1 : position], key, first)


def test_a_break_inside_a_csv_row_counts_from_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b'a,b\n1,2\n3,"x\ny\nz')[:-8])
    rows, error = rows_then_error(open_source(str(tmp_path / "a.gz")), "csv")
    assert (rows, error[:2]) == ([good(2, '{"a":"1","b":"2"}')], ("truncated_file", 2))


def test_a_corrupt_gzip_is_unreadable(tmp_path: Path) -> None:
    lines, packed = noisy_lines()
    middle = len(packed) // 2
    for corrupt in (packed[:middle] + bytes(99) + packed[middle + 99 :], packed[:-8] + bytes(8), packed + b"rubbish"):
        (tmp_path / "a.gz").write_bytes(corrupt)
        rows, (reason, position, _) = rows_then_error(open_source(str(tmp_path / "a.gz")), "text")
        # Where bytes changed, gzip may unpack noise for a while before it notices.
        assert reason == "unreadable_file" and position >= len(rows)
        assert rows[:500] == text_rows(lines.split(b"\n")[:500], "text", 1)


def test_a_gz_name_needs_gzip_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"plain")
    cure = "named .gz but not gzip: download it again, or rename it if it is text"
    assert open_error(tmp_path / "a.gz") == ("unreadable_file", 0, cure)
    (tmp_path / "b.gz").write_bytes(b"\x1f")
    assert open_error(tmp_path / "b.gz") == ("truncated_file", 0, "expected gzip data, found a file of 1 bytes")


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert open_error(tmp_path) == ("unreadable_file", 0, "expected a file, found a directory")
    assert open_error(tmp_path / "pipe") == ("unreadable_file", 0, "expected a file, found a pipe or device")
    assert open_error(tmp_path / "gone") == ("unreadable_file", 0, "No such file or directory")
    assert open_error(f"file://{tmp_path}/gone") == ("unreadable_file", 0, "No such file or directory")
    assert open_error("zzz://bucket/a") == ("unreadable_file", 0, "no file system is known for zzz://")


def test_permission_denied_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x")

    def deny(path: str) -> io.FileIO:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("udfs.open_source.io.FileIO", deny)  # tests may run as root, whom no mode keeps out
    assert open_error(tmp_path / "a") == ("unreadable_file", 0, "Permission denied")


def test_a_file_error_survives_pickling() -> None:
    error = FileError("truncated_file", 0, "stops")
    error.position = 7
    assert str(pickle.loads(pickle.dumps(error))) == "truncated_file after line 7: stops"
