"""SQL views over a lake: every table by its name, then the views of schemas/sql."""

from importlib.resources import files

from pyspark.sql import DataFrame

from jobs.pipeline import PIPELINE
from jobs.runtime.tables import Lake
from schemas.job_runs import JOB_RUNS
from schemas.leases import LEASES
from schemas.table import Table

TABLES: tuple[Table, ...] = (*dict.fromkeys(job.writes for job in PIPELINE), JOB_RUNS, LEASES)

# In this order: later views read earlier ones.
VIEWS = (
    "fingerprints",
    "current_records",
    "current_labels",
    "current_examples",
    "split_sizes",
    "quarantine",
    "outcomes",
    "decisions",
)


def register(lake: Lake) -> None:
    """Register the lake's tables and views for this session; a table that is not there yet is empty."""
    for table in TABLES:
        lake.read(table).createOrReplaceTempView(table.name)
    for name in VIEWS:
        lake.spark.sql(f"CREATE OR REPLACE TEMP VIEW {name} AS {view_sql(name)}")


def view_sql(name: str) -> str:
    """The text of one view."""
    return files("schemas").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def query(lake: Lake, statement: str) -> DataFrame:
    """A query over the lake's tables and views."""
    register(lake)
    return lake.spark.sql(statement)
