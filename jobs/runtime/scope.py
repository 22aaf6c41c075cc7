"""What a transform sees of each table: the recipe's current rows, at the fingerprints in force.

A transform never sees a fingerprint, another dataset's rows or a draft that is not its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.runtime.fingerprints import Fingerprint
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.tables import Lake
from schemas.clean_records import CLEAN_RECORDS
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.documents import DOCUMENTS
from schemas.raw_records import RAW_RECORDS
from schemas.splits import SPLITS
from schemas.table import Table


@dataclass
class Scope:
    """One recipe's view of a lake during one run.

    producers: table name -> job that writes it. pins: table name -> Delta version read; the target of a job is never
    pinned, so that Delta sees the read and refuses a write that another run overtook.
    draft: the dataset_version that this run selects, gates and writes.
    part_columns: job name -> column that says of which part (or source) a row is, where fingerprints are one a part.
    """

    lake: Lake
    recipe: Recipe
    fingerprints: dict[str, Fingerprint]
    producers: dict[str, str]
    draft: int = 1
    part_columns: dict[str, str] = field(default_factory=dict)
    pins: dict[str, int | None] = field(default_factory=dict)
    _ids: dict[int, DataFrame] = field(default_factory=dict)
    _number: dict[int, int] = field(default_factory=dict)

    def frames(self, job: Job, part: str | None = None) -> dict[str, DataFrame]:
        """The arguments of a job's transform, by name."""
        frames = {table.name: self.seen(table, job) for table in (*job.reads, *job.feedback)}
        if job.each is not None:
            frames[f"new_{job.each.name}"] = self.pending(job, job.each, part)
        return frames

    def seen(self, table: Table, job: Job) -> DataFrame:
        """A table as this job sees it: whole when declared `lake`, else the recipe's current rows; without attempts
        that failed."""
        rows = self.read(table, target=job.writes)
        if table.has("attempt"):
            rows = rows.where("error IS NULL")
        if table in job.lake:
            whole = table.lifetime != "cache" or table in job.all_fingerprints
            return rows if whole else self.in_force(table, rows)
        return self.current(table, rows)

    def read(self, table: Table, target: Table | None = None) -> DataFrame:
        """Rows of the whole lake, pinned unless the table is the job's own target."""
        return self.lake.read(table, None if table == target else self.pins.get(table.name))

    def pending(self, job: Job, each: Table, part: str | None = None) -> DataFrame:
        """Rows of `each` that have no output yet at the fingerprint in force, in the whole or of one part; with
        `attempt`, the number of the one to make, where attempts may fail."""
        rows = self.everything_to_do(job, each)
        target = self.in_force(job.writes, self.lake.read(job.writes))
        if part is not None:
            target = target.where(F.col(job.part_column) == part)
        if job.writes.has("fit"):
            target = self._of_fits_read(job, target)
        params: Any = self.recipe.params[job.name]
        if (budget := getattr(params, "budget", None)) is not None and budget.rows is not None:
            first = rows.select(*job.done_by).distinct().orderBy(*job.done_by).limit(budget.rows)
            rows = rows.join(first, list(job.done_by), "left_semi")
        if job.writes.has("attempt"):
            return still_to_try(rows, target, job.done_by, params.attempts)
        done = target.select(*job.done_by).where(F.col(job.done_by[0]).isNotNull()).distinct()
        return rows.join(done, list(job.done_by), "left_anti")

    def everything_to_do(self, job: Job, each: Table) -> DataFrame:
        """The rows of `each` that must have output. Lake-wide signing covers every document that has a split."""
        rows = self.read(each, target=job.writes)
        if each.has("attempt"):
            rows = rows.where("error IS NULL")
        if each in job.lake and each == DOCUMENTS:
            wanted = self.current_ids().union(self.read(SPLITS).select("document_id")).distinct()
            return rows.join(wanted, "document_id", "left_semi")
        return self.current(each, rows)

    def current(self, table: Table, rows: DataFrame) -> DataFrame:
        """The recipe's current rows of a table."""
        if table == RAW_RECORDS:
            records = rows.where(self._source_is_ours() & F.col("file_rows").isNull() & F.col("drop_reason").isNull())
            return newest(records, "record_id", "revision")
        if table == CLEAN_RECORDS:
            return newest(self.in_force(table, rows), "record_id", "revision")
        if table.has("dataset"):
            ours = rows.where(F.col("dataset") == self.recipe.dataset)
            if table.lifetime == "cache":
                return self._cached(table, ours)
            return ours.where(F.col("dataset_version") == self.draft) if table.lifetime == "frozen" else ours
        if table.has("document_id") or table.has("fit"):
            return self._cached(table, rows)
        return rows.where(self._source_is_ours()) if table.has("source") else rows

    def _cached(self, table: Table, rows: DataFrame) -> DataFrame:
        """Rows in force, of the newest fit where there are fits, of current documents."""
        rows = self.in_force(table, rows)
        rows = of_newest_fit(rows, rows) if table.has("fit") else rows
        return rows.join(self.current_ids(), "document_id", "left_semi") if table.has("document_id") else rows

    def _of_fits_read(self, job: Job, rows: DataFrame) -> DataFrame:
        """Rows made from the newest fit of the table that the job takes fits from."""
        fits = next(table for table in job.reads if table.has("fit") and table != job.writes)
        return of_newest_fit(rows, self.current(fits, self.read(fits)))

    def current_ids(self) -> DataFrame:
        """document_id of every current document of the recipe.

        Most inputs of most jobs are cut down to these: a run finds them once for each version of clean_records."""
        current = self.current(CLEAN_RECORDS, self.read(CLEAN_RECORDS))
        ids = current.where("document_id IS NOT NULL").select("document_id").distinct()
        version = self.pins.get(CLEAN_RECORDS.name)
        if version is None:
            return ids
        if version not in self._ids:
            self._ids[version] = ids.localCheckpoint()
        return self._ids[version]

    def number_of_current(self) -> int | None:
        """How many documents are current, when this job has asked which they are."""
        version = self.pins.get(CLEAN_RECORDS.name)
        if version is None or version not in self._ids:
            return None
        if version not in self._number:
            self._number[version] = self._ids[version].count()
        return self._number[version]

    def in_force(self, table: Table, rows: DataFrame) -> DataFrame:
        """Rows at the fingerprints that this recipe's jobs write now."""
        producer = self.producers.get(table.name)
        if producer is None or not table.has("fingerprint"):
            return rows
        value = self.fingerprints[producer]
        if isinstance(value, str):
            return rows.where(F.col("fingerprint") == value)
        column = F.col(self.part_columns.get(producer, "source"))
        ours = [(column == name) & (F.col("fingerprint") == one) for name, one in value.items()]
        return rows.where(reduce(lambda a, b: a | b, ours, F.lit(False)))

    def stamp(self, table: Table, rows: DataFrame, batch: int) -> DataFrame:
        """Add the columns that a transform does not know."""
        producer = self.producers[table.name]
        stamps = {
            "dataset": F.lit(self.recipe.dataset),
            "dataset_version": F.lit(self.draft),
            "fingerprint": _fingerprint_column(self.fingerprints[producer], self.part_columns.get(producer, "source")),
            "batch": F.lit(batch),
        }
        found = set(rows.columns)
        wanted = {name: value for name, value in stamps.items() if table.has(name) and name not in found}
        return rows.withColumns(wanted) if wanted else rows

    def published(self) -> DataFrame:
        """Manifests of this dataset."""
        return self.lake.read(DATASET_VERSIONS).where(F.col("dataset") == self.recipe.dataset)

    def _source_is_ours(self) -> Column:
        return F.col("source").isin([source.name for source in self.recipe.sources])


