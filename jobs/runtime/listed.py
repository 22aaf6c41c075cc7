"""What is known of one file of a source when it is listed, and which files are meant, wherever they are."""

from collections.abc import Iterable
from typing import NamedTuple

from jobs.runtime.errors import ConfigError
from jobs.runtime.source import Source

# Names that begin so are of tools and of runs that are not over.
HIDDEN = (".", "_")
DELTA_LOG = "_delta_log"


class Listed(NamedTuple):
    """One file, or one table, of a source. path: logical, stays when caches move; uri: where the bytes are."""

    path: str
    uri: str
    size_bytes: int
    modified_ms: int


def is_hidden(name: str, format: str, hidden: tuple[str, ...] = HIDDEN) -> bool:
    """Whether a folder's walk passes by this name; one such as _year=2024 is a column of Parquet files."""
    return name.startswith(hidden) and not (format == "parquet" and name.startswith("_") and "=" in name)


def table_roots(paths: Iterable[str]) -> set[str]:
    """The folders that would be a table's own, of files some of which lie in folders named column=value."""
    roots = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        while "=" in folder.rpartition("/")[2]:
            folder = folder.rpartition("/")[0]
        roots.add(folder)
    return roots


def refuse_table(source: Source, tables: Iterable[str]) -> None:
    """ConfigError for Parquet files of a Delta table: its log alone knows which of them still count."""
    if table := next(iter(sorted(tables)), None):
        raise ConfigError(
            f"source {source.name}: {table} is a Delta table, some of its files may hold rows that were deleted. "
            f"Set format: delta, and path to the table."
        )
