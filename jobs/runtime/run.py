"""Run a recipe: every job in order, skipping what nothing has changed, one line a job."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.runtime import console, gates, lake_params, lease, recording, tracking
from jobs.runtime.errors import ConfigError, GateRefusal
from jobs.runtime.execute import Outcome, execute
from jobs.runtime.fingerprints import all_fingerprints
from jobs.runtime.history import History
from jobs.runtime.job import Job
from jobs.runtime.listing import SourceFile, list_files
from jobs.runtime.notices import draft_notices
from jobs.runtime.recipe import Recipe
from jobs.runtime.resplit import give_up_splits
from jobs.runtime.scope import Scope
from jobs.runtime.staleness import require_fresh, why_stale
from jobs.runtime.tables import Lake
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.job_runs import JOB_RUNS
from schemas.splits import SPLITS


@dataclass
class Context:
    """What the jobs of one run share."""

    scope: Scope
    jobs: Sequence[Job]
    run_id: str
    code_version: str
    history: History
    last: dict[str, Row]
    say: Callable[[str], None]
    resplit: bool = False
    looked: dict[str, str] = field(default_factory=dict)
    created: dict[str, Future[None]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        """The lake that the run writes."""
        return self.scope.lake

    @cached_property
    def files(self) -> list[SourceFile]:
        """The files of the recipe's sources: looked for once, so that all jobs of a run see the same."""
        return list_files(self.recipe.sources, self.lake.location)

    @property
    def recipe(self) -> Recipe:
        """The recipe that runs."""
        return self.scope.recipe


def run_recipe(
    spark: SparkSession,
    recipe: Recipe,
    jobs: Sequence[Job],
    first: str | None = None,
    last: str | None = None,
    say: Callable[[str], None] = console.console.print,
    resplit: bool = False,
) -> Context:
    """Run the jobs of a recipe from `first` to `last`; raises what the first failing job raises.

    resplit: documents that no published version ever kept lose their split before any is assigned."""
    chosen = between(jobs, first, last)
    if resplit and all(job.writes != SPLITS for job in chosen):
        raise ConfigError(f"--resplit: assign_splits is not among {chosen[0].name} to {chosen[-1].name}")
    lake = Lake(spark, recipe.tables)
    run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S") + "-" + uuid.uuid4().hex[:6]
    # What other runs did is read once none of them can write any more.
    with lease.hold(lake, run_id), ThreadPoolExecutor(2) as pool:
        context = open_context(lake, recipe, jobs, say, run_id)
        require_fresh(context, chosen)
        context.resplit = resplit
        starting = pool.submit(tracking.start, context.recipe, run_id, context.code_version, say)
        context.created = {job.writes.name: pool.submit(_create, context, job) for job in chosen}
        status = "FAILED"
        try:
            with console.progress(recipe.dataset, len(chosen)) as bar:
                for job in chosen:
                    bar.update(bar.task_ids[0], description=f"{recipe.dataset}: {job.name}")
                    _one_job(context, job)
                    bar.advance(bar.task_ids[0])
            status = "FINISHED"
        finally:
            # What stopped the run is what the user must see, also when Spark is gone and nothing can be recorded.
            with suppress(Exception) if status == "FAILED" else nullcontext():
                recording.record(context)
                recording.track(context, starting.result(), status)
    return context


def open_context(
    lake: Lake, recipe: Recipe, jobs: Sequence[Job], say: Callable[[str], None], run_id: str = ""
) -> Context:
    """Open the lake's tables, take its parameters and find what the dataset's last runs did."""
    tables = tuple(dict.fromkeys((*(job.writes for job in jobs), JOB_RUNS)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lake.exists, tables))
    recipe = lake_params.settle(lake, recipe, jobs)
    producers = {job.writes.name: job.name for job in jobs}
    scope = Scope(lake, recipe, all_fingerprints(jobs, recipe), producers)
    with ThreadPoolExecutor(2) as pool:
        newest, last = pool.submit(_last_version, scope), pool.submit(last_runs, lake, recipe.dataset)
        history = History(lake, tables, recipe)
    scope.draft = 1 + newest.result()
    return Context(scope, jobs, run_id, recording.code_version(), history, last.result(), say)


