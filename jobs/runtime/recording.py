"""What a run leaves behind: a row of job_runs for every job, and its runs in MLflow."""

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame

from jobs.runtime.context import Context
from jobs.runtime.declared_rows import conform
from jobs.runtime.errors import SluiceError
from jobs.runtime.execute import Outcome
from jobs.runtime.fingerprints import flat
from jobs.runtime.job import Job
from jobs.runtime.staleness import fingerprint_seen
from jobs.runtime.tracking import Tracker
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.job_runs import JOB_RUNS
from schemas.table import Table

TRACKED = ("dataset", "dataset_version", "content_digest", "split_counts", "table_versions")


def run_row(context: Context, job: Job, outcome: Outcome) -> dict[str, Any]:
    """The row of job_runs that says what one job did."""
    tables: tuple[Table, ...] = (*job.watched, job.writes)
    versions = {t.name: head for t in tables if (head := context.history.head(t)) is not None}
    opened = context.lake.opened.get(job.writes.name)
    fingerprint = context.scope.fingerprints[job.name]
    return {
        "dataset": context.recipe.dataset,
        "job": job.name,
        "run_id": context.run_id,
        "position": list(context.jobs).index(job),
        "status": outcome.status,
        # What failed is never compared, and looking outside the lake may be what failed.
        "fingerprint": flat(fingerprint) if outcome.status == "failed" else fingerprint_seen(context, job),
        "fingerprints": fingerprint if isinstance(fingerprint, dict) else {"": fingerprint},
        "params": context.recipe.params[job.name].model_dump_json(exclude={"sources"}),
        "inputs": versions,
        "output": opened.id if opened else None,
        "output_version": versions.get(job.writes.name),
        "rows_in": outcome.rows_in,
        "rows_out": outcome.rows_out,
        "rows_changed": outcome.rows_changed,
        "dropped": outcome.dropped,
        "failed": outcome.failed,
        "left_over": outcome.left_over,
        "seconds": round(outcome.seconds, 3),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "error": outcome.error,
        "finished_at": datetime.now(UTC),
    }


def told(error: Exception) -> str:
    """What a row may keep of an error: Sluice's own say what to do, others could quote a text."""
    return str(error) if isinstance(error, SluiceError) else type(error).__name__


def record(context: Context) -> None:
    """One append a run: what every job did."""
    if not context.rows:
        return
    context.lake.create(JOB_RUNS)
    rows = [tuple(row[name] for name in JOB_RUNS.columns.names) for row in context.rows]
    frame: DataFrame = context.lake.spark.createDataFrame(rows, JOB_RUNS.columns)
    context.lake.append(JOB_RUNS, conform(JOB_RUNS, frame), {"run": context.run_id, "job": "job_runs"})


def _versions(job: Job, row: dict[str, Any]) -> dict[str, int]:
    """The table versions that a job read and left, as MLflow's tags name them."""
    own = job.writes.name
    left = {f"output_version.{own}": row["output_version"]} if row["output_version"] is not None else {}
    return {f"input_version.{name}": number for name, number in row["inputs"].items() if name != own} | left


def track(context: Context, tracker: Tracker, status: str) -> None:
    """Give MLflow every job, and every published version that it lacks: this run's, and those of runs that could not
    reach it or were killed before they did."""
    for outcome, row in zip(context.outcomes, context.rows, strict=True):
        params = {"fingerprint": row["fingerprint"], "params": row["params"], "code_version": context.code_version}
        versions = _versions(context.jobs[row["position"]], row)
        tracker.job(outcome, params | {"recipe_digest": context.recipe.digest()}, versions)
    place = context.lake.path(DATASET_EXAMPLES)
    known = tracker.versions(context.recipe.dataset, place)
    if known is not None and context.lake.exists(DATASET_VERSIONS):
        published = any(o.job == "publish_dataset" and o.rows_out for o in context.outcomes)
        for manifest in context.scope.published().select(*TRACKED).orderBy("dataset_version").collect():
            number = manifest["dataset_version"]
            if (number, manifest["content_digest"]) not in known:
                tracker.version(manifest, place, on_parent=published and number == context.scope.draft)
    tracker.end(status)
