"""The record that declares a table: its columns, key, lifetime and row rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyspark.sql import types as T

Lifetime = Literal["ledger", "cache", "current", "frozen"]

DROP_COLUMNS = ("drop_reason", "drop_value", "drop_threshold")


def column(name: str, kind: T.DataType, comment: str, *, required: bool = False) -> T.StructField:
    """One declared column; `comment` gives its meaning, unit and range and is stored in the catalog."""
    return T.StructField(name, kind, not required, {"comment": comment})


def drop_columns() -> tuple[T.StructField, ...]:
    """The three columns of every table that drops rows: why, the value found, the limit it broke."""
    return (
        column("drop_reason", T.StringType(), "reason code when the row is dropped here, null when it goes on"),
        column("drop_value", T.StringType(), "the value that was judged, as text; never the row's own text"),
        column("drop_threshold", T.StringType(), "the limit that the value broke, as text"),
    )


@dataclass(frozen=True, eq=False)
class Table:
    """One Delta table of the lake. Each is declared once, so two are equal only when they are the same object.

    key: columns that identify a row; never null.
    lifetime: how the table is written (ledger and cache append, current and frozen replace a slice).
    checks: rule name -> SQL predicate that every kept row fulfils. NULL counts as broken.
    reasons: reason code -> what it means; the codes this table may drop with, beside `rule:NAME`.
    partition_by: few and bounded columns only.
    """

    name: str
    columns: T.StructType
    key: tuple[str, ...]
    lifetime: Lifetime
    checks: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        unknown = set(self.key + self.partition_by) - set(self.columns.names)
        if unknown:
            raise ValueError(f"{self.name}: key or partition_by names no column: {sorted(unknown)}")
        if self.reasons and not self.drops:
            raise ValueError(f"{self.name}: reasons are declared, but {DROP_COLUMNS} are not columns")

    @property
    def drops(self) -> bool:
        """Whether rows of this table can carry a drop reason."""
        return "drop_reason" in self.columns.names

    def has(self, *names: str) -> bool:
        """Whether all these columns are declared."""
        return set(names) <= set(self.columns.names)

    def constraints(self) -> dict[str, str]:
        """The checks as Delta constraints: a row that is dropped need not fulfil them."""
        if not self.drops:
            return dict(self.checks)
        return {name: f"drop_reason IS NOT NULL OR ({rule})" for name, rule in self.checks.items()}
