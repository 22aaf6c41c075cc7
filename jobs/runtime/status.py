"""Where a dataset stands: what each job has left, whether it is stale, and the versions published. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.runtime import gates
from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.staleness import look, nothing_asked, why_stale
from jobs.runtime.tables import Lake
from schemas.job_runs import JOB_RUNS
from schemas.table import Table


@dataclass(frozen=True)
class JobStatus:
    """One job.

    rows: of its table, those of the dataset, of its sources, or of the whole lake, as `of` says; None without a table.
    version: Delta version. stale: why a run would work it, None when it is up to date; behind: the first stale job
    before it that may change what it reads. finished_at, seconds: of its last run that worked. idle: why the recipe
    gives it nothing to do.
    """

    job: str
    rows: int | None
    of: str
    version: int | None
    stale: str | None
    behind: str | None
    finished_at: datetime | None
    seconds: float | None
    idle: str | None = None


@dataclass(frozen=True)
class Status:
    """A dataset: its jobs in order, its versions in order; fault: why its sources cannot be listed."""

    jobs: list[JobStatus]
    versions: list[Row]
    fault: str | None = None


def status_of(spark: SparkSession, recipe: Recipe, jobs: Sequence[Job]) -> Status:
    """Look at the lake; like a run, it finds the jobs stale that one would work."""
    context = look(Lake(spark, recipe.tables, recipe.location), recipe, jobs)
    rows, worked = _row_counts(context), _last_worked(context)
    found: list[JobStatus] = []
    fault = None
    for job in jobs:
        count, of = rows.get(job.writes.name, (None, ""))
        run = worked.get(job.name)
        try:
            stale = _why(context, job)
        except ConfigError as error:  # of a source: what the lake holds can be told all the same
            stale, fault = "its sources cannot be listed", str(error)
        upstream = [one.job for one in found if one.stale]
        idle = nothing_asked(context, job)
        behind = upstream[0] if upstream and stale is None and idle is None else None
        at, seconds = (run["finished_at"], run["seconds"]) if run else (None, None)
        version = context.history.head(job.writes)
        found.append(JobStatus(job.name, count, of, version, stale, behind, at, seconds, idle))
    versions = context.scope.published().orderBy("dataset_version")
    wanted = ("dataset_version", "name", "published_at", "num_examples", "split_counts", "content_digest")
    return Status(found, versions.select(*wanted).collect(), fault)


def _why(context: Context, job: Job) -> str | None:
    if gates.writes_version(job) and gates.same_as(context.scope) is not None:
        return None
    return why_stale(context, job)


def _last_worked(context: Context) -> dict[str, Row]:
    """Job -> finished_at and seconds of its last run that was not skipped."""
    mine = context.lake.read(JOB_RUNS).where((F.col("dataset") == context.recipe.dataset) & (F.col("status") == "done"))
    run = F.struct("finished_at", "seconds")
    newest = mine.groupBy("job").agg(F.max_by(run, F.struct("finished_at", "run_id")).alias("run"))
    return {row["job"]: row["run"] for row in newest.collect()}


def _row_counts(context: Context) -> dict[str, tuple[int, str]]:
    """Table -> rows, and whose they are; one query."""
    tables = [job.writes for job in context.jobs if context.lake.exists(job.writes)]
    if not tables:
        return {}
    counts = reduce(DataFrame.union, [_counted(context, table) for table in tables])
    return {row["name"]: (row["rows"], row["of"]) for row in counts.collect()}


def _counted(context: Context, table: Table) -> DataFrame:
    rows, of = context.lake.read(table), "lake"
    if table.has("dataset"):
        rows, of = rows.where(F.col("dataset") == context.recipe.dataset), "dataset"
    elif table.has("source"):
        sources = [source.name for source in context.recipe.sources]
        rows, of = rows.where(F.col("source").isin(sources)), "sources"
    return rows.agg(F.lit(table.name).alias("name"), F.count(F.lit(1)).alias("rows"), F.lit(of).alias("of"))
