"""Decide which current documents the draft keeps.  One output row is one document, kept or dropped with its reason:
{"dataset": "faq", "dataset_version": 2, "document_id": "9f...", "split": "train", "drop_reason": "duplicate",
 "partner_id": "07...", "record_ids": ["1c..."]}

First broken rows, conflicts and what is linked to a kept document of a higher split; then one survivor a group.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pydantic import BaseModel, field_validator
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.frames.links import leak_threshold
from jobs.frames.matches import match_pairs
from jobs.frames.split_order import rank_of
from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.model_places import same_from
from jobs.runtime.source import Source
from schemas.clean_records import CLEAN_RECORDS
from schemas.documents import DOCUMENTS
from schemas.duplicate_groups import DUPLICATE_GROUPS
from schemas.duplicate_matches import DUPLICATE_MATCHES
from schemas.labels import LABELS
from schemas.leaks import LEAKS
from schemas.selections import SELECTIONS
from schemas.splits import SPLITS

ORDERS = ("source", "longest", "shortest", "newest")
KEPT = "drop_reason IS NULL"
DROP_PARTS = ("reason", "value", "threshold")


class Params(BaseModel, frozen=True, extra="forbid"):
    """order: who survives in a duplicate group, first difference decides: source (the order of the recipe's sources),
    longest, shortest, newest (greatest revision); then newest and the smallest document_id."""

    sources: tuple[Source, ...] = ()
    order: tuple[str, ...] = ("source", "longest")

    @field_validator("order")
    @classmethod
    def _orders_exist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in ORDERS]
        if unknown:
            raise ValueError(f"unknown order {unknown[0]}; known: {', '.join(ORDERS)}")
        return value


def transform(
    clean_records: DataFrame,
    documents: DataFrame,
    labels: DataFrame,
    duplicate_matches: DataFrame,
    duplicate_groups: DataFrame,
    leaks: DataFrame,
    splits: DataFrame,
    limits: dict[str, float],
    params: Params,
) -> DataFrame:
    """Output columns: those of selections but dataset and dataset_version; one row for every current document.

    limits: similarity from which documents are `duplicate`, and linked by a `match` or by `shingles`."""
    described = (
        origins(clean_records, params)
        .join(documents.select("document_id", "num_chars"), "document_id")
        .join(splits, "document_id")
        .join(duplicate_groups.select("document_id", "group_id"), "document_id")
        .join(labels.select("document_id", "label", "labels", "label_source", *renamed_label_drops()), "document_id")
        .transform(early_drops)
    )
    # One split after the other reads both several times; links across splits are few.
    pairs = cross_pairs(duplicate_matches, leaks, splits).localCheckpoint()
    decided = survivors(described, params) if pairs.isEmpty() else by_split(described.localCheckpoint(), pairs, params)
    found = set(decided.columns)
    return with_limits(decided, limits).select(*[name for name in SELECTIONS.columns.names if name in found])


def with_limits(decided: DataFrame, limits: dict[str, float]) -> DataFrame:
    """The threshold that a duplicate or a linked document reached; equal texts and declared keys know none."""
    is_linked = F.col("drop_reason") == "cross_split"
    by = F.when(is_linked, F.split_part("drop_value", F.lit(" "), F.lit(1))).otherwise(F.col("drop_reason"))
    reached = [F.when(by == found, F.lit(f"{limit:g}")) for found, limit in limits.items()]
    return decided.withColumn("drop_threshold", F.coalesce("drop_threshold", *reached))


def renamed_label_drops() -> list[Column]:
    """The drop columns of labels under names of their own: splits has drop columns too."""
    return [F.col(f"drop_{part}").alias(f"label_{part}") for part in DROP_PARTS]


def origins(clean_records: DataFrame, params: Params) -> DataFrame:
    """Where each document comes from: sources, licences, records, language, newest revision, best source."""
    priority = F.array_position(F.array(*[F.lit(source.name) for source in params.sources]), F.col("source"))
    records = clean_records.where("document_id IS NOT NULL")
    return records.groupBy("document_id").agg(
        F.array_sort(F.collect_set("source")).alias("sources"),
        F.array_sort(F.collect_set("license")).alias("licenses"),
        F.array_sort(F.collect_set("record_id")).alias("record_ids"),
        F.min_by("language", "record_id").alias("language"),
        F.max("revision").alias("revision"),
        F.min(priority).alias("priority"),
    )


def early_drops(documents: DataFrame) -> DataFrame:
    """What is dropped whatever else there is: labels in conflict, then what the splits set aside."""
    return documents.select(
        *[name for name in documents.columns if not name.startswith(("drop_", "label_")) or name == "label_source"],
        *[F.coalesce(f"label_{part}", f"drop_{part}").alias(f"drop_{part}") for part in DROP_PARTS],
        F.lit(None).cast("string").alias("partner_id"),
    )


def cross_pairs(duplicate_matches: DataFrame, leaks: DataFrame, splits: DataFrame) -> DataFrame:
    """Columns lower_id, higher_id, found: links between current documents of two splits, by match or by the check."""
    split = splits.select("document_id", "split")
    other = splits.select(F.col("document_id").alias("other_id"), F.col("split").alias("other_split"))
    known = (
        match_pairs(duplicate_matches).join(split, "document_id").join(other, "other_id").where("split <> other_split")
    )
    is_lower = rank_of(F.col("split")) < rank_of(F.col("other_split"))
    matched = known.select(
        F.when(is_lower, F.col("document_id")).otherwise(F.col("other_id")).alias("lower_id"),
        F.when(is_lower, F.col("other_id")).otherwise(F.col("document_id")).alias("higher_id"),
        F.concat_ws(" ", F.when(F.col("method") == "semantic", "semantic").otherwise("match"), "similarity").alias(
            "found"
        ),
    )
    checked = leaks.select(
        F.col("document_id").alias("lower_id"),
        F.col("other_id").alias("higher_id"),
        F.concat_ws(" ", F.col("method"), F.col("similarity")).alias("found"),
    )
    return matched.union(checked)


def by_split(documents: DataFrame, pairs: DataFrame, params: Params) -> DataFrame:
    """Test decides first, then val, then train: the lower end of a pair goes when the higher one is kept."""
    test = documents.where("split = 'test'").transform(survivors, params)
    val = documents.where("split = 'val'").transform(drop_linked, pairs, test).transform(survivors, params)
    higher = test.unionByName(val)
    train = documents.where("split = 'train'").transform(drop_linked, pairs, higher).transform(survivors, params)
    return reduce(DataFrame.unionByName, (test, val, train))


def drop_linked(documents: DataFrame, pairs: DataFrame, decided: DataFrame) -> DataFrame:
    """Drop what is linked to a kept document of a higher split; the smallest such document is the partner."""
    kept = decided.where(KEPT).select(F.col("document_id").alias("higher_id"))
    best = pairs.join(kept, "higher_id", "left_semi").groupBy(F.col("lower_id").alias("document_id"))
    linked = best.agg(F.min(F.struct("higher_id", "found")).alias("link"))
    is_linked = F.col("drop_reason").isNull() & F.col("link").isNotNull()
    marks = {
        "drop_value": F.when(is_linked, F.col("link.found")).otherwise(F.col("drop_value")),
        "partner_id": F.when(is_linked, F.col("link.higher_id")).otherwise(F.col("partner_id")),
        "drop_reason": F.when(is_linked, F.lit("cross_split")).otherwise(F.col("drop_reason")),
    }
    return documents.join(linked, "document_id", "left").withColumns(marks).drop("link")


def survivors(documents: DataFrame, params: Params) -> DataFrame:
    """Keep the first of each duplicate group by the recipe's order; the others name it as their partner."""
    is_left = F.col("drop_reason").isNull()
    group = Window.partitionBy("group_id", is_left)
    first = F.first("document_id").over(group.orderBy(*[key.asc() for key in sort_keys(params)]))
    is_duplicate = is_left & (F.col("first_id") != F.col("document_id"))
    marks = {
        "drop_value": F.when(is_duplicate, F.col("group_id")).otherwise(F.col("drop_value")),
        "partner_id": F.when(is_duplicate, F.col("first_id")).otherwise(F.col("partner_id")),
        "drop_reason": F.when(is_duplicate, F.lit("duplicate")).otherwise(F.col("drop_reason")),
    }
    return documents.withColumn("first_id", first).withColumns(marks).drop("first_id")


def sort_keys(params: Params) -> list[Column]:
    """Ascending sort keys of the recipe's order, ended by a total one."""
    keys = {
        "source": F.col("priority"),
        "longest": -F.col("num_chars"),
        "shortest": F.col("num_chars"),
        "newest": -F.col("revision"),
    }
    return [*[keys[name] for name in params.order], keys["newest"], F.col("document_id")]


def external(context: Context) -> dict[str, Any]:
    """The similarities from which documents are duplicates, and linked across splits by a match or by the check."""
    params: Mapping[str, Any] = context.recipe.params
    limits = {"duplicate": params["group_duplicates"].threshold, "match": params["match_duplicates"].threshold}
    cosine = same_from(params)
    return {"limits": limits | {"shingles": leak_threshold(params)} | ({"semantic": cosine} if cosine else {})}


JOB = Job(
    "select_examples",
    reads=(CLEAN_RECORDS, DOCUMENTS, LABELS, DUPLICATE_MATCHES, DUPLICATE_GROUPS, LEAKS, SPLITS),
    writes=SELECTIONS,
    params=Params,
    transform=transform,
    external=external,
    iterative=True,
)
