"""Which commits of a table give this dataset work."""

from types import SimpleNamespace
from typing import Any

import pytest

from jobs.pipeline import PIPELINE
from jobs.runtime.history import LOOK_BACK, History
from jobs.runtime.recipe import Recipe, Tracking
from jobs.runtime.source import Source
from jobs.runtime.tables import Commit
from schemas.clean_records import CLEAN_RECORDS
from schemas.splits import SPLITS
from schemas.table import Table

RECIPE = Recipe("r.yaml", "mine", "lake", Tracking(), (Source(name="faq", path="faq.txt", format="text"),), {})


def commit(version: int, rows: int = 1, removed: bool = False, operation: str = "WRITE", **note: Any) -> Commit:
    return Commit(version, rows, removed, note, operation)


def history(table: Table, *newest_first: Commit) -> History:
    lake: Any = SimpleNamespace(
        opened={table.name: None}, history=lambda of, limit: list(newest_first)[:limit] if of == table else []
    )
    return History(lake, {job.writes for job in PIPELINE}, RECIPE)


@pytest.mark.parametrize(
    ("table", "last", "changed"),
    [
        (SPLITS, commit(4, dataset="mine"), True),
        (SPLITS, commit(4, dataset="mine", rows=0), False),
        (SPLITS, commit(4, dataset="mine", rows=0, removed=True), True),
        (SPLITS, commit(4, dataset="mine", job="discard", rows=0, removed=True), False),
        # Another dataset's commit counts where it took records of a source that is ours too.
        (SPLITS, commit(4, dataset="other", sources=["faq"]), False),
        (CLEAN_RECORDS, commit(4, dataset="other", sources=["faq"]), True),
        (CLEAN_RECORDS, commit(4, dataset="other", sources=["chats"]), False),
        # Someone else than Sluice wrote, or only tidied up.
        (SPLITS, commit(4, operation="UPDATE"), True),
        (SPLITS, commit(4, operation="RESTORE"), True),
        (SPLITS, commit(4, operation="OPTIMIZE", removed=True), False),
        (SPLITS, commit(4, operation="VACUUM END"), False),
        (SPLITS, commit(4, operation="ADD COLUMNS"), False),
    ],
)
def test_commits_since_the_last_run(table: Table, last: Commit, changed: bool) -> None:
    told = history(table, last, commit(3, dataset="mine"))
    assert (told.changed(table, 3), told.changed(table, 4), told.head(table)) == (changed, False, 4)


def test_more_commits_than_are_looked_at_count_as_a_change() -> None:
    """Each may be anybody's: working once more is always right."""
    many = [commit(version, dataset="other") for version in range(LOOK_BACK + 5, -1, -1)]
    told = history(SPLITS, *many)
    assert told.changed(SPLITS, 5) and not told.changed(SPLITS, 6)


def test_what_the_run_itself_writes_is_seen_by_the_jobs_behind() -> None:
    told = history(SPLITS, commit(3, dataset="mine"))
    told.wrote(SPLITS, commit(4, dataset="mine"))
    assert told.changed(SPLITS, 3) and told.head(SPLITS) == 4
    assert not told.changed(CLEAN_RECORDS, 0) and told.head(CLEAN_RECORDS) is None


@pytest.mark.parametrize(
    ("commits", "rows"),
    [
        ((commit(2, 5), commit(1, 4), commit(0, -1, operation="CREATE TABLE")), 9),
        ((commit(2, -1, operation="OPTIMIZE"), commit(1, 4)), 4),
        ((commit(2, -1, operation="CLONE"), commit(1, 4)), None),
        ((commit(2, -1), commit(1, 4)), None),
        (tuple(commit(version) for version in range(LOOK_BACK, 0, -1)), None),
        ((), 0),
    ],
)
def test_how_many_rows_a_table_has_at_most(commits: tuple[Commit, ...], rows: int | None) -> None:
    assert history(SPLITS, *commits).rows(SPLITS) == rows
