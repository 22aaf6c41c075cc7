"""Publish a version: its manifest row is the commit.  One output row is one published version:
{"dataset": "faq", "dataset_version": 2, "content_digest": "c0...", "split_counts": {"train": 900, "test": 50}}"""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.frames.digests import frame_digest
from jobs.runtime.context import Context
from jobs.runtime.fingerprints import flat
from jobs.runtime.job import Job
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.gate_results import GATE_RESULTS
from schemas.source_files import SOURCE_FILES

FLOATS = ("label_probabilities", "scores", "weight")
CONTENT = [name for name in DATASET_EXAMPLES.columns.names if name not in ("dataset", "dataset_version", *FLOATS)]


class Params(BaseModel, frozen=True, extra="forbid"):
    """name: a name for the version, beside its number."""

    name: str | None = None


def transform(
    dataset_examples: DataFrame, gate_results: DataFrame, source_files: DataFrame, facts: dict[str, Any], params: Params
) -> DataFrame:
    """Output columns: those of dataset_versions but dataset and dataset_version; one row."""
    counted = dataset_examples.agg(
        frame_digest(CONTENT).alias("content_digest"), F.count(F.lit(1)).alias("num_examples")
    )
    for name, key in (
        ("split_counts", F.col("split")),
        ("label_counts", F.explode(F.transform(labels_of(), lambda label: F.concat_ws("/", "split", label)))),
        ("language_counts", F.concat_ws("/", "split", F.coalesce("language", F.lit("und")))),
    ):
        counted = counted.crossJoin(counts_by(dataset_examples, key, name))
    revisions = source_files.groupBy("source").agg(F.max("revision").alias("revision"))
    sources = revisions.agg(
        F.map_from_entries(F.array_sort(F.collect_list(F.struct("source", "revision")))).alias("sources"),
        F.max("revision").alias("max_revision"),
    )
    gates = gate_results.agg(
        F.max("draft").alias("draft"),
        F.map_from_entries(F.array_sort(F.collect_list(F.struct("gate", "detail")))).alias("gates"),
    )
    return counted.crossJoin(sources).crossJoin(gates).withColumns(_literals(facts, params))


def labels_of() -> Column:
    """Array of the labels of each example, in which `unlabelled` stands for none."""
    return F.when(F.size("labels") > 0, F.col("labels")).otherwise(F.array(F.lit("unlabelled")))


def counts_by(examples: DataFrame, key: Column, name: str) -> DataFrame:
    """One row with a map: key -> examples."""
    counts = examples.select(key.alias("key")).groupBy("key").agg(F.count(F.lit(1)).alias("count"))
    return counts.agg(F.map_from_entries(F.array_sort(F.collect_list(F.struct("key", "count")))).alias(name))


def _literals(facts: dict[str, Any], params: Params) -> dict[str, Column]:
    columns: dict[str, Column] = {"name": F.lit(params.name)}
    for name, value in facts.items():
        columns[name] = _map(value) if isinstance(value, dict) else F.lit(value)
    return columns


def _map(values: dict[str, Any]) -> Column:
    return F.create_map(*[F.lit(part) for item in sorted(values.items()) for part in item])


def external(context: Context) -> dict[str, Any]:
    """What the run knows: when, which code and recipe, which fingerprints and table versions."""
    fingerprints: dict[str, str] = {}
    for job, value in context.scope.fingerprints.items():
        fingerprints |= {job: flat(value)}
        fingerprints |= {f"{job}/{source}": one for source, one in value.items()} if isinstance(value, dict) else {}
    heads = {job.writes.name: context.history.head(job.writes) for job in context.jobs}
    facts = {
        "published_at": datetime.now(UTC),
        "fingerprints": fingerprints,
        "table_versions": {name: head for name, head in heads.items() if head is not None},
        "recipe_digest": context.recipe.digest(),
        "recipe": context.recipe.as_json(),
        "code_version": context.code_version,
    }
    return {"facts": facts}


JOB = Job(
    "publish_dataset",
    reads=(DATASET_EXAMPLES, GATE_RESULTS, SOURCE_FILES),
    writes=DATASET_VERSIONS,
    params=Params,
    transform=transform,
    external=external,
)
