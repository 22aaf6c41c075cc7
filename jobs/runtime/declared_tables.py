"""A table that is there against its declaration: columns declared since are added, any other difference is an error."""

from collections.abc import Mapping

from pyspark.sql import types as T

from jobs.runtime.errors import SchemaMismatchError
from schemas.table import Table

CONSTRAINT = "delta.constraints."
MEND = "Migrate the table, or use another `tables` location."


def lacking(table: Table, columns: T.StructType, where: str) -> tuple[T.StructField, ...]:
    """Declared columns that the table lacks; SchemaMismatchError where one has another type, or may not be null."""
    found = {f.name: f.dataType for f in columns}
    wrong = [
        f"{f.name} is {found[f.name].simpleString()}, declared {f.dataType.simpleString()}"
        for f in table.columns
        if f.name in found and found[f.name] != f.dataType
    ]
    absent = tuple(f for f in table.columns if f.name not in found)
    wrong += [
        f"{f.name} is not there, declared NOT NULL, and rows written before have none" for f in absent if not f.nullable
    ]
    if wrong:
        raise SchemaMismatchError(
            f"table {table.name} under {where} was made with other columns: {'; '.join(wrong)}. {MEND}"
        )
    return absent


def require_constraints(table: Table, properties: Mapping[str, str]) -> None:
    """SchemaMismatchError where the table holds other row rules."""
    stored = {k.removeprefix(CONSTRAINT): v for k, v in properties.items() if k.startswith(CONSTRAINT)}
    declared = {name.lower(): rule for name, rule in table.constraints().items()}
    if {name.lower(): rule for name, rule in stored.items()} != declared:
        changed = sorted(set(stored.items()) ^ set(declared.items()))
        raise SchemaMismatchError(
            f"table {table.name} holds other row rules than its declaration: {changed}. "
            "Migrate with ALTER TABLE ... DROP CONSTRAINT / ADD CONSTRAINT, or use another `tables` location."
        )
