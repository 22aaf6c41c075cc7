"""Whether Spark compiles its queries to Java.  On few rows that costs more than it gives.

A run over 10,000 documents makes Spark write, and the JVM optimise, some hundred classes that work for a second each: a
sixth of its CPU time.  At 140,000 documents both cost the same, beyond that compiled queries cost less for each row.
Rows come out the same either way.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from pyspark.sql import SparkSession

from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.session import on_platform

FEW_ROWS = 100_000
RECORD_BYTES = 500  # of a source that is not read yet

WHOLE_STAGE, FACTORIES = "spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode"
INTERPRETED = {WHOLE_STAGE: "false", FACTORIES: "NO_CODEGEN"}
COMPILED = {WHOLE_STAGE: "true", FACTORIES: "FALLBACK"}


@contextmanager
def queries_over(spark: SparkSession, rows: int | None = 0) -> Iterator[None]:
    """Meanwhile compile queries, or not, by the rows that they read (None: nobody knows); then as it was before.

    Platforms decide for themselves."""
    if on_platform():
        yield
        return
    before = {key: spark.conf.get(key) for key in INTERPRETED}
    _set(spark, INTERPRETED if rows is not None and rows < FEW_ROWS else COMPILED)
    try:
        yield
    finally:
        _set(spark, before)


def rows_of(context: Context, job: Job) -> int | None:
    """At most as many rows the job reads of one table; None where nobody knows."""
    if job.writes.has("file_rows"):
        return _rows_in_files([file[3] for file in context.files])
    counts = [context.history.rows(table) for table in job.watched]
    return None if None in counts else max([count for count in counts if count is not None], default=0)


def _rows_in_files(sizes: Sequence[int]) -> int | None:
    """Nobody knows the size of a table that is a source."""
    return None if any(size <= 0 for size in sizes) else sum(sizes) // RECORD_BYTES


def _set(spark: SparkSession, settings: Mapping[str, str | None]) -> None:
    for key, value in settings.items():
        with suppress(Exception):  # a session may refuse them; and when Spark is gone there is nothing to set
            if value is not None:
                spark.conf.set(key, value)
