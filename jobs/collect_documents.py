"""Collect distinct examples.  One output row is one distinct example text, whatever its origin:
{"document_id": "07...", "kind": "text", "text": "...", "origin": "record", "fold_digest": "c1..."}"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.job import Job, NoParams
from schemas.clean_records import CLEAN_RECORDS
from schemas.documents import DOCUMENTS

OF_THE_EXAMPLE = ("document_id", "kind", "text", "messages", "rejected", "num_chars", "fold_digest", "prompt_digest")


def transform(new_clean_records: DataFrame, params: NoParams) -> DataFrame:
    """Input columns: those of clean_records.  Output columns: those of documents, all functions of document_id."""
    examples = new_clean_records.where("document_id IS NOT NULL").select(*OF_THE_EXAMPLE)
    return examples.dropDuplicates(["document_id"]).withColumn("origin", F.lit("record"))


JOB = Job(
    "collect_documents",
    reads=(),
    writes=DOCUMENTS,
    transform=transform,
    each=CLEAN_RECORDS,
    merges=True,
    each_on=("document_id",),
)
