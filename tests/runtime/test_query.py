"""`sluice sql` only reads, and prints what is in the data as it is."""

import pytest
from pyspark.sql import SparkSession

from jobs.runtime.console import console, split_grid
from jobs.runtime.errors import ConfigError
from jobs.runtime.results import print_rows
from jobs.runtime.tables import Lake
from jobs.runtime.views import TABLES, VIEWS, names_in, query
from tests.grown_lake import GrownLake

pytestmark = pytest.mark.spark

WRITES = [
    "DELETE FROM {splits}",
    "WITH a AS (SELECT 1) DELETE FROM {splits}",
    "WITH a AS (SELECT 1) UPDATE {splits} SET split = 'train'",
    "WITH a AS (SELECT * FROM splits) INSERT INTO {splits} SELECT * FROM a",
    "FROM splits INSERT INTO {splits} SELECT *",
    "FROM splits INSERT INTO {splits} SELECT * INSERT INTO {splits} SELECT *",
    "WITH a AS (SELECT * FROM splits) MERGE INTO {splits} s USING a ON s.document_id = a.document_id "
    "WHEN MATCHED THEN DELETE",
    "SELECT 1) UNION (SELECT 2; DELETE FROM {splits}",
]


@pytest.mark.parametrize("statement", WRITES)
def test_what_writes_is_refused(grown_lake: GrownLake, statement: str) -> None:
    before = grown_lake.ask("SELECT * FROM splits ORDER BY document_id")
    with pytest.raises(ConfigError):
        query(grown_lake.lake, statement.format(splits=f"delta.`{grown_lake.lake.location}/splits`"))
    assert grown_lake.ask("SELECT * FROM splits ORDER BY document_id") == before


READS = {
    "SELECT 'insert into x' AS said -- a comment": [("insert into x",)],
    "WITH a AS (SELECT 'DELETE FROM' AS said) SELECT * FROM a;": [("DELETE FROM",)],
    "FROM (SELECT 1 AS a UNION ALL SELECT 2) SELECT a ORDER BY a DESC": [(2,), (1,)],
    "VALUES (1), (2)": [(1,), (2,)],
    "(SELECT 1) UNION ALL (SELECT 2)": [(1,), (2,)],
}


@pytest.mark.parametrize("statement", list(READS))
def test_what_reads_passes(grown_lake: GrownLake, statement: str) -> None:
    assert [tuple(row) for row in query(grown_lake.lake, statement).collect()] == READS[statement]


def test_brackets_in_data_are_no_markup(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("weird [/INST] text",), ("see [source] here",)], "`[a-z]+` string")
    with console.capture() as shown:
        print_rows(frame, "table")
        console.print(split_grid({"train": 2}, {"train/[/INST]": 1, "train/[pos]": 1}))
    for said in ("[a-z]+", "weird [/INST] text", "see [source] here", "label [/INST]", "label [pos]"):
        assert said in shown.get()


def test_a_query_opens_what_it_reads_and_no_more(spark: SparkSession, grown_lake: GrownLake) -> None:
    needed = names_in("SELECT * FROM Split_Sizes")
    assert needed - {"labels"} == {"split_sizes", "dataset_examples", "dataset_versions"}  # labels is a column, too
    assert names_in("SELECT 1 AS documented") == set()
    for name in (*VIEWS, *(table.name for table in TABLES)):  # each in a session that knows no other name
        query(Lake(spark.newSession(), grown_lake.lake.location), f"SELECT * FROM `{name}` LIMIT 1")
