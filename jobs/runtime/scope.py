"""What a transform sees of each table: the recipe's current rows, at the fingerprints in force.

A transform never sees a fingerprint, another dataset's rows or a draft that is not its own.
"""

from dataclasses import dataclass, field
from functools import reduce

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
    """

    lake: Lake
    recipe: Recipe
    fingerprints: dict[str, Fingerprint]
    producers: dict[str, str]
    draft: int = 1
    pins: dict[str, int | None] = field(default_factory=dict)
    _ids: dict[int, DataFrame] = field(default_factory=dict)
    _number: dict[int, int] = field(default_factory=dict)

    def frames(self, job: Job) -> dict[str, DataFrame]:
        """The arguments of a job's transform, by name."""
        frames = {table.name: self.seen(table, job) for table in (*job.reads, *job.feedback)}
        if job.each is not None:
            frames[f"new_{job.each.name}"] = self.pending(job, job.each)
        return frames

    def seen(self, table: Table, job: Job) -> DataFrame:
        """A table as this job sees it: whole when declared `lake`, else the recipe's current rows."""
        rows = self.read(table, target=job.writes)
        if table in job.lake:
            whole = table.lifetime != "cache" or table in job.all_fingerprints
            return rows if whole else self.in_force(table, rows)
        return self.current(table, rows)

    def read(self, table: Table, target: Table | None = None) -> DataFrame:
        """Rows of the whole lake, pinned unless the table is the job's own target."""
        return self.lake.read(table, None if table == target else self.pins.get(table.name))

    def pending(self, job: Job, each: Table) -> DataFrame:
        """Rows of `each` that have no output yet at the fingerprint in force."""
        rows = self.everything_to_do(job, each)
        target = self.in_force(job.writes, self.lake.read(job.writes))
        done = target.select(*job.done_by).where(F.col(job.done_by[0]).isNotNull()).distinct()
        return rows.join(done, list(job.done_by), "left_anti")

    def everything_to_do(self, job: Job, each: Table) -> DataFrame:
        """The rows of `each` that must have output. Lake-wide signing covers every document that has a split."""
        rows = self.read(each, target=job.writes)
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
            return ours.where(F.col("dataset_version") == self.draft) if table.lifetime == "frozen" else ours
        if table.has("document_id"):
            return self.in_force(table, rows).join(self.current_ids(), "document_id", "left_semi")
        return rows.where(self._source_is_ours()) if table.has("source") else rows

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
        ours = [(F.col("source") == s) & (F.col("fingerprint") == v) for s, v in value.items()]
        return rows.where(reduce(lambda a, b: a | b, ours, F.lit(False)))

    def stamp(self, table: Table, rows: DataFrame, batch: int) -> DataFrame:
        """Add the columns that a transform does not know."""
        producer = self.producers[table.name]
        stamps = {
            "dataset": F.lit(self.recipe.dataset),
            "dataset_version": F.lit(self.draft),
            "fingerprint": _fingerprint_column(self.fingerprints[producer]),
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


def newest(rows: DataFrame, key: str, order: str) -> DataFrame:
    """The rows with the greatest `order` of each key."""
    window = Window.partitionBy(key)
    return rows.withColumn("_newest", F.max(order).over(window)).where(F.col("_newest") == F.col(order)).drop("_newest")


def _fingerprint_column(value: Fingerprint) -> Column:
    if isinstance(value, str):
        return F.lit(value)
    pairs = [F.lit(part) for item in value.items() for part in item]
    return F.create_map(*pairs)[F.col("source")]
