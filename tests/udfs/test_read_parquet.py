"""Rows of Parquet files: values, positions, columns that folders name, damage, and batches that stay small."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from udfs.arrow_payloads import make_payloads
from udfs.open_source import FileError
from udfs.payload_fields import DropError
from udfs.read_parquet import folder_values, read_parquet
from udfs.read_rows import Row


def read(path: Path, logical: str = "x.parquet") -> list[Row]:
    return list(read_parquet(str(path), logical))


def fault(content: bytes, path: Path) -> tuple[int, str, int, str]:
    """How many rows came, then the error."""
    path.write_bytes(content)
    seen = 0
    with pytest.raises(FileError) as caught:
        for _ in read_parquet(str(path), "x"):
            seen += 1
    return seen, caught.value.reason, caught.value.position, caught.value.detail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Five rows in three groups."""
    table = pa.table({"id": range(5), "body": [f"text {n}" * 50 for n in range(5)]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=2, compression="none", write_page_checksum=True)
    return tmp_path / "x.parquet"


def test_rows_are_counted_through_all_groups(file: Path) -> None:
    expected = [Row(n + 1, f'{{"id":{n},"body":"{f"text {n}" * 50}"}}', None, None) for n in range(5)]
    assert read(file) == expected
    assert list(read_parquet(f"file://{file}", "x")) == expected
    pq.write_table(pa.table({"a": pa.array([], pa.int8())}), file)
    assert read(file) == []


def test_folders_name_columns() -> None:
    assert folder_values("raw/year=2024/lang=zh%2Fcn/_v=/x=y.parquet") == {"year": "2024", "lang": "zh/cn", "_v": ""}
    assert folder_values("raw/lang=__HIVE_DEFAULT_PARTITION__/a") == {"lang": None}
    assert folder_values("s3://bucket/raw/lang%3Dzh%20cn/a%252Fb%3D1/x") == {"lang": "zh cn", "a/b": "1"}
    assert folder_values("=/a/b") == {}


def test_a_column_of_the_file_goes_before_its_folder(file: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), file)
    assert [row.payload for row in read(file, "raw/id=7/lang=zh/x.parquet")] == ['{"id":1,"lang":"zh"}']


def test_int96_is_an_instant_also_inside(file: Path) -> None:
    """As Spark writes its timestamps, and as it reads them."""
    at = datetime(2024, 5, 6, 12)
    stamp = pa.timestamp("us")
    inner = pa.struct(
        [("n", pa.int8()), ("l", pa.list_(stamp)), ("m", pa.map_(pa.string(), stamp)), ("d", pa.date32())]
    )
    values = [{"n": 1, "l": [at], "m": [("k", at)], "d": at.date()}]
    table = pa.table({"at": pa.array([at], stamp), "s": pa.array(values, inner), "z": [9]})
    for old, zone in ((True, "+00:00"), (False, "")):
        pq.write_table(table, file, use_deprecated_int96_timestamps=old)
        text = f'"2024-05-06T12:00:00{zone}"'
        inside = f'{{"n":1,"l":[{text}],"m":{{"k":{text}}},"d":"2024-05-06"}}'
        assert [row.payload for row in read(file)] == [f'{{"at":{text},"s":{inside},"z":9}}']


def test_what_is_damaged_is_said(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    other = tmp_path / "other"
    assert fault(b"", other) == (0, "truncated_file", 0, "expected Parquet, found a file of 0 bytes")
    assert fault(whole[:-9], other) == (0, "truncated_file", 0, "the file stops before its footer")
    begin = (0, "unreadable_file", 0)
    assert fault(b"id,body\n1,one\n", other) == (*begin, "expected Parquet, found a file that does not begin as one")
    assert fault(whole[:-4] + b"PARE", other) == (*begin, "encrypted Parquet: write it without encryption")
    length = int.from_bytes(whole[-8:-4], "little")
    assert fault(whole[:-8] + b"\xff\xff\xff\x7f" + whole[-4:], other)[:3] == begin
    assert fault(whole[: -8 - length] + b"\xff" * length + whole[-8:], other)[:3] == begin
    torn = bytearray(whole)
    torn[whole.index(b"text 3")] ^= 0x20  # one bit of the second group: the page's checksum tells
    assert fault(bytes(torn), other)[:3] == (2, "unreadable_file", 2)
    with pytest.raises(FileError, match="unreadable_file after line 0: No such file or directory"):
        read(tmp_path / "absent")
    with pytest.raises(FileError, match="found a directory"):
        read(tmp_path)


def test_two_columns_with_one_name(file: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), file)
    with pytest.raises(FileError, match="bad_header after line 0: several columns have one name: a"):
        read(file)
    inner = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["b", "b"])
    pq.write_table(pa.table({"a": inner}), file)
    with pytest.raises(FileError, match=r"several columns have one name: a\.b"):
        read(file)


def test_a_text_that_is_no_utf8_is_one_row(file: Path) -> None:
    torn = pa.Array.from_buffers(pa.string(), 2, pa.array([b"ok", b"\xff"]).buffers())
    pq.write_table(pa.table({"a": torn}), file)
    assert read(file) == [
        Row(1, '{"a":"ok"}', None, None),
        Row(2, None, "bad_encoding", "byte 0xff in column a"),
    ]


def test_few_large_rows_are_held_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def count(batch: pa.RecordBatch, more: dict[str, str | None]) -> Iterator[str | DropError]:
        held.append(batch.num_rows)
        return make_payloads(batch, more)

    monkeypatch.setattr("udfs.read_parquet.make_payloads", count)
    texts = [f"{n}" * (3 << 20) for n in range(7)]
    pq.write_table(pa.table({"a": texts}), file, use_dictionary=False)
    assert [len(row.payload or "") for row in read(file)] == [len(text) + len('{"a":""}') for text in texts]
    assert max(held) == 2
    held.clear()
    pq.write_table(pa.table({"a": range(2500)}), file)
    assert len(read(file)) == 2500 and held == [1000, 1000, 500]
