"""Rows as a table takes them: its columns in its order, and the rules that they break."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.errors import SchemaMismatchError
from schemas.table import Table


def conform(table: Table, rows: DataFrame) -> DataFrame:
    """Columns in declared order and type; undeclared ones are an error, absent optional ones null."""
    found = set(rows.columns)  # asks the JVM: once
    extra = found - set(table.columns.names)
    missing = {f.name for f in table.columns if not f.nullable} - found
    if extra or missing:
        raise SchemaMismatchError(
            f"rows for table {table.name} do not fit its declaration: "
            f"undeclared columns {sorted(extra)}, missing required ones {sorted(missing)}. Mend transform or schema."
        )
    return rows.select(
        *[(F.col(f.name) if f.name in found else F.lit(None)).cast(f.dataType).alias(f.name) for f in table.columns]
    )


def mark_rule_breaks(table: Table, rows: DataFrame) -> DataFrame:
    """Rows that break a rule of the table get `rule:NAME` as drop reason, unless they are dropped already."""
    if not (table.drops and table.checks):
        return rows
    broken = [
        F.when(~F.coalesce(F.expr(rule), F.lit(False)), F.lit(f"rule:{name}")) for name, rule in table.checks.items()
    ]
    marked = rows.withColumn("drop_reason", F.coalesce("drop_reason", *broken))
    if table.has("document_id") and "document_id" not in table.key:
        # A dropped record becomes no document: whoever reads documents need not look at reasons.
        return marked.withColumn("document_id", F.when(F.col("drop_reason").isNull(), F.col("document_id")))
    return marked
