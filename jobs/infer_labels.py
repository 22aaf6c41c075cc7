"""Settle the label of every current document.  One output row is the label of one document:
{"dataset": "reviews_zh", "document_id": "9f...", "label": "1", "labels": ["1"], "label_source": "gold"}

One text received with different labels is one document: the majority label where there is one, else it is dropped.
"""

from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.context import Context
from jobs.runtime.job import Job
from schemas.clean_records import CLEAN_RECORDS
from schemas.labels import LABELS


class Params(BaseModel, frozen=True, extra="forbid"):
    """multi_label: true keeps every label that most of a text's records bring; false settles on one, and two labels
    that most of them bring are a conflict; null is true where a source maps `labels`."""

    multi_label: bool | None = None


def transform(clean_records: DataFrame, multi_label: bool, params: Params) -> DataFrame:
    """Input columns: document_id, record_id, labels.  Output columns: those of labels but dataset.

    multi_label: whether a text may have several."""
    records = clean_records.where("document_id IS NOT NULL").select("document_id", "record_id", "labels")
    labelled = records.groupBy("document_id").agg(F.count_if(F.size("labels") > 0).alias("num_records"))
    brought = records.select("document_id", F.explode("labels").alias("label"))
    counts = brought.groupBy("document_id", "label").agg(F.count(F.lit(1)).alias("count"))
    per_document = counts.groupBy("document_id").agg(F.collect_list(F.struct("label", "count")).alias("counts"))
    return labelled.join(per_document, "document_id", "left").transform(settle, multi_label)


def settle(documents: DataFrame, multi_label: bool) -> DataFrame:
    """A label has the majority when more than half of the labelled records bring it."""
    counts = F.coalesce("counts", F.array().cast("array<struct<label: string, count: bigint>>"))
    winners = F.filter(counts, lambda c: c["count"] * 2 > F.col("num_records"))
    agreed = F.array_sort(F.transform(winners, lambda c: c["label"]))
    brought = F.array_sort(F.transform(counts, lambda c: c["label"]))
    unlabelled = F.size(counts) == 0
    settled = (F.size(agreed) > 0) if multi_label else (F.size(agreed) == 1)
    conflict = ~unlabelled & ~settled
    shares = F.map_from_entries(
        F.transform(F.array_sort(counts), lambda c: F.struct(c["label"], F.round(c["count"] / F.col("num_records"), 6)))
    )
    return documents.select(
        "document_id",
        F.when(settled & ~F.lit(multi_label), F.element_at(agreed, 1)).alias("label"),
        F.when(conflict, brought).otherwise(agreed).alias("labels"),
        F.when(~unlabelled, shares).alias("label_probabilities"),
        F.when(~unlabelled, F.lit("gold")).alias("label_source"),
        F.col("num_records").cast("bigint").alias("num_records"),
        F.when(conflict, "label_conflict").alias("drop_reason"),
        F.when(conflict, F.array_join(brought, ", ")).alias("drop_value"),
        F.when(conflict, F.lit("more than half of the records")).alias("drop_threshold"),
    )


def external(context: Context) -> dict[str, Any]:
    """Whether a text may have several labels: as the recipe says, else as its sources bring them."""
    wanted = context.recipe.params["infer_labels"].model_dump()["multi_label"]
    brought = any("labels" in source.fields for source in context.recipe.sources)
    return {"multi_label": brought if wanted is None else wanted}


JOB = Job("infer_labels", reads=(CLEAN_RECORDS,), writes=LABELS, params=Params, transform=transform, external=external)
