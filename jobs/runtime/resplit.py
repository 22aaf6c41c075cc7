"""`sluice run --resplit`: give up the splits of documents that no published version ever kept."""

from pyspark.sql import DataFrame

from jobs.runtime.tables import Lake
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.splits import SPLITS


def give_up_splits(lake: Lake) -> int:
    """Delete the rows of `splits` that promise nothing to anyone; the run that follows draws them anew.

    What a version of any dataset of the lake has kept stays where it is. Returns the number of rows deleted. A run that
    is killed behind this leaves documents without split: the next one assigns them."""
    if not lake.exists(SPLITS):
        return 0
    free = lake.read(SPLITS).join(ever_kept(lake), "document_id", "left_anti").select("document_id").localCheckpoint()
    count = free.count()
    if count:
        free.createOrReplaceTempView("free_documents")
        lake.spark.sql(
            f"MERGE INTO {lake.name(SPLITS)} s USING free_documents f ON s.document_id = f.document_id "
            "WHEN MATCHED THEN DELETE"
        )
        lake.spark.catalog.dropTempView("free_documents")
    return count


def ever_kept(lake: Lake) -> DataFrame:
    """document_id of every example of every published version; drafts are none."""
    versions = lake.read(DATASET_VERSIONS).select("dataset", "dataset_version")
    examples = lake.read(DATASET_EXAMPLES).select("dataset", "dataset_version", "document_id")
    return examples.join(versions, ["dataset", "dataset_version"], "left_semi").select("document_id").distinct()
