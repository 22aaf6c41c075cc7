"""From listed files to their rows."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from udfs.ingest_files import RECORDS_SCHEMA, File, ingest_files


def without_superseded(new_source_files: DataFrame) -> DataFrame:
    """A listing that no run read before a newer one of the same file came is not read: its bytes are gone."""
    last = F.max("revision").over(Window.partitionBy("source", "path"))
    return new_source_files.withColumn("uri", F.when(F.col("revision") == last, F.col("uri")))


def read_records(source_files: DataFrame, tasks: int | None = None) -> DataFrame:
    """The rows of the files, then a row for each file. Those of tables come by another way (table_rows.py)."""
    # A table that vanished, or that a newer listing has overtaken, is a row like a file's.
    files = source_files.where("format <> 'delta' OR uri IS NULL").select(*File._fields)
    shared = files.repartition(tasks, "path") if tasks else files
    return shared.mapInArrow(ingest_files, RECORDS_SCHEMA)
