"""Whether a job has work: what `run` skips by, and what `status` and `run --plan` tell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jobs.runtime import gates
from jobs.runtime.fingerprints import flat
from jobs.runtime.job import Job
from jobs.runtime.recipe import Recipe
from jobs.runtime.tables import Lake

if TYPE_CHECKING:
    from jobs.runtime.run import Context


def why_stale(context: "Context", job: Job) -> str | None:
    """Why a run would work this job, in words; None when nothing that it reads has changed (DESIGN rule 3).

    What a run before it may change is not foreseen. A draft goes when it is published or equals the last version: who
    is to judge it anew needs it selected anew."""
    own = _own_reason(context, job)
    judges = [other for other in context.jobs if gates.is_verdict(other) and gates.selects(job)]
    if own is None and any(_own_reason(context, judge) for judge in judges) and not gates.has_draft(context.scope):
        return "the draft is to be judged anew"
    return own


def _own_reason(context: "Context", job: Job) -> str | None:
    last = context.last.get(job.name)
    if last is None:
        return "never finished"
    if job.always:
        return "looks at the sources in every run"
    if last["fingerprint"] != flat(context.scope.fingerprints[job.name]):
        return "recipe or code changed"
    if not context.lake.exists(job.writes) or last["output"] != context.lake.opened[job.writes.name].id:
        return f"table {job.writes.name} is not the one it wrote"
    seen = last["inputs"]
    for table in (*job.watched, job.writes):
        if table.name not in seen or context.history.changed(table, seen[table.name]):
            return f"rows of {table.name} changed"
    return None


def look(lake: Lake, recipe: Recipe, jobs: Sequence[Job]) -> "Context":
    """A context for looking at a lake without a lease, at the parameters that a run would take."""
    from jobs.runtime.run import open_context  # run skips by this module

    return open_context(lake, recipe, jobs, say=lambda _: None)
