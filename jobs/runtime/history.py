"""What changed in a table since a run last saw it, told from the notes that Sluice leaves with every commit."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jobs.runtime.recipe import Recipe
from jobs.runtime.tables import Commit, Lake
from schemas.table import Table

# A table with more commits than this since the last run counts as changed: planning once more is always right.
LOOK_BACK = 100

# What changes no row that a job reads. A column that Sluice adds is null in the rows that are there.
ROWS_STAND = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMNS")

# Tables whose rows belong to a source: another dataset's commit concerns us when it takes the same source.
BY_SOURCE = ("source_files", "raw_records", "clean_records")


class History:
    """The newest commits of a lake's tables, read once and kept up with what this run writes."""

    def __init__(self, lake: Lake, tables: Iterable[Table], recipe: Recipe) -> None:
        """Read the history of every table that exists, four at a time."""
        self._dataset = recipe.dataset
        self._sources = {source.name for source in recipe.sources}
        existing = [table for table in tables if table.name in lake.opened]
        with ThreadPoolExecutor(4) as pool:
            commits = pool.map(lambda table: lake.history(table, LOOK_BACK), existing)
            self._commits = dict(zip((t.name for t in existing), commits, strict=True))

    def head(self, table: Table) -> int | None:
        """The newest version known, None when the table does not exist."""
        commits = self._commits.get(table.name)
        return commits[0].version if commits else None

    def rows(self, table: Table) -> int | None:
        """At most as many rows the table has: what its commits wrote. None when nobody knows."""
        commits = self._commits.get(table.name, [])
        wrote = [commit for commit in commits if commit.operation not in (*ROWS_STAND, "CREATE TABLE")]
        if len(commits) >= LOOK_BACK or any(commit.rows < 0 for commit in wrote):
            return None
        return sum(commit.rows for commit in wrote)

    def wrote(self, table: Table, commit: Commit) -> None:
        """Remember what this run has written."""
        self._commits[table.name] = [commit, *self._commits.get(table.name, [])]

    def changed(self, table: Table, version: int) -> bool:
        """Whether rows that this dataset reads may have changed since `version`."""
        commits = self._commits.get(table.name, [])
        newer = [commit for commit in commits if commit.version > version]
        known = {commit.version for commit in commits}
        return (bool(known) and version not in known) or any(self._concerns(table, commit) for commit in newer)

    def _concerns(self, table: Table, commit: Commit) -> bool:
        note: dict[str, Any] = commit.by
        if not note:
            return commit.operation not in ROWS_STAND
        if note.get("job") == "discard" or (commit.rows == 0 and not commit.removed):
            return False
        if note.get("dataset") == self._dataset:
            return True
        return table.name in BY_SOURCE and bool(self._sources & set(note.get("sources", ())))
