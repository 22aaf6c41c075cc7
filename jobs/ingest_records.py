"""Take the records of listed files as received.  One output row is one revision of one source record:
{"record_id": "9f...", "revision": 3, "source": "faq", "path": "raw/faq.csv", "position": 12, "payload": "{...}"}"""

from pydantic import BaseModel, Field
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.runtime.job import Job
from jobs.runtime.recipe import Source
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES
from udfs.ingest_files import RECORDS_SCHEMA, File, ingest_files

# Files of which not every row was seen: what is missing from them has not vanished.
UNREAD = ("truncated_file", "unreadable_file", "wrong_encoding", "bad_header")
CONTESTED = "another row of the batch has the same key"


class Params(BaseModel, frozen=True, extra="forbid"):
    """sources: the recipe's sources.  read_tasks: how many tasks share the files of a batch."""

    sources: tuple[Source, ...] = ()
    read_tasks: int = Field(default=8, ge=1)


def transform(new_source_files: DataFrame, raw_records: DataFrame, params: Params) -> DataFrame:
    """Input columns of raw_records: those of the table.  Output columns: those of raw_records."""
    listed = new_source_files.select(*File._fields).repartition(params.read_tasks, "path")
    read = listed.mapInArrow(ingest_files, RECORDS_SCHEMA)
    known = raw_records.where(F.col("source").isin([source.name for source in params.sources]))
    records = read.transform(settle_keys).transform(keep_news, known)
    if all(source.on_vanish == "keep" for source in params.sources):
        return records
    return records.unionByName(vanished_records(new_source_files, known, params), allowMissingColumns=True)


def settle_keys(read: DataFrame) -> DataFrame:
    """Of several rows with one id in a batch the greatest order_by stays; where it does not decide, all are set aside
    under the ids of their content, and the record keeps what it had. Equal rows are one."""
    same_id = Window.partitionBy("record_id")
    number, text = F.expr("try_cast(order_value AS DOUBLE)"), F.col("order_value")
    order = F.struct(number.alias("number"), text.alias("text"))
    greatest = read.withColumn("_top", F.max(order).over(same_id)).where(F.col("_top").eqNullSafe(order))
    first = Window.partitionBy("record_id", "payload_digest").orderBy("path", "position")
    distinct = greatest.withColumn("_first", F.row_number().over(first)).where("_first = 1")
    settled = distinct.withColumn("_contested", F.size(F.collect_set("payload_digest").over(same_id)) > 1)
    set_aside = {
        "record_id": F.col("content_id"),
        "payload": F.lit(None).cast("string"),
        "detail": F.lit(CONTESTED),
        "drop_reason": F.lit("duplicate_key"),
    }
    chosen = {name: F.when(F.col("_contested"), value).otherwise(F.col(name)) for name, value in set_aside.items()}
    return settled.withColumns(chosen).select(*[name for name in RAW_RECORDS.columns.names if name in read.columns])


def keep_news(records: DataFrame, raw_records: DataFrame) -> DataFrame:
    """Rows whose payload differs from the newest of their record; a file's own row always stays."""
    newest = raw_records.groupBy("record_id").agg(
        F.max_by(F.struct("payload_digest", "drop_reason"), "revision").alias("_known")
    )
    compared = records.join(newest, "record_id", "left")
    found = F.struct("payload_digest", "drop_reason")
    is_known = F.col("_known").isNotNull() & F.col("_known").eqNullSafe(found)
    return compared.where(F.col("file_rows").isNotNull() | ~is_known).drop("_known")


def vanished_records(new_source_files: DataFrame, raw_records: DataFrame, params: Params) -> DataFrame:
    """A revision without payload for every record that left a source with on_vanish: drop. Such a source is listed
    whole when it changes; where one of its files fails, nothing is taken for vanished."""
    whole = new_source_files.where("on_vanish = 'drop'")
    unsure = F.col("file_rows").isNotNull() & F.col("drop_reason").isin(*UNREAD)
    read = whole.select(*File._fields).repartition(params.read_tasks, "path").mapInArrow(ingest_files, RECORDS_SCHEMA)
    files = read.groupBy("source").agg(
        F.max("revision").alias("_batch"),
        F.bool_or(unsure).alias("_failed"),
    )
    live = (
        raw_records.where("file_rows IS NULL")
        .groupBy("source", "record_id")
        .agg(F.max_by(F.struct("payload", "drop_reason"), "revision").alias("_known"))
    )
    known = live.where("_known.payload IS NOT NULL").join(files.where("NOT _failed"), "source")
    return known.join(read, ["source", "record_id"], "left_anti").select(
        "record_id", F.col("_batch").alias("revision"), "source"
    )


JOB = Job(
    "ingest_records",
    reads=(RAW_RECORDS,),
    writes=RAW_RECORDS,
    params=Params,
    transform=transform,
    each=SOURCE_FILES,
    each_on=("source", "path", "revision"),
    lake=(RAW_RECORDS,),
)
