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

from jobs.runtime import catalogs
from jobs.runtime.connect import master_of
from jobs.runtime.declared_tables import lacking, require_constraints
from jobs.runtime.errors import ConfigError
from jobs.runtime.locations import faults_named, require_local, require_usable
from jobs.runtime.table_sql import ID, add_columns_sql, create_sql, predicate
from schemas.table import Table

ABSENT = re.compile(
    "(VIEW|SCHEMA|DELTA_TABLE|PATH)_NOT_FOUND|DELTA_(MISSING_DELTA_TABLE|PATH_DOES_NOT_EXIST)|doesn't exist"
)

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
    """The tables of one place. Opened tables are remembered for the session.

    location: a folder, a URI, or catalog.schema. folder: where the files of a catalog's tables lie; None leaves that to
    the catalog."""

    spark: SparkSession
    location: str
    folder: str | None = None
    opened: dict[str, Opened] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A relative path means one thing wherever Spark's own working directory is."""
        catalogs.require_name(self.location, self.folder)
        if self.is_named:
            self.folder = self.folder and self._absolute(self.folder)
            catalogs.open_schema(self.spark, self.location, self.folder)
        else:
            self.location = self.folder = self._absolute(self.location)

    def _absolute(self, place: str) -> str:
        if "://" in place:
            return place.rstrip("/")
        if not os.path.isabs(place):
            require_local(place, master_of(self.spark, "local"))
        require_usable(os.path.abspath(place))
        return os.path.abspath(place)

    @property
    def is_named(self) -> bool:
        """Whether a catalog knows the tables by name."""
        return catalogs.is_name(self.location)

    def name(self, table: Table) -> str:
        """How SQL names the table. The one place that knows where tables are."""
        return catalogs.quoted(self.path(table)) if self.is_named else f"delta.`{self.path(table)}`"

    def path(self, table: Table) -> str:
        """Where the table is: the folder of its files, or its name in the catalog."""
        return f"{self.location}.{table.name}" if self.is_named else f"{self.location}/{table.name}"

    def exists(self, table: Table) -> bool:
        """Whether the table is there; opens it when it is."""
        if table.name not in self.opened:
            properties = self._properties(table)
            if properties is None:
                return False
            require_constraints(table, properties)
            lacks = lacking(table, self._rows(table).schema, self.location)
            self.opened[table.name] = Opened(properties.get(ID, ""), properties, lacks)
        return True

    def create(self, table: Table, properties: Mapping[str, str] | None = None) -> None:
        """Create the table with its constraints unless it exists; columns declared since it was made are added."""
        if self.exists(table):
            self._add_columns(table)
            return
        with faults_named(self.location):
            if self.is_named:
                catalogs.make_schema(self.spark, self.location)
            self.spark.sql(create_sql(table, self.name(table), properties or {}, self._own_folder(table)))
        # IF NOT EXISTS passes by what lies there, be it a table or not.
        if not self.exists(table):
            raise ConfigError(f"tables: {self.path(table)} is there and no Delta table. Move it, or mend `tables`.")

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, at a version when one is given; empty when it does not exist yet."""
        if not self.exists(table):
            return self.spark.createDataFrame([], table.columns)
        rows = self._rows(table, version)
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
        if self.is_named:
            rows.writeTo(self.name(table)).option("userMetadata", json.dumps(note)).append()
            return
        writer = rows.write.format("delta").mode("append").option("userMetadata", json.dumps(note))
        writer.save(self.path(table))

    def replace(self, table: Table, rows: DataFrame, note: Mapping[str, Any], slice_: Mapping[str, Any]) -> None:
        """Replace the rows of one slice, such as {"dataset": "faq"}, in one commit."""
        if self.is_named:
            by_name = rows.writeTo(self.name(table)).option("userMetadata", json.dumps(note))
            by_name.overwrite(F.expr(predicate(slice_)))
            return
        writer = rows.write.format("delta").mode("overwrite").option("userMetadata", json.dumps(note))
        writer.option("replaceWhere", predicate(slice_)).save(self.path(table))

    def _properties(self, table: Table) -> dict[str, str] | None:
        """The table's properties, None where there is no Delta table."""
        found = self._shown_properties(table)
        return self._shown_properties(table) if found is None and self._registered(table) else found

    def _shown_properties(self, table: Table) -> dict[str, str] | None:
        """As SQL shows them. DESCRIBE DETAIL would list the table's files too."""
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

    def _rows(self, table: Table, version: int | None = None) -> DataFrame:
        if self.is_named:
            at = "" if version is None else f" VERSION AS OF {version}"
            return self.spark.sql(f"SELECT * FROM {self.name(table)}{at}")
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self.path(table))

    def _own_folder(self, table: Table) -> str | None:
        """Where a catalog's table is to lie, when the recipe says so."""
        return f"{self.folder}/{table.name}" if self.is_named and self.folder else None

    def _registered(self, table: Table) -> bool:
        """Whether a table that the catalog did not know lies where its files would be; then it has its name again."""
        folder = self._own_folder(table)
        return folder is not None and catalogs.register(self.spark, self.name(table), folder)

    def _add_columns(self, table: Table) -> None:
        opened = self.opened[table.name]
        if opened.lacks:
            self.spark.sql(add_columns_sql(self.name(table), opened.lacks))
            self.opened[table.name] = replace(opened, lacks=())


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
