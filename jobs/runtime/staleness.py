"""Whether a job has work: what `run` skips by, and what `status` and `run --plan` tell."""

from collections.abc import Sequence

from jobs.runtime import gates
from jobs.runtime.context import Context, open_context
from jobs.runtime.errors import ConfigError
from jobs.runtime.fingerprints import digest, flat
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.tables import Lake
from schemas.clean_records import CLEAN_RECORDS


def why_stale(context: Context, job: Job) -> str | None:
    """Why a run would work this job, in words; None when nothing that it reads has changed.

    What a run before it may change is not foreseen. A draft goes when it is published or equals the last version: who
    is to judge it anew needs it selected anew."""
    own = _own_reason(context, job)
    judges = [other for other in context.jobs if gates.is_verdict(other) and gates.selects(job)]
    if own is None and any(_own_reason(context, judge) for judge in judges) and not gates.has_draft(context.scope):
        return "the draft is to be judged anew"
    return own


def _own_reason(context: Context, job: Job) -> str | None:
    last = context.last.get(job.name)
    if nothing_asked(context, job) is not None:
        return None
    if last is None:
        return "never finished"
    if last["fingerprint"] != fingerprint_seen(context, job):
        return "sources, recipe or code changed" if job.outside else "recipe or code changed"
    if last["failed"]:
        return f"{last['failed']:,} rows failed"
    if last["left_over"]:
        return f"a budget left {last['left_over']:,} rows"
    if not context.lake.exists(job.writes) or last["output"] != context.lake.opened[job.writes.name].id:
        return f"table {job.writes.name} is not the one it wrote"
    seen = last["inputs"]
    for table in (*job.watched, job.writes):
        if table.name not in seen and context.history.head(table) is None:
            continue  # a table that was not there, and is not: no model has been asked for anything
        if table.name not in seen or context.history.changed(table, seen[table.name]):
            return f"rows of {table.name} changed"
    return None


def nothing_asked(context: Context, job: Job) -> str | None:
    """Why the recipe gives the job nothing to do, in words."""
    return job.idle(context.recipe.params) if job.idle else None


def require_fresh(context: Context, chosen: Sequence[Job]) -> None:
    """A run that begins in the middle takes over what the jobs before it left. Were one of them due, rows that it has
    not worked would be missing from the version, and nothing would say so."""
    for job in context.jobs[: list(context.jobs).index(chosen[0])]:
        why = None if job.outside else why_stale(context, job)
        if why is not None:
            raise ConfigError(f"--from {chosen[0].name}: {job.name} is due before it ({why}). Run from {job.name}.")


def fingerprint_seen(context: Context, job: Job) -> str:
    """What a run leaves for the next to compare: the job's own fingerprint, with what it sees outside the lake, and
    with that of the cleaning where it decides which documents the job sees. Going back to an earlier cleaning writes
    no row, but changes what is current."""
    scope = context.scope
    own, cleaning = flat(scope.fingerprints[job.name]), scope.producers.get(CLEAN_RECORDS.name, job.name)
    if job.in_rounds:  # what a model is asked for, and how often, shapes no row, and gives work all the same
        own = digest([own, context.recipe.params[job.name].model_dump(mode="json")])
    if job.outside is not None:
        if job.name not in context.looked:  # once a run: what it leaves is what it has decided by
            context.looked[job.name] = job.outside(context)
        return digest([own, context.looked[job.name]])
    if CLEAN_RECORDS not in job.watched or cleaning == job.name:
        return own
    return digest([own, flat(scope.fingerprints[cleaning])])


def look(lake: Lake, recipe: Recipe, jobs: Sequence[Job]) -> Context:
    """A context for looking at a lake without a lease, at the parameters that a run would take."""
    return open_context(lake, recipe, jobs, say=lambda _: None)
