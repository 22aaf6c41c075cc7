"""Write the examples of a version.  One output row is one example of one version:
{"dataset": "faq", "dataset_version": 2, "split": "train", "document_id": "9f...", "text": "...", "label": "1"}"""

from pyspark.sql import DataFrame

from jobs.runtime.job import Job, NoParams
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.documents import DOCUMENTS
from schemas.labels import LABELS
from schemas.selections import SELECTIONS


def transform(selections: DataFrame, documents: DataFrame, labels: DataFrame, params: NoParams) -> DataFrame:
    """Output columns: those of dataset_examples but dataset and dataset_version; those of later jobs are null."""
    kept = selections.where("drop_reason IS NULL").select(
        "document_id",
        "split",
        "leak_group_id",
        "label",
        "labels",
        "label_source",
        "language",
        "sources",
        "licenses",
        "record_ids",
    )
    texts = documents.select("document_id", "text", "messages", "rejected", "origin")
    probabilities = labels.select("document_id", "label_probabilities")
    examples = kept.join(texts, "document_id").join(probabilities, "document_id", "left")
    # One file a split where it is small; a great one is spread over tasks.
    return examples.hint("rebalance", "split")


JOB = Job("write_dataset", reads=(SELECTIONS, DOCUMENTS, LABELS), writes=DATASET_EXAMPLES, transform=transform)
