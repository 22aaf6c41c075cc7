"""Print the rows of a query as a table, CSV or JSON lines."""

import csv
import sys
from collections.abc import Sequence
from typing import Any

import orjson
from pyspark.sql import DataFrame, Row
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from jobs.runtime.console import console
from jobs.runtime.errors import ConfigError

FORMATS = ("table", "csv", "json")
# A terminal is for looking: what is larger belongs in a file or another query.
TABLE_ROWS = 1000
CELL_CHARS = 200


def print_rows(rows: DataFrame, form: str) -> None:
    """Write the rows to standard output."""
    if form not in FORMATS:
        raise ConfigError(f"--format {form}: expected one of {', '.join(FORMATS)}")
    if form == "table":
        _print_grid(rows.columns, rows.limit(TABLE_ROWS + 1).collect())
    elif form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(rows.columns)
        writer.writerows([_plain(value) for value in row] for row in rows.toLocalIterator())
    else:
        for row in rows.toLocalIterator():
            sys.stdout.write(orjson.dumps(as_plain(row), default=str).decode() + "\n")


def _print_grid(columns: Sequence[str], rows: Sequence[Row]) -> None:
    # Brackets in data are no markup.
    grid = Grid(*[escape(name) for name in columns])
    for row in rows[:TABLE_ROWS]:
        grid.add_row(*[Text(_plain(value)[:CELL_CHARS]) for value in row])
    console.print(grid)
    if len(rows) > TABLE_ROWS:
        console.print(f"the first {TABLE_ROWS} rows; use --format csv for all")


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return orjson.dumps(as_plain(value), default=str).decode() if isinstance(value, list | dict | Row) else str(value)


def as_plain(value: Any) -> Any:
    """A cell as plain Python: rows, also inside lists, become dicts."""
    if isinstance(value, Row):
        return {name: as_plain(item) for name, item in value.asDict().items()}
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): as_plain(item) for name, item in value.items()}
    return value
