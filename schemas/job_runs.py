"""Runs. One row is what one job did in one run for one dataset."""

from pyspark.sql import types as T

from schemas.column_types import COUNTS, DATASET, DOUBLE, INT, LONG, NAMES, STRING, TIMESTAMP
from schemas.table import Table, column

JOB_RUNS = Table(
    name="job_runs",
    columns=T.StructType(
        [
            DATASET,
            column("job", STRING, "name of the job", required=True),
            column("run_id", STRING, "id of the run", required=True),
            column("position", INT, "place of the job in the pipeline, from 0", required=True),
            column("status", STRING, "done, skipped, idle, refused or failed", required=True),
            column(
                "fingerprint", STRING, "digest by which the next run knows what it would do the same", required=True
            ),
            column("fingerprints", NAMES, "source -> fingerprint in force; one entry without source where it has one"),
            column("params", STRING, "parameters of the job, JSON", required=True),
            column("inputs", COUNTS, "table -> Delta version after the run", required=True),
            column("output", STRING, "id of the output table"),
            column("output_version", LONG, "its Delta version after the job"),
            column("rows_in", LONG, "rows given to the job; null when it does not know"),
            column("rows_out", LONG, "rows written"),
            column("rows_changed", LONG, "rows that it changed; null where a job changes none by its nature"),
            column("dropped", COUNTS, "reason -> rows written with it", required=True),
            column("failed", LONG, "rows written whose attempt failed"),
            column("left_over", LONG, "rows that a budget left for the next run"),
            column("seconds", DOUBLE, "wall seconds", required=True),
            column("cpu_seconds", DOUBLE, "CPU seconds of the process tree on this host", required=True),
            column("error", STRING, "why it failed or was refused: Sluice's own words, or the kind of error"),
            column("finished_at", TIMESTAMP, "when, UTC", required=True),
        ]
    ),
    key=(
        "dataset",
        "job",
        "run_id",
    ),
    lifetime="ledger",
)
