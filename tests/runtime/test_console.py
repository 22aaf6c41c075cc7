"""What a terminal shows of a version."""

from jobs.runtime.console import console, label_grid, split_grid


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
