"""What a terminal shows of a job and of a version."""

import pytest

from jobs.runtime.console import console, label_grid, line, split_grid
from jobs.runtime.execute import Outcome

DROPPED = {"too_short": 12_000, "rule:has_text": 1, "bad_field": 2}


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (
            Outcome("clean_text", "done", 61.26, rows_in=1_234_567, rows_out=35, rows_changed=1_200, dropped=DROPPED),
            "  clean_text        1,234,567 in        35 new changed 1,200 "
            "dropped bad_field 2, rule:has_text 1, too_short 12,000  [dim]61.3 s[/dim]",
        ),
        # None changed is news of a job that cleans, and would be noise of one that does not.
        (
            Outcome("clean_text", "done", 0.04, rows_in=7, rows_out=7, rows_changed=0),
            "  clean_text                7 in         7 new changed 0  [dim]0.0 s[/dim]",
        ),
        (
            Outcome("find_leaks", "done", 2.0, rows_out=3, note="the engine did not say what it counted"),
            "  find_leaks                             3 new  the engine did not say what it counted  [dim]2.0 s[/dim]",
        ),
        (Outcome("hash_shingles", "skipped", 1.0), "  hash_shingles      unchanged"),
        (
            Outcome("write_dataset", "skipped", note="the draft equals version 3"),
            "  write_dataset      unchanged  the draft equals version 3",
        ),
    ],
)
def test_a_job_is_one_line(outcome: Outcome, shown: str) -> None:
    assert line(outcome) == shown


def test_a_dozen_labels_are_columns_and_more_are_rows() -> None:
    few = {f"train/l{n:02}": 1 for n in range(12)}
    assert label_grid(few) is None and len(split_grid({"train": 12}, few).columns) == 3 + 12
    many = {f"train/l{n:02}": 50 - n for n in range(40)} | {"test/l39": 1000}
    grid = label_grid(many)
    assert grid is not None and len(split_grid({"train": 12}, many).columns) == 3
    with console.capture() as shown:
        console.print(grid)
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.get().splitlines() if "│" in line]
    assert lines[0] == ["l39", "11", "0", "1,000"] and lines[1] == ["l00", "50", "0", "0"]
    rest = sum(50 - n for n in range(29, 39))
    assert lines[30] == ["10 more, see split_sizes", str(rest), "0", "0"]


def test_a_dataset_without_labels_has_no_label_columns() -> None:
    assert len(split_grid({"train": 3}, {"train/unlabelled": 3}).columns) == 3
