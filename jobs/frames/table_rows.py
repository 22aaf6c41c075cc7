"""From the rows of a table that is a source to records, as a file gives them."""

from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from udfs.ingest_files import File
from udfs.ingest_tables import PAYLOADS_SCHEMA, RECORDS_SCHEMA, file_record, make_records, read_payloads


def table_payloads(rows: DataFrame) -> DataFrame:
    """Output columns: payload, payload_digest, drop_reason, detail; one row for each of the table."""
    return rows.mapInArrow(read_payloads, PAYLOADS_SCHEMA)


def table_records(rows: DataFrame, file: File) -> DataFrame:
    """Output columns: RECORDS_SCHEMA, with the table's own row, which counts the others."""
    # Rows of a table have no order: equal ones are told apart by number, and which is which makes no difference.
    equal = Window.partitionBy("payload_digest", "drop_reason", "detail").orderBy(F.lit(1))
    numbered = table_payloads(rows).withColumn("ordinal", F.row_number().over(equal))
    records = numbered.mapInArrow(partial(make_records, file=file), RECORDS_SCHEMA)
    count = rows.agg(F.count(F.lit(1)).alias("file_rows"))
    whole = count.mapInArrow(partial(file_record, file=file), RECORDS_SCHEMA)
    return records.unionByName(whole)
