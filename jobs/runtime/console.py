"""What a user sees while a run works: one clear line a job, a bar, the split table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from jobs.runtime.execute import Outcome

UNLABELLED = "unlabelled"
SPLITS = ("train", "val", "test")
MOST_COLUMNS, MOST_ROWS = 12, 30
console = Console(highlight=False, soft_wrap=True)


@contextmanager
def progress(title: str, total: int) -> Iterator[Progress]:
    """A bar over the jobs of one run; on a terminal it lives below the lines, elsewhere only lines are printed."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(title, total=total)
        yield bar


def line(outcome: Outcome) -> str:
    """One job's line: rows in, new, changed (also when none is), dropped by reason, seconds."""
    if outcome.status == "idle":
        return f"  [dim]{outcome.job:<18} {outcome.note}[/dim]"
    if outcome.status == "skipped":
        return f"  {outcome.job:<18} unchanged{_note(outcome)}"
    parts = [f"{outcome.rows_in:>9,} in" if outcome.rows_in is not None else " " * 12, f"{outcome.rows_out:>9,} new"]
    if outcome.rows_changed is not None:
        parts.append(f"changed {outcome.rows_changed:,}")
    if outcome.dropped:
        parts.append("dropped " + ", ".join(f"{reason} {count:,}" for reason, count in sorted(outcome.dropped.items())))
    if outcome.failed:
        parts.append(f"failed {outcome.failed:,}")
    if outcome.left_over:
        parts.append(f"left by the budget {outcome.left_over:,}")
    return f"  {outcome.job:<18}{' '.join(parts)}{_note(outcome)}  [dim]{outcome.seconds:.1f} s[/dim]"


def notice(text: str) -> str:
    """Something to know, as a line of its own."""
    return f"  [yellow]note[/yellow] {escape(text)}"


def _note(outcome: Outcome) -> str:
    return f"  {outcome.note}" if outcome.note else ""


def split_grid(splits: Mapping[str, int], labels: Mapping[str, int]) -> Grid:
    """Examples of each split, and of each label in it where they are few."""
    names = label_names(labels)
    shown = names if len(names) <= MOST_COLUMNS else []
    grid = Grid("split", "examples", "share", *[escape(f"label {name}") for name in shown])
    total = sum(splits.values()) or 1
    for split in SPLITS:
        count = splits.get(split, 0)
        by_label = [f"{labels.get(f'{split}/{name}', 0):,}" for name in shown]
        grid.add_row(split, f"{count:,}", f"{count / total:.1%}", *by_label)
    return grid


def label_names(labels: Mapping[str, int]) -> list[str]:
    """The labels that a version has, none where it has no labels at all."""
    names = sorted({key.split("/", 1)[1] for key in labels})
    return [] if names == [UNLABELLED] else names


def label_grid(labels: Mapping[str, int]) -> Grid | None:
    """A row a label, the most frequent first, where they are too many for columns."""
    names = label_names(labels)
    if len(names) <= MOST_COLUMNS:
        return None
    counts = {name: [labels.get(f"{split}/{name}", 0) for split in SPLITS] for name in names}
    often = sorted(names, key=lambda name: (-sum(counts[name]), name))
    grid = Grid("label", *SPLITS)
    for name in often[:MOST_ROWS]:
        grid.add_row(escape(name), *[f"{count:,}" for count in counts[name]])
    if rest := often[MOST_ROWS:]:
        sums = [sum(counts[name][place] for name in rest) for place in range(len(SPLITS))]
        grid.add_row(f"{len(rest)} more, see split_sizes", *[f"{count:,}" for count in sums])
    return grid
