"""Delta tables of a lake: where they are, creation, reading at a version, writing by lifetime."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.runtime.errors import ConfigError, SchemaMismatchError
from jobs.runtime.locations import faults_named, require_local, require_usable
from jobs.runtime.table_sql import ID, add_columns_sql, create_sql, predicate
from schemas.table import Table

ABSENT = re.compile("(VIEW|DELTA_TABLE|PATH)_NOT_FOUND|DELTA_(MISSING_DELTA_TABLE|PATH_DOES_NOT_EXIST)|doesn't exist")

# Its class where the error comes raw from Java, whose stack names java.util.concurrent anyway; its condition elsewhere.
OVERTAKEN = re.compile(r"delta\.\S*Concurrent\w+Exception|DELTA_CONCURRENT_\w+")


@dataclass(frozen=True)
class Opened:
    """A table when it was opened: its id, its properties, the declared columns that it lacks."""

    id: str
    properties: dict[str, str]
    lacks: tuple[T.StructField, ...] = ()


@dataclass(frozen=True)
class Commit:
    """One commit of a table's history.

    rows: rows written, -1 when unknown. removed: whether it took files away. by: what Sluice noted with it, empty
    when someone else wrote.
    """

    version: int
    rows: int
    removed: bool
    by: dict[str, Any]
    operation: str


@dataclass
class Lake:
    """The tables under one location. Opened tables are remembered for the session."""

    spark: SparkSession
    location: str
    opened: dict[str, Opened] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A relative path means one thing wherever Spark's own working directory is."""
        if "://" not in self.location:
            if not os.path.isabs(self.location):
                require_local(self.location, self.spark.conf.get("spark.master", "local") or "local")
            self.location = os.path.abspath(self.location)
            require_usable(self.location)

    def name(self, table: Table) -> str:
        """How SQL names the table. The one place that knows where tables are."""
        return f"delta.`{self.path(table)}`"

    def path(self, table: Table) -> str:
        """Where the table's files are."""
        return f"{self.location.rstrip('/')}/{table.name}"

    def exists(self, table: Table) -> bool:
        """Whether the table is there; opens it when it is."""
        if table.name not in self.opened:
            properties = self._properties(table)
            if properties is None:
                return False
            _check_constraints(table, properties)
            self.opened[table.name] = Opened(properties.get(ID, ""), properties, self._lacking(table))
        return True

    def create(self, table: Table, properties: Mapping[str, str] | None = None) -> None:
        """Create the table with its constraints unless it exists; columns declared since it was made are added."""
        if self.exists(table):
            self._add_columns(table)
            return
        with faults_named(self.location):
            self.spark.sql(create_sql(table, self.name(table), properties or {}))
        # IF NOT EXISTS passes by what lies there, be it a table or not.
        if not self.exists(table):
            raise ConfigError(f"tables: {self.path(table)} is there and no Delta table. Move it, or mend `tables`.")

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, at a version when one is given; empty when it does not exist yet."""
        if not self.exists(table):
            return self.spark.createDataFrame([], table.columns)
        reader = self.spark.read.format("delta")
        rows = (reader if version is None else reader.option("versionAsOf", version)).load(self.path(table))
        found = set(rows.columns)
        new = [f for f in table.columns if f.name not in found]
        return rows.withColumns({f.name: F.lit(None).cast(f.dataType) for f in new}) if new else rows

    def version(self, table: Table) -> int | None:
        """The table's newest version, None when it does not exist."""
        commits = self.history(table, 1) if self.exists(table) else []
        return commits[0].version if commits else None

    def history(self, table: Table, limit: int) -> list[Commit]:
        """The newest commits, newest first."""
        rows = self.spark.sql(f"DESCRIBE HISTORY {self.name(table)} LIMIT {limit}").collect()
        return [_commit(row.asDict()) for row in rows]

    def append(self, table: Table, rows: DataFrame, note: Mapping[str, Any]) -> None:
        """Append in one commit that carries `note`."""
        writer = rows.write.format("delta").mode("append").option("userMetadata", json.dumps(note))
        writer.save(self.path(table))

    def replace(self, table: Table, rows: DataFrame, note: Mapping[str, Any], slice_: Mapping[str, Any]) -> None:
        """Replace the rows of one slice, such as {"dataset": "faq"}, in one commit."""
        writer = rows.write.format("delta").mode("overwrite").option("userMetadata", json.dumps(note))
        writer.option("replaceWhere", predicate(slice_)).save(self.path(table))

    def _properties(self, table: Table) -> dict[str, str] | None:
        """The table's properties, None where there is no Delta table. DESCRIBE DETAIL would list its files too."""
        try:
            with faults_named(self.location):
                rows = self.spark.sql(f"SHOW TBLPROPERTIES {self.name(table)}").collect()
        except AnalysisException as error:
            if _is_absent(error):
                return None
            raise ConfigError(
                f"table {table.name} under {self.location} cannot be opened: {_first_line(error)}"
            ) from None
        return {row["key"]: row["value"] for row in rows}

    def _lacking(self, table: Table) -> tuple[T.StructField, ...]:
        """Columns declared since the table was made; any other difference is an error."""
        found = {f.name: f.dataType for f in self.spark.read.format("delta").load(self.path(table)).schema}
        wrong = [
            f"{f.name} is {found[f.name].simpleString()}, declared {f.dataType.simpleString()}"
            for f in table.columns
            if f.name in found and found[f.name] != f.dataType
        ]
        if wrong:
            raise SchemaMismatchError(
                f"table {table.name} under {self.location} was made with other types: {'; '.join(wrong)}. "
                "Write a migration, or use another `tables` location."
            )
        return tuple(f for f in table.columns if f.name not in found)

    def _add_columns(self, table: Table) -> None:
        opened = self.opened[table.name]
        if opened.lacks:
            self.spark.sql(add_columns_sql(self.name(table), opened.lacks))
            self.opened[table.name] = replace(opened, lacks=())