def still_to_try(rows: DataFrame, target: DataFrame, by: Sequence[str], attempts: int) -> DataFrame:
    """The rows that no attempt worked and that have attempts left, with the number of the next one."""
    tried = target.groupBy(*by).agg(F.max("attempt").alias("tried"), F.bool_or(F.isnull("error")).alias("is_done"))
    left = rows.join(tried, list(by), "left").where("is_done IS NOT TRUE")
    numbered = left.withColumn("attempt", F.coalesce("tried", F.lit(0)) + 1).drop("tried", "is_done")
    return numbered.where(F.col("attempt") <= attempts)


def of_newest_fit(rows: DataFrame, fits: DataFrame) -> DataFrame:
    """Rows of the highest `fit` that `fits` has."""
    return rows.join(F.broadcast(fits.agg(F.max("fit").alias("fit"))), "fit", "left_semi")


def newest(rows: DataFrame, key: str, order: str) -> DataFrame:
    """The rows with the greatest `order` of each key."""
    window = Window.partitionBy(key)
    return rows.withColumn("_newest", F.max(order).over(window)).where(F.col("_newest") == F.col(order)).drop("_newest")


def _fingerprint_column(value: Fingerprint, column: str) -> Column:
    if isinstance(value, str):
        return F.lit(value)
    pairs = [F.lit(part) for item in value.items() for part in item]
    return F.create_map(*pairs)[F.col(column)]
