"""Take the records of listed files as received.  One output row is one revision of one source record:
{"record_id": "9f...", "revision": 3, "source": "faq", "path": "raw/faq.csv", "position": 12, "payload": "{...}"}"""

from functools import reduce
from typing import Any

from pydantic import BaseModel
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.file_rows import read_records, without_superseded
from jobs.frames.table_rows import table_records
from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.mapped_fields import require_keys
from jobs.runtime.params import Count
from jobs.runtime.source import Source
from jobs.runtime.source_tables import open_tables
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES

# Files of which not every row was seen: what is missing from them has not vanished.
UNREAD = ("truncated_file", "unreadable_file", "wrong_encoding", "bad_header")
CONTESTED = "another row of the batch has the same key"


class Params(BaseModel, frozen=True, extra="forbid"):
    """sources: the recipe's sources.  tasks: how many share the files of a batch."""

    sources: tuple[Source, ...] = ()
    tasks: Count = 8


def transform(
    new_source_files: DataFrame, raw_records: DataFrame, params: Params, table_rows: DataFrame | None = None
) -> DataFrame:
    """Input columns of raw_records: those of the table; of table_rows: RECORDS_SCHEMA, the rows of tables among the
    files.  Output columns: those of raw_records."""
    listed = new_source_files.transform(without_superseded)
    read = _all_rows(listed, table_rows, params.tasks)
    known = raw_records.where(F.col("source").isin([source.name for source in params.sources]))
    records = read.transform(settle_keys).transform(keep_news, known)
    dropping = [source.name for source in params.sources if source.on_vanish == "drop"]
    if not dropping:
        return records
    whole = listed.where((F.col("on_vanish") == "drop") & F.col("source").isin(dropping))
    of_tables = table_rows.where(F.col("source").isin(dropping)) if table_rows is not None else None
    vanished = vanished_records(_all_rows(whole, of_tables, params.tasks), known)
    return records.unionByName(vanished, allowMissingColumns=True)


def _all_rows(files: DataFrame, table_rows: DataFrame | None, tasks: int) -> DataFrame:
    """Rows of files, which Spark's workers open, and of tables, which Spark reads itself."""
    rows = files.transform(read_records, tasks)
    return rows.unionByName(table_rows) if table_rows is not None else rows


def settle_keys(read: DataFrame) -> DataFrame:
    """Of several rows with one id in a batch the greatest order_by stays; where it does not decide, all are set aside
    under the ids of their content, and the record keeps what it had. Equal rows are one."""
    same_id = Window.partitionBy("record_id", "revision")
    order = _order("order_value")
    greatest = read.withColumn("_top", F.max(order).over(same_id)).where(F.col("_top").eqNullSafe(order))
    first = Window.partitionBy("record_id", "revision", "payload_digest").orderBy("path", "position")
    distinct = greatest.withColumn("_first", F.row_number().over(first)).where("_first = 1")
    settled = distinct.withColumn("_contested", F.size(F.collect_set("payload_digest").over(same_id)) > 1)
    set_aside = {
        "record_id": F.col("content_id"),
        "payload": F.lit(None).cast("string"),
        "detail": F.lit(CONTESTED),
        "drop_reason": F.lit("duplicate_key"),
    }
    chosen = {name: F.when(F.col("_contested"), value).otherwise(F.col(name)) for name, value in set_aside.items()}
    found = set(read.columns)
    return settled.withColumns(chosen).select(*[name for name in RAW_RECORDS.columns.names if name in found])


def _order(name: str) -> Column:
    """Numbers by value, exactly (a double cannot tell nanoseconds apart); texts after absent values, before numbers."""
    number = F.expr(f"try_cast({name} AS DOUBLE)")
    exact = F.expr(f"try_cast({name} AS DECIMAL(38, 12))")
    return F.struct(number, exact, F.when(number.isNull(), F.col(name)))


def keep_news(records: DataFrame, raw_records: DataFrame) -> DataFrame:
    """Rows whose payload differs from the one before of their record. A file's own row always stays, and what is set
    aside too: it stands as long as the newest reading of its file has it (schemas/sql/quarantine.sql)."""
    newest = raw_records.groupBy("record_id").agg(
        F.max_by(F.struct("payload_digest", "drop_reason"), "revision").alias("_known")
    )
    found = F.struct("payload_digest", "drop_reason")
    # Two listings may wait for one run: then the row before is one of this batch.
    in_order = Window.partitionBy("record_id").orderBy("revision")
    compared = records.join(newest, "record_id", "left").withColumn("_before", F.lag(found).over(in_order))
    before = F.coalesce("_before", "_known")
    is_known = before.isNotNull() & before.eqNullSafe(found)
    stays = F.col("file_rows").isNotNull() | F.col("drop_reason").isNotNull()
    return compared.where(stays | ~is_known).drop("_known", "_before")


def vanished_records(read: DataFrame, raw_records: DataFrame) -> DataFrame:
    """A revision without payload for every record that is not in its source, which was read whole. Where one of its
    files failed, nothing is taken for vanished; nor what was last seen in a file with rows that nobody could read."""
    unsure = F.coalesce(F.col("file_rows").isNotNull() & F.col("drop_reason").isin(*UNREAD), F.lit(False))
    sources = read.groupBy("source").agg(F.max("revision").alias("_batch"), F.bool_or(unsure).alias("_failed"))
    unread = read.where("file_rows IS NULL AND payload IS NULL").select("source", "path").distinct()
    last = F.max_by(F.struct("path", "payload_digest", "drop_reason"), "revision").alias("last")
    newest = raw_records.where("file_rows IS NULL").groupBy("source", "record_id").agg(last)
    held = newest.where("last.payload_digest IS NOT NULL AND last.drop_reason IS NULL")
    live = held.select("source", "record_id", "last.path")
    known = live.join(sources.where("NOT _failed"), "source").join(unread, ["source", "path"], "left_anti")
    gone = known.join(read, ["source", "record_id"], "left_anti")
    return gone.select("record_id", F.col("_batch").alias("revision"), "source")


def external(context: Context) -> dict[str, Any]:
    """Rows of the tables among the files; ConfigError where a key or order_by names a column that no record has."""
    files = context.scope.pending(JOB, SOURCE_FILES).transform(without_superseded)
    tables = open_tables(context.lake.spark, context.recipe.sources, files)
    require_keys(context.scope, files, tables)
    records = [rows.transform(table_records, file) for file, rows in tables]
    return {"table_rows": reduce(DataFrame.unionByName, records)} if records else {}


JOB = Job(
    "ingest_records",
    reads=(RAW_RECORDS,),
    writes=RAW_RECORDS,
    params=Params,
    transform=transform,
    each=SOURCE_FILES,
    each_on=("source", "path", "revision"),
    lake=(RAW_RECORDS,),
    external=external,
)
