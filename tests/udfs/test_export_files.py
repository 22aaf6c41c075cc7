"""Shards: the same bytes however the rows came, digests of what lies there, and what is in it."""

import gzip
import hashlib
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exported import Row, example, export_rows, turn
from udfs.export_files import GROUP_ROWS, LEVELS
from udfs.export_shapes import SHAPES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = [
    example(
        f"{n} 晴れ",
        turn("user", f"{n}?"),
        turn("assistant", f"{n}"),
        label=str(n % 2),
        labels=[str(n % 2)],
        split=split,
    )
    for n, split in enumerate(["train"] * 5 + ["val"] * 2 + ["test"])
]


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_names_counts_and_digests(tmp_path: Path) -> None:
    manifest = export_rows(ROWS, "text", tmp_path, "gzip")
    names = ["test-00000-of-00001", "train-00000-of-00003", "train-00001-of-00003", "train-00002-of-00003"]
    assert [one["path"] for one in manifest["files"]] == [f"data/{n}.jsonl.gz" for n in [*names, "val-00000-of-00001"]]
    assert [one["rows"] for one in manifest["files"]] == [1, 2, 2, 1, 2]
    assert [(split, one["rows"], one["files"]) for split, one in manifest["splits"].items()] == [
        ("train", 5, 3),
        ("val", 2, 1),
        ("test", 1, 1),
    ]
    found = bytes_in(tmp_path)
    assert set(found) == {"README.md", "manifest.json", *(one["path"] for one in manifest["files"])}
    for one in manifest["files"]:
        assert (one["bytes"], one["sha256"]) == (
            len(found[one["path"]]),
            hashlib.sha256(found[one["path"]]).hexdigest(),
        )


def test_lines_are_the_same_under_every_compression(tmp_path: Path) -> None:
    for compress in ("none", "gzip", "zstd"):
        export_rows(ROWS, "text", tmp_path / compress, compress, shard_rows=9)
    name = "data/test-00000-of-00001.jsonl"
    plain = (tmp_path / "none" / name).read_bytes()
    assert plain == f'{{"text":"7?\\n\\n7","document_id":"{ROWS[7]["document_id"]}"}}\n'.encode()
    packed = (tmp_path / "gzip" / f"{name}.gz").read_bytes()
    assert gzip.decompress(packed) == plain
    assert packed[3:8] == bytes(5), "no name, no time"
    assert zstd.decompress((tmp_path / "zstd" / f"{name}.zst").read_bytes()) == plain


@pytest.mark.parametrize("form", list(SHAPES))
@pytest.mark.parametrize("compress", ["none", *LEVELS])
def test_the_same_bytes_in_whatever_batches(form: str, compress: str, tmp_path: Path) -> None:
    export_rows(ROWS, form, tmp_path / "one", compress)
    export_rows(list(reversed(ROWS)), form, tmp_path / "many", compress, sizes=[1] * len(ROWS))
    assert bytes_in(tmp_path / "one") == bytes_in(tmp_path / "many")


MANY = [example(f"{n}", text=f"{n} " * (n % 50 + 1)) for n in range(2 * GROUP_ROWS + 10)]


@settings(max_examples=5, deadline=None)
@given(
    sizes=st.lists(st.integers(1, GROUP_ROWS + 200), min_size=1, max_size=6), form=st.sampled_from(["text", "parquet"])
)
def test_groups_do_not_depend_on_batches(sizes: list[int], form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("groups")
    export_rows(MANY, form, folder / "one", "gzip", shard_rows=10**6)
    export_rows(MANY, form, folder / "cut", "gzip", shard_rows=10**6, sizes=sizes)
    assert bytes_in(folder / "one") == bytes_in(folder / "cut")


def test_row_groups_are_fixed(tmp_path: Path) -> None:
    export_rows(MANY, "parquet", tmp_path, "zstd", shard_rows=10**6, sizes=[7, 100])
    file = pq.ParquetFile(tmp_path / "data" / "train-00000-of-00001.parquet")
    groups = [file.metadata.row_group(at) for at in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [GROUP_ROWS, GROUP_ROWS, 10]
    assert {group.column(0).compression for group in groups} == {"ZSTD"}
    in_order: list[Row] = sorted(MANY, key=lambda row: str(row["document_id"]))
    assert file.read().column("text").to_pylist() == [row["text"] for row in in_order]
