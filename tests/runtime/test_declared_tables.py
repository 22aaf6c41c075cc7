"""A table against its declaration: a column it lacks is null in its rows, a required one is an error."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.runtime.errors import SchemaMismatchError
from jobs.runtime.tables import Lake
from schemas.column_types import STRING
from schemas.documents import DOCUMENTS
from schemas.table import Table, column
from tests.conftest import rows

pytestmark = pytest.mark.spark


def without(table: Table, name: str) -> Table:
    """The table as a release before declared it."""
    return replace(table, columns=T.StructType([field for field in table.columns if field.name != name]))


def test_a_column_that_a_table_lacks_is_null_in_its_rows(spark: SparkSession, faq_lake: Path, tmp_path: Path) -> None:
    real = spark.read.format("delta").load(f"{faq_lake}/documents")
    before, declared = Lake(spark, str(tmp_path)), without(DOCUMENTS, "messages")
    before.create(declared)
    before.append(declared, real.drop("messages").orderBy("document_id").limit(5), {})
    old = rows(before.read(declared))
    now = Lake(spark, str(tmp_path))
    assert rows(now.read(DOCUMENTS)) == [row | {"messages": None} for row in old], "who only looks sees null too"
    now.create(DOCUMENTS)
    now.append(DOCUMENTS, real.join(now.read(DOCUMENTS), "document_id", "left_anti"), {})
    stored = spark.read.format("delta").load(f"{tmp_path}/documents")
    assert rows(stored.where("messages IS NULL").drop("messages")) == old
    assert stored.count() == real.count() == len(old) + 4


def test_a_required_column_that_a_table_lacks_ends_the_run(spark: SparkSession, tmp_path: Path) -> None:
    Lake(spark, str(tmp_path)).create(DOCUMENTS)
    needs = column("must", STRING, "what no old row has", required=True)
    with pytest.raises(SchemaMismatchError, match=r"^table documents under .+: must is not there, declared NOT NULL,"):
        Lake(spark, str(tmp_path)).create(replace(DOCUMENTS, columns=T.StructType([*DOCUMENTS.columns, needs])))
