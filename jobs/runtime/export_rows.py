"""The rows of one version on their way out: surveyed, put in order, cut into shards, written by the executors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from udfs.export_files import FILES_SCHEMA, Target, write_shards
from udfs.export_shapes import SHAPES
from udfs.export_survey import BUCKET_HEX, SURVEY_SCHEMA, survey_batches

# More tasks than this only add to the driver's work; a task writes several shards then.
MOST_TASKS = 1000


@dataclass(frozen=True)
class Misfit:
    """Examples that a format cannot hold. why: the end of "examples that ...".  example: the smallest document_id."""

    why: str
    rows: int
    example: str


@dataclass(frozen=True)
class Survey:
    """What a version holds, as one format sees it.

    buckets: (split, first digits of the document_id) -> examples.  traits: what an example has -> in how many
    examples, and the smallest document_id of those that fit without it."""

    buckets: Mapping[tuple[str, str], int]
    misfits: tuple[Misfit, ...]
    traits: Mapping[str, tuple[int, str | None]]

    def splits(self) -> dict[str, int]:
        """Split -> examples."""
        counts: dict[str, int] = {}
        for (split, _), rows in self.buckets.items():
            counts[split] = counts.get(split, 0) + rows
        return counts

    def offsets(self) -> list[tuple[str, str, int]]:
        """Split, bucket, and how many rows of the split come before the bucket."""
        offsets = []
        for split in self.splits():
            buckets = sorted(bucket for name, bucket in self.buckets if name == split)
            before = accumulate((self.buckets[split, bucket] for bucket in buckets), initial=0)
            offsets += [(split, bucket, count) for bucket, count in zip(buckets, before, strict=False)]
        return offsets


def survey(examples: DataFrame, form: str) -> Survey:
    """Count the examples of a version in one query.  Input columns: those of dataset_examples."""
    looked = examples.select("split", *SHAPES[form].columns).mapInArrow(
        partial(survey_batches, form=form), SURVEY_SCHEMA
    )
    counted = looked.groupBy("split", "bucket", "misfit", "traits").agg(
        F.sum("rows").alias("rows"), F.min("document_id").alias("document_id")
    )
    return summarize(row.asDict() for row in counted.collect())


def summarize(counted: Iterable[Mapping[str, Any]]) -> Survey:
    """Sum up the rows of the query: (split, bucket, misfit, traits, rows, document_id)."""
    buckets: dict[tuple[str, str], int] = {}
    looks: dict[tuple[str | None, tuple[str, ...]], tuple[int, str]] = {}
    for row in counted:
        place, look = (row["split"], row["bucket"]), (row["misfit"], tuple(row["traits"] or ()))
        buckets[place] = buckets.get(place, 0) + row["rows"]
        rows, example = looks.get(look, (0, row["document_id"]))
        looks[look] = rows + row["rows"], min(example, row["document_id"])
    misfits = [Misfit(why, *found) for (why, _), found in looks.items() if why is not None]
    fitting = {traits: found for (why, traits), found in looks.items() if why is None}
    return Survey(
        buckets,
        tuple(sorted(misfits, key=lambda one: (-one.rows, one.why))),
        {trait: _trait(trait, fitting) for trait in sorted({trait for traits in fitting for trait in traits})},
    )


def _trait(trait: str, fitting: Mapping[tuple[str, ...], tuple[int, str]]) -> tuple[int, str | None]:
    rows = sum(rows for traits, (rows, _) in fitting.items() if trait in traits)
    return rows, min((example for traits, (_, example) in fitting.items() if trait not in traits), default=None)


def with_shard(examples: DataFrame, surveyed: Survey, shard_rows: int) -> DataFrame:
    """Add column shard, from 0: the place of the row in its split by document_id, over shard_rows.

    Each bucket is numbered by itself, so that no task sorts a whole split."""
    spark = examples.sparkSession
    offsets = spark.createDataFrame(surveyed.offsets(), "split string, bucket string, before bigint")
    placed = examples.withColumn("bucket", F.substring("document_id", 1, BUCKET_HEX))
    window = Window.partitionBy("split", "bucket").orderBy("document_id")
    placed = placed.withColumn("place", F.row_number().over(window) - 1).join(F.broadcast(offsets), ["split", "bucket"])
    shard = F.expr(f"cast((before + place) div {shard_rows} AS int)")
    return placed.withColumn("shard", shard).drop("bucket", "place", "before")


def write(examples: DataFrame, surveyed: Survey, target: Target, shard_rows: int) -> list[Mapping[str, Any]]:
    """Write the shards in the executors, and return path, split, rows, bytes and sha256 of each, by path."""
    columns = SHAPES[target.form].columns
    sharded = with_shard(examples.select("split", *columns), surveyed, shard_rows)
    tasks = max(1, min(sum(target.shards.values()), MOST_TASKS))
    ordered = sharded.repartition(tasks, "split", "shard").sortWithinPartitions("split", "shard", "document_id")
    written = ordered.mapInArrow(partial(write_shards, target=target), FILES_SCHEMA)
    return sorted((row.asDict() for row in written.collect()), key=lambda file: file["path"])
