"""Execute one job: scope its inputs, call its transform, write idempotently by lifetime, count with the write."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, Queue
from threading import Thread
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from jobs.runtime.cpu import cpu_seconds
from jobs.runtime.declared_rows import conform, mark_rule_breaks
from jobs.runtime.job import Job
from jobs.runtime.rounds import WHOLE, Piece, Rounds
from jobs.runtime.scope import Scope
from jobs.runtime.tables import Commit, overtaken
from schemas.table import Table

# A frame whose rows never ran (an empty relation) leaves its observation unanswered for ever.
OBSERVATION_SECONDS = 30
OWN_COMMIT_WITHIN = 3
UNCOUNTED, FAILED, DROPPED = "uncounted", "failed", "dropped "


@dataclass(frozen=True)
class Outcome:
    """What one job did in one run."""

    job: str
    status: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    rows_in: int | None = None
    rows_out: int = 0
    rows_changed: int | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    left_over: int = 0
    commit: Commit | None = None
    note: str = ""
    error: str | None = None


def execute(job: Job, scope: Scope, note: dict[str, Any], external: dict[str, DataFrame]) -> Outcome:
    """Run one job, piece by piece where it has pieces, and return what it did."""
    started, cpu = time.monotonic(), cpu_seconds()
    rounds, out, counts = Rounds(job, scope), 0, Counter[str]()
    commit = None
    for piece in rounds:
        commit, found = _written(job, scope, note, external, piece)
        out += max(commit.rows, 0)
        counts.update(found)
    dropped = {name.removeprefix(DROPPED): n for name, n in counts.items() if name.startswith(DROPPED) and n}
    unknown = None if UNCOUNTED in counts else 0
    return Outcome(
        job.name,
        "done",
        seconds=time.monotonic() - started,
        cpu_seconds=cpu_seconds() - cpu,
        rows_in=_rows_in(job, scope, counts, out),
        rows_out=out,
        rows_changed=counts.get("rows_changed", unknown) if job.writes.has("changed_by") else None,
        dropped=dropped,
        failed=counts[FAILED],
        left_over=rounds.left_over,
        commit=commit,
        note="the engine did not say what it counted" if UNCOUNTED in counts else "",
    )


def _written(
    job: Job, scope: Scope, note: dict[str, Any], external: dict[str, DataFrame], piece: Piece
) -> tuple[Commit, dict[str, int]]:
    """Write one piece. On a concurrent append it plans once more."""
    try:
        return _write(job, scope, note, external, piece)
    except Exception as error:  # a raw Java error in classic Spark, one of pyspark's own in Connect
        if not overtaken(error):
            raise
        return _write(job, scope, note, external, piece)


def _rows_in(job: Job, scope: Scope, counts: Mapping[str, int], out: int) -> int | None:
    """Rows read from files; else the rows that had no output yet; else the current documents."""
    if job.merges or job.writes.has("file_rows"):
        return counts.get("rows_in", None if UNCOUNTED in counts else 0)
    if job.each is not None:
        return out if job.done_by == job.each.key else None
    return scope.number_of_current()


def planned_rows(
    job: Job,
    scope: Scope,
    external: dict[str, DataFrame],
    count: Observation | None = None,
    piece: Piece = WHOLE,
) -> DataFrame:
    """The rows that the job would write, stamped, conformed and marked; nothing is evaluated yet.

    count: takes rows_in while the rows are written, where the job reads its rows once and merges them."""
    table = job.writes
    frames: dict[str, Any] = scope.frames(job, piece.part) | external
    if job.each is not None:
        name = f"new_{job.each.name}"
        frames[name] = piece.of(frames[name], job.done_by[0])
        if count is not None:
            frames[name] = frames[name].observe(count, F.count(job.done_by[0]).alias("rows_in"))
    if piece.part is not None:
        frames["part"] = piece.part
    rows = job.transform(**frames, params=scope.recipe.params[job.name])
    rows = scope.stamp(table, rows, batch=scope.lake.version(table) or 0 if table.has("batch") else 0)
    rows = mark_rule_breaks(table, conform(table, rows))
    # A transform that has checkpointed its rows reads the live table no more: Delta must see that the write does.
    if table.lifetime in ("ledger", "cache") and (job.each is None or job.iterative):
        rows = rows.join(scope.lake.read(table).select(*table.key), list(table.key), "left_anti")
    return conform(table, rows)


def _write(
    job: Job, scope: Scope, note: dict[str, Any], external: dict[str, DataFrame], piece: Piece
) -> tuple[Commit, dict[str, int]]:
    table, lake = job.writes, scope.lake
    read, written = Observation() if job.merges else None, Observation()
    rows = planned_rows(job, scope, external, read, piece).observe(written, *_counters(table))
    if table.lifetime in ("ledger", "cache"):
        lake.append(table, rows, note)
    else:
        slice_: dict[str, Any] = {"dataset": scope.recipe.dataset}
        if table.lifetime == "frozen":
            slice_["dataset_version"] = scope.draft
        lake.replace(table, rows, note, slice_)
    commits = lake.history(table, OWN_COMMIT_WITHIN)
    # A write of nothing leaves no commit; a platform may compact right behind one.
    commit = next((one for one in commits if one.by == note), replace(commits[0], rows=0, removed=False))
    counts: dict[str, Any] = {}
    for observation in (read, written):
        if observation is not None and commit.rows > 0:
            answer = _answer(observation)
            counts |= {UNCOUNTED: 1} if answer is None else answer
    return commit, {name: int(value) for name, value in counts.items() if value is not None}


def _counters(table: Table) -> list[Column]:
    """What is counted while writing: rows dropped by each declared reason and rule, read from files, changed."""
    counters = [F.count(F.lit(1)).alias("rows")]  # an observation needs one, whatever the table has
    if table.has("file_rows"):
        counters.append(F.sum("file_rows").alias("rows_in"))
    if table.has("changed_by"):
        counters.append(F.count_if(F.size("changed_by") > 0).alias("rows_changed"))
    if table.has("attempt"):
        counters.append(F.count_if(F.isnotnull("error")).alias(FAILED))
    if table.drops:
        codes = [*table.reasons, *(f"rule:{name}" for name in table.checks)]
        counters += [F.count_if(F.col("drop_reason") == code).alias(DROPPED + code) for code in codes]
    return counters


def _answer(observation: Observation) -> dict[str, Any] | None:
    """What was counted, None where the answer does not come: the rows are committed, and no count may undo that."""
    answers: Queue[dict[str, Any] | None] = Queue()

    def ask() -> None:
        answer = None
        with suppress(Exception):
            answer = observation.get
        answers.put(answer)

    Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=OBSERVATION_SECONDS)
    except Empty:
        return None
