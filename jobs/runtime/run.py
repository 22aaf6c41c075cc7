"""Run a recipe: every job in order, skipping what nothing has changed, one line a job."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from jobs.runtime import compiling, console, gates, lake_params, lease, log_lines, recording, tracking, views
from jobs.runtime.context import Context, open_context
from jobs.runtime.errors import ConfigError, GateRefusal
from jobs.runtime.execute import Outcome, execute
from jobs.runtime.job import Job
from jobs.runtime.notices import draft_notices
from jobs.runtime.recipe import Recipe
from jobs.runtime.resplit import give_up_splits
from jobs.runtime.staleness import nothing_asked, require_fresh, why_stale
from jobs.runtime.tables import Lake
from jobs.runtime.tracking import Tracker
from schemas.splits import SPLITS


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
    lake = Lake(spark, recipe.tables, recipe.location)
    run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S") + "-" + uuid.uuid4().hex[:6]
    with (
        compiling.queries_over(spark),
        console.progress(f"{recipe.dataset}: opening the lake", len(chosen)) as bar,
        # What other runs did is read once none of them can write any more.
        lease.hold(lake, run_id) as held,
        ThreadPoolExecutor(2) as pool,
    ):
        context = open_context(lake, recipe, jobs, say, run_id)
        about = {"recipe": recipe.path, "lake": lake.location, "run": run_id, "code": context.code_version}
        log_lines.event("start", dataset=recipe.dataset, **about)
        require_fresh(context, chosen)
        context.resplit = resplit
        starting = pool.submit(
            tracking.start, context.recipe, lake.location, run_id, context.code_version, context.note
        )
        working = [job for job in chosen if nothing_asked(context, job) is None]
        context.created = {job.writes.name: pool.submit(_create, context, job) for job in working}
        try:
            for job in chosen:
                bar.update(bar.task_ids[0], description=f"{recipe.dataset}: {job.name}")
                held.require()
                _one_job(context, job)
                bar.advance(bar.task_ids[0])
        except Exception:
            with suppress(Exception):  # what stopped the run is what the user must see, also when Spark is gone
                _leave_behind(context, starting, "FAILED")
            raise
        except KeyboardInterrupt:  # Spark may still work for this thread, and cannot be asked for anything else
            starting.result().end("KILLED")
            raise
        bar.update(bar.task_ids[0], description=f"{recipe.dataset}: recording the run")
        _leave_behind(context, starting, "FINISHED")
        _persist_views(context)
    return context


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


def _one_job(context: Context, job: Job) -> None:
    try:
        if context.resplit and job.writes == SPLITS:
            _resplit(context, job)
        outcome = _skip(context, job) or _execute(context, job)
    except Exception as error:
        _remember(context, job, Outcome(job.name, "failed", error=recording.told(error)))
        raise
    context.say(console.line(outcome))
    log_lines.job(context.recipe.dataset, outcome)
    try:
        if gates.is_verdict(job):
            gates.require_passed(context.scope)
    except GateRefusal as refusal:
        _remember(context, job, replace(outcome, status="refused", error=str(refusal)))
        with suppress(Exception):  # what may have caused it must not hide the refusal itself
            for notice in draft_notices(context):
                context.note(notice)
        raise
    _remember(context, job, outcome)


def _resplit(context: Context, job: Job) -> None:
    """Behind everything that may still refuse the recipe or its sources, so that nothing is given up for nothing."""
    count = give_up_splits(context.lake)
    context.say(f"  {'resplit':<18}{'':<12} {count:>9,} documents are drawn anew")
    log_lines.event("resplit", dataset=context.recipe.dataset, documents=count)
    if count:
        context.history.wrote(job.writes, context.lake.history(job.writes, 1)[0])


def _persist_views(context: Context) -> None:
    """In a catalog everyone finds the views; without the right to make them there is still `sluice sql`."""
    if not context.lake.is_named:
        return
    try:
        views.persist(context.lake)
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        context.note(f"the SQL views could not be made in {context.lake.location}: {said[:300]}")


def _leave_behind(context: Context, starting: Future[Tracker], status: str) -> None:
    recording.record(context)
    recording.track(context, starting.result(), status)


def _remember(context: Context, job: Job, outcome: Outcome) -> None:
    context.outcomes.append(outcome)
    context.rows.append(recording.run_row(context, job, outcome))


def _skip(context: Context, job: Job) -> Outcome | None:
    """Skip what nothing has changed, and what the draft's digest makes needless."""
    if (why := nothing_asked(context, job)) is not None:
        return Outcome(job.name, "idle", note=why)
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
    with compiling.queries_over(context.lake.spark, compiling.rows_of(context, job)):
        outcome = execute(job, context.scope, _note(context, job), external)
    if outcome.commit is not None:
        context.history.wrote(job.writes, outcome.commit)
    return outcome


def _note(context: Context, job: Job) -> dict[str, Any]:
    sources = [source.name for source in context.recipe.sources]
    return {"run": context.run_id, "dataset": context.recipe.dataset, "job": job.name, "sources": sources}
