"""Which runs are small."""

from pathlib import Path

import pytest

from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.sizes import SMALL_LAKE, SMALL_SOURCES, are_small
from jobs.runtime.source import Source


def recipe(folder: Path, *paths: str, tables: str | None = None) -> Recipe:
    sources = tuple(Source(name=f"s{i}", path=path, format="text") for i, path in enumerate(paths))
    return Recipe("r.yaml", "one", tables or str(folder / "lake"), Tracking(), sources, {})


def sized(path: Path, size: int) -> str:
    """A file of this size that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


def test_sources_count_together(tmp_path: Path) -> None:
    half = [sized(tmp_path / name, SMALL_SOURCES // 2) for name in ("a.txt", "b.txt")]
    one = sized(tmp_path / "c.txt", 1)
    assert are_small([recipe(tmp_path, *half)], with_sources=True)
    assert not are_small([recipe(tmp_path, *half, one)], with_sources=True)
    assert not are_small([recipe(tmp_path, *half), recipe(tmp_path, one)], with_sources=True)


def test_the_lake_counts(tmp_path: Path) -> None:
    one = recipe(tmp_path, sized(tmp_path / "a.txt", 1))
    sized(tmp_path / "lake" / "documents" / "part-0.parquet", SMALL_LAKE)
    assert are_small([one], with_sources=True)
    sized(tmp_path / "lake" / "splits" / "part-0.parquet", 1)
    assert not are_small([one], with_sources=True)


@pytest.mark.parametrize("tables", ["s3://bucket/lake", "main.curated"])
def test_what_is_elsewhere_is_not_small(tmp_path: Path, tables: str) -> None:
    assert not are_small([recipe(tmp_path, sized(tmp_path / "a.txt", 1), tables=tables)], with_sources=True)
    assert not are_small([recipe(tmp_path, "s3://bucket/a.txt")], with_sources=True)


def test_sources_that_are_not_read_are_not_measured(tmp_path: Path) -> None:
    large = recipe(tmp_path, sized(tmp_path / "a.txt", SMALL_SOURCES + 1), "asset:unknown/none")
    assert are_small([large], with_sources=False)
    sized(tmp_path / "lake" / "documents" / "part-0.parquet", SMALL_LAKE + 1)
    assert not are_small([large], with_sources=False)


def test_a_source_that_is_absent_is_left_to_the_run(tmp_path: Path) -> None:
    assert not are_small([recipe(tmp_path, str(tmp_path / "none.txt"))], with_sources=True)
