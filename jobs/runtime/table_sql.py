"""The SQL that makes Delta tables of declarations."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import types as T

from schemas.table import Table

# Published tables stay readable by every engine: nothing of reader version 3, nothing that a platform may turn on.
PROPERTIES = {
    "delta.isolationLevel": "Serializable",
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    "delta.checkpointPolicy": "classic",
    "delta.enableTypeWidening": "false",
    "delta.enableRowTracking": "false",
}
PREFIX = "sluice."
ID = PREFIX + "id"


def predicate(slice_: Mapping[str, Any]) -> str:
    """A slice as SQL: equality on every column."""
    return " AND ".join(f"{name} = {literal(value)}" for name, value in slice_.items())


def create_sql(table: Table, name: str, properties: Mapping[str, str], folder: str | None = None) -> str:
    """CREATE TABLE with constraints, statistics, an id of its own and the given properties, named `sluice.*`.

    folder: where its files lie, when the name does not say it."""
    columns = ",\n  ".join(_column_sql(f, required=not f.nullable) for f in table.columns)
    constraints = {f"delta.constraints.{rule}": sql for rule, sql in table.constraints().items()}
    stats = {"delta.dataSkippingStatsColumns": ",".join(_stats_columns(table))}
    ours = {ID: uuid.uuid4().hex, **{PREFIX + k: v for k, v in properties.items()}}
    everything = {**PROPERTIES, **stats, **constraints, **ours}
    listed = ", ".join(f"{literal(k)} = {literal(v)}" for k, v in everything.items())
    partitioned = f"PARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    placed = f"LOCATION {literal(folder)}" if folder else ""
    head = f"CREATE TABLE IF NOT EXISTS {name} (\n  {columns}\n) USING DELTA"
    return f"{head} {partitioned} {placed} TBLPROPERTIES ({listed})"


def add_columns_sql(name: str, columns: Iterable[T.StructField]) -> str:
    """ALTER TABLE for columns declared since the table was made: they are null in its rows."""
    return f"ALTER TABLE {name} ADD COLUMNS ({', '.join(_column_sql(f, required=False) for f in columns)})"


def _stats_columns(table: Table) -> list[str]:
    """Keys and small scalars; long texts make no statistics worth their bytes."""
    scalars = (T.LongType, T.IntegerType)
    names = [f.name for f in table.columns if isinstance(f.dataType, scalars)]
    wanted = dict.fromkeys((*table.key, *names, *(n for n in ("source", "split", "drop_reason") if table.has(n))))
    return [name for name in wanted if name not in table.partition_by]


def _column_sql(field_: T.StructField, *, required: bool) -> str:
    comment = literal(field_.metadata.get("comment", ""))
    return f"{field_.name} {field_.dataType.simpleString()}{' NOT NULL' if required else ''} COMMENT {comment}"


def literal(value: Any) -> str:
    """A value as SQL writes it."""
    if isinstance(value, bool | int | float):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
