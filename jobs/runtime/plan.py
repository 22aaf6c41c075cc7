"""What a run would work: rows of each job, exact as far as the tables tell, bounds behind; nothing is written.

Bounds never understate: new files are read and their rows counted, and every later job is taken to pass all on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.frames.file_rows import read_records, without_superseded
from jobs.runtime import gates
from jobs.runtime.context import Context
from jobs.runtime.execute import planned_rows
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.run import between
from jobs.runtime.scope import newest
from jobs.runtime.source_tables import open_tables
from jobs.runtime.staleness import look, nothing_asked, require_fresh, why_stale
from jobs.runtime.tables import Lake
from schemas.documents import DOCUMENTS
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES
from schemas.table import Table

READ_TASKS = 8


@dataclass(frozen=True)
class Planned:
    """One job of the plan.

    rows: rows it would process, None when it would be skipped. exact: false where an earlier job of the run decides.
    of: what the rows are. reason: why it would run.
    """

    job: str
    rows: int | None = None
    exact: bool = True
    of: str = ""
    reason: str = ""


@dataclass
class _Forecast:
    """What the jobs planned so far may leave.

    added: table -> rows that may come to those there. replaced: table -> rows that it may have then.
    files: files to be listed, where there are any.
    """

    added: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    files: DataFrame | None = None

    def touches(self, job: Job) -> list[str]:
        """Tables that the job depends on and that may have other rows when its turn comes."""
        return [t.name for t in job.watched if self.added.get(t.name) or t.name in self.replaced]


def plan_recipe(
    spark: SparkSession, recipe: Recipe, jobs: Sequence[Job], first: str | None = None, last: str | None = None
) -> list[Planned]:
    """The plan of a run from `first` to `last`, in order."""
    chosen = between(jobs, first, last)
    context = look(Lake(spark, recipe.tables, recipe.location), recipe, jobs)
    require_fresh(context, chosen)
    forecast = _Forecast()
    return [_plan(context, job, forecast) for job in chosen]


def _plan(context: Context, job: Job, forecast: _Forecast) -> Planned:
    if nothing_asked(context, job) is not None:
        return Planned(job.name)
    touched = forecast.touches(job)
    why = _why(context, job)
    if why is None and not touched:
        return Planned(job.name)
    rows, of = _count(context, job, forecast)
    exact = not touched
    if job.each is None and not job.outside:
        forecast.replaced[job.writes.name] = rows
    elif job.writes.name not in forecast.added:
        forecast.added[job.writes.name] = rows
    return Planned(job.name, rows, exact, of, why or f"{', '.join(touched)} may change")


def _why(context: Context, job: Job) -> str | None:
    """As a run decides when no earlier job changes anything."""
    if gates.writes_version(job) and gates.same_as(context.scope) is not None:
        return None
    return why_stale(context, job)


def _count(context: Context, job: Job, forecast: _Forecast) -> tuple[int, str]:
    """Rows that the job would process, and what they are."""
    if job.outside:
        forecast.files = planned_rows(job, context.scope, job.external(context) if job.external else {})
        return forecast.files.count(), "changed files"
    if job.each == SOURCE_FILES:
        return _rows_of_files(context, job, forecast), "rows of changed files"
    if job.each is not None:
        # A row without the key (a dropped record has no document) has nothing to be worked.
        pending, parts = F.col(job.done_by[0]).isNotNull(), job.names_of_parts(context.recipe.params[job.name])
        waiting = 0
        if _is_there(context, job.each):
            waiting = sum(context.scope.pending(job, job.each, part).where(pending).count() for part in parts)
        return waiting + len(parts) * forecast.added.get(job.each.name, 0), job.each.name
    table = job.reads[0]
    if table.name in forecast.replaced:
        return forecast.replaced[table.name], table.name
    # Whatever is known of documents, a job over the whole dataset works one row a current document.
    rows = context.scope.seen(table, job) if table.has("dataset") else context.scope.current_ids()
    now = rows.count() if _is_there(context, table) else 0
    return now + forecast.added.get(table.name, 0), table.name if table.has("dataset") else DOCUMENTS.name


def _is_there(context: Context, table: Table) -> bool:
    """Whether the table existed when the context opened all that do: asking Spark for one that is not costs as much as
    a count."""
    return table.name in context.lake.opened


def _rows_of_files(context: Context, job: Job, forecast: _Forecast) -> int:
    """Rows in the files that wait, by reading them. Records of an on_vanish: drop source may each leave it too."""
    assert job.each is not None  # the caller has looked
    files = context.scope.pending(job, job.each)
    if forecast.files is not None:
        files = files.unionByName(forecast.files)
    readable = files.transform(without_superseded).where("uri IS NOT NULL")
    row = readable.transform(read_records, READ_TASKS).agg(F.sum("file_rows").alias("rows")).first()
    tables = open_tables(context.lake.spark, context.recipe.sources, readable)
    rows = (int(row["rows"] or 0) if row else 0) + sum(rows.count() for _, rows in tables)
    forecast.added[job.writes.name] = rows + _may_vanish(context, files)
    return rows


def _may_vanish(context: Context, files: DataFrame) -> int:
    """Live records of the sources that are read whole: at most these get a revision without payload."""
    if not _is_there(context, RAW_RECORDS):
        return 0
    sources = files.where("on_vanish = 'drop'").select("source").distinct()
    records = context.lake.read(RAW_RECORDS).where("file_rows IS NULL").join(sources, "source", "left_semi")
    return newest(records, "record_id", "revision").where("payload IS NOT NULL").count()