def _last_version(scope: Scope) -> int:
    """The newest published version, 0 when there is none."""
    if not scope.lake.exists(DATASET_VERSIONS):
        return 0
    row = scope.published().agg(F.max("dataset_version").alias("last")).first()
    return int(row["last"] or 0) if row else 0


def between(jobs: Sequence[Job], first: str | None, last: str | None) -> list[Job]:
    """The jobs from `first` to `last`; ConfigError for an unknown name."""
    names = [job.name for job in jobs]
    for name in (first, last):
        if name is not None and name not in names:
            raise ConfigError(f"unknown job {name}: expected one of {', '.join(names)}")
    start = names.index(first) if first else 0
    end = names.index(last) + 1 if last else len(names)
    if start >= end:
        raise ConfigError(f"--from {first} comes behind --to {last}: the jobs run in the order {', '.join(names)}")
    return list(jobs[start:end])


def last_runs(lake: Lake, dataset: str) -> dict[str, Row]:
    """Job name -> its newest finished row for this dataset."""
    runs = lake.read(JOB_RUNS).where((F.col("dataset") == dataset) & F.col("status").isin("done", "skipped"))
    newest = runs.groupBy("job").agg(F.max_by(F.struct("*"), F.struct("finished_at", "run_id")).alias("run"))
    return {row["job"]: row["run"] for row in newest.collect()}


def _one_job(context: Context, job: Job) -> None:
    try:
        if context.resplit and job.writes == SPLITS:
            _resplit(context, job)
        outcome = _skip(context, job) or _execute(context, job)
    except Exception as error:
        _remember(context, job, Outcome(job.name, "failed", error=recording.told(error)))
        raise
    context.say(console.line(outcome))
    try:
        if gates.is_verdict(job):
            gates.require_passed(context.scope)
    except GateRefusal as refusal:
        _remember(context, job, replace(outcome, status="refused", error=str(refusal)))
        with suppress(Exception):  # what may have caused it must not hide the refusal itself
            for notice in draft_notices(context):
                context.say(console.notice(notice))
        raise
    _remember(context, job, outcome)


def _resplit(context: Context, job: Job) -> None:
    """Behind everything that may still refuse the recipe or its sources, so that nothing is given up for nothing."""
    count = give_up_splits(context.lake)
    context.say(f"  {'resplit':<18}{'':<12} {count:>9,} documents are drawn anew")
    if count:
        context.history.wrote(job.writes, context.lake.history(job.writes, 1)[0])


def _remember(context: Context, job: Job, outcome: Outcome) -> None:
    context.outcomes.append(outcome)
    context.rows.append(recording.run_row(context, job, outcome))


def _skip(context: Context, job: Job) -> Outcome | None:
    """Skip what nothing has changed, and what the draft's digest makes needless."""
    if why_stale(context, job) is None:
        return Outcome(job.name, "skipped")
    if gates.writes_version(job) and (same := gates.same_as(context.scope)) is not None:
        if same.discard:
            gates.discard_draft(context.scope, _note(context, job))
        return Outcome(job.name, "skipped", note=f"the draft equals version {same.version}")
    return None


def _create(context: Context, job: Job) -> None:
    """Tables are made while the first jobs work: a new one costs a second, most of it waiting."""
    if not lake_params.keeps(job.writes):
        context.lake.create(job.writes)


def _execute(context: Context, job: Job) -> Outcome:
    context.created[job.writes.name].result()
    if lake_params.keeps(job.writes):  # by the first run that comes so far: one that failed before settles nothing
        context.lake.create(job.writes, lake_params.properties(context.recipe, context.jobs))
    inputs = [table for table in job.watched if table != job.writes]
    context.scope.pins = {table.name: context.history.head(table) for table in inputs}
    external = job.external(context) if job.external else {}
    outcome = execute(job, context.scope, _note(context, job), external)
    if outcome.commit is not None:
        context.history.wrote(job.writes, outcome.commit)
    return outcome


def _note(context: Context, job: Job) -> dict[str, Any]:
    sources = [source.name for source in context.recipe.sources]
    return {"run": context.run_id, "dataset": context.recipe.dataset, "job": job.name, "sources": sources}