def conform(table: Table, rows: DataFrame) -> DataFrame:
    """Columns in declared order and type; undeclared ones are an error, absent optional ones null."""
    found = set(rows.columns)  # asks the JVM: once
    extra = found - set(table.columns.names)
    missing = {f.name for f in table.columns if not f.nullable} - found
    if extra or missing:
        raise SchemaMismatchError(
            f"rows for table {table.name} do not fit its declaration: "
            f"undeclared columns {sorted(extra)}, missing required ones {sorted(missing)}. Mend transform or schema."
        )
    return rows.select(
        *[(F.col(f.name) if f.name in found else F.lit(None)).cast(f.dataType).alias(f.name) for f in table.columns]
    )


def mark_rule_breaks(table: Table, rows: DataFrame) -> DataFrame:
    """Rows that break a rule of the table get `rule:NAME` as drop reason, unless they are dropped already."""
    if not (table.drops and table.checks):
        return rows
    broken = [
        F.when(~F.coalesce(F.expr(rule), F.lit(False)), F.lit(f"rule:{name}")) for name, rule in table.checks.items()
    ]
    marked = rows.withColumn("drop_reason", F.coalesce("drop_reason", *broken))
    if table.has("document_id") and "document_id" not in table.key:
        # A dropped record becomes no document: whoever reads documents need not look at reasons.
        return marked.withColumn("document_id", F.when(F.col("drop_reason").isNull(), F.col("document_id")))
    return marked


def _check_constraints(table: Table, properties: Mapping[str, str]) -> None:
    prefix = "delta.constraints."
    stored = {k.removeprefix(prefix): v for k, v in properties.items() if k.startswith(prefix)}
    declared = {name.lower(): rule for name, rule in table.constraints().items()}
    if {name.lower(): rule for name, rule in stored.items()} != declared:
        changed = sorted(set(stored.items()) ^ set(declared.items()))
        raise SchemaMismatchError(
            f"table {table.name} holds other row rules than its declaration: {changed}. "
            "Migrate with ALTER TABLE ... DROP CONSTRAINT / ADD CONSTRAINT, or use another `tables` location."
        )


def _commit(row: dict[str, Any]) -> Commit:
    metrics = row.get("operationMetrics") or {}
    try:
        by = json.loads(row.get("userMetadata") or "{}")
    except ValueError:
        by = {}
    rows, removed = int(metrics.get("numOutputRows", -1)), int(metrics.get("numRemovedFiles", 0)) > 0
    return Commit(row["version"], rows, removed, by if isinstance(by, dict) else {}, row["operation"])


def overtaken(error: Exception) -> bool:
    """Whether Delta refused a commit because another one came in between: what was read is no longer true."""
    return OVERTAKEN.search(str(error)) is not None


def _is_absent(error: AnalysisException) -> bool:
    return ABSENT.search(f"{error.getCondition()} {error}") is not None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
