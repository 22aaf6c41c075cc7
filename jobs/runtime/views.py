"""SQL views over a lake: every table by its name, then the views of schemas/sql."""

import re
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame

from jobs.pipeline import PIPELINE
from jobs.runtime.catalogs import quoted
from jobs.runtime.errors import ConfigError
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
    "current_scores",
    "current_clusters",
    "score_extremes",
    "current_examples",
    "split_sizes",
    "quarantine",
    "outcomes",
    "decisions",
)

# Statements that read. Tables change only by jobs: an UPDATE here would break what versions promise.
QUERIES = ("SELECT", "WITH", "FROM", "VALUES", "TABLE")
TELLING = ("DESCRIBE", "DESC", "SHOW", "EXPLAIN")


def register(lake: Lake, statement: str | None = None) -> None:
    """Register the lake's tables and views for this session; a table that is not there yet is empty.

    statement: register only what it names, and what that reads: each costs time, and most queries need few."""
    wanted = names_in(statement) if statement is not None else {*VIEWS, *(table.name for table in TABLES)}
    tables = [table for table in TABLES if table.name in wanted]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lake.exists, tables))
    for table in tables:
        lake.read(table).createOrReplaceTempView(table.name)
    for name in VIEWS:
        if name in wanted:
            lake.spark.sql(f"CREATE OR REPLACE TEMP VIEW {name} AS {view_sql(name)}")


def persist(lake: Lake) -> None:
    """Make the views in the schema of a catalog lake, for everyone who queries it; those whose tables are all there."""
    schema = quoted(lake.location)
    for name in VIEWS:
        if all(lake.exists(table) for table in TABLES if table.name in names_in(view_sql(name))):
            lake.spark.sql(f"CREATE OR REPLACE VIEW {schema}.{name} AS {_in_schema(name, schema)}")


def _in_schema(name: str, schema: str) -> str:
    """A view's text with the schema before each table: a session's temporary views may have the same names."""
    known = "|".join((*VIEWS, *(table.name for table in TABLES)))
    return re.sub(rf"\b(FROM|JOIN) ({known})\b", rf"\1 {schema}.\2", view_sql(name))


def names_in(statement: str) -> set[str]:
    """The tables and views that a statement may read, with those that its views read."""
    known = {*VIEWS, *(table.name for table in TABLES)}
    wanted: set[str] = set()
    unread = [statement]
    while unread:
        found = known.intersection(re.findall(r"\w+", unread.pop().lower())) - wanted
        wanted |= found
        unread += [view_sql(name) for name in found.intersection(VIEWS)]
    return wanted


def view_sql(name: str) -> str:
    """The text of one view."""
    return files("schemas").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def query(lake: Lake, statement: str) -> DataFrame:
    """A query over the lake's tables and views; ConfigError where it is not one."""
    first = re.match(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(\w*)", statement, re.DOTALL)
    word = first[1].upper() if first else ""
    if word not in (*QUERIES, *TELLING):
        raise ConfigError(f"sluice sql only reads: expected SELECT or WITH, found {word or 'nothing'}")
    register(lake, statement if word in QUERIES else None)
    try:
        if word in QUERIES:  # WITH and FROM also begin statements that write: those stand in no subquery
            lake.spark.sql(f"SELECT * FROM (\n{statement.rstrip().rstrip(';')}\n)")
        return lake.spark.sql(statement)
    except AnalysisException as error:
        raise ConfigError(f"the query cannot be understood: {str(error).strip()}\n{_names()}") from None


def _names() -> str:
    return f"views: {', '.join(VIEWS)}; tables: {', '.join(table.name for table in TABLES)}"
