"""List new, changed and vanished files of the sources.  One output row is one version of one file:
{"source": "faq", "path": "raw/faq.csv", "revision": 3, "size_bytes": 1024, "vanished": false}"""

from typing import TYPE_CHECKING

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job
from jobs.runtime.listing import listing
from jobs.runtime.recipe import Source
from jobs.runtime.scope import newest
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES

if TYPE_CHECKING:
    from jobs.runtime.run import Context

# A file that could not be read is listed again: the next run may find it whole.
LIST_AGAIN = ("truncated_file", "unreadable_file")


class Params(BaseModel, frozen=True, extra="forbid"):
    """sources: the recipe's sources."""

    sources: tuple[Source, ...] = ()


def transform(source_files: DataFrame, raw_records: DataFrame, files: DataFrame, params: Params) -> DataFrame:
    """Input columns of files: source, path, uri, size_bytes, modified_ms.  Output columns: those of source_files."""
    mine = source_files.where(F.col("source").isin([source.name for source in params.sources]))
    known = mine.transform(newest_listing).join(failed_files(raw_records), ["source", "path", "revision"], "left")
    changes = changed_files(files, known).unionByName(vanished_files(files, known), allowMissingColumns=True)
    batch = changes.transform(whole_sources, files, params).crossJoin(next_revision(source_files))
    return batch.join(_declared(batch, params), "source")


def newest_listing(source_files: DataFrame) -> DataFrame:
    """The newest row of each file of each source."""
    return newest(source_files.withColumn("_file", F.struct("source", "path")), "_file", "revision").drop("_file")


def failed_files(raw_records: DataFrame) -> DataFrame:
    """Files that could not be read to their end."""
    failed = raw_records.where(F.col("file_rows").isNotNull() & F.col("drop_reason").isin(*LIST_AGAIN))
    return failed.select("source", "path", "revision", F.lit(True).alias("failed")).distinct()


def changed_files(files: DataFrame, known: DataFrame) -> DataFrame:
    """Files that are new, back again, of another size or time, or that failed."""
    before = known.select(
        "source",
        "path",
        "vanished",
        "failed",
        F.col("size_bytes").alias("_size"),
        F.col("modified_ms").alias("_modified"),
    )
    is_same = (
        (F.col("_size") == F.col("size_bytes")) & (F.col("_modified") == F.col("modified_ms")) & ~F.col("vanished")
    )
    unchanged = F.coalesce(is_same, F.lit(False)) & F.col("failed").isNull()
    found = files.join(before, ["source", "path"], "left").where(~unchanged)
    return found.select(*files.columns, F.lit(False).alias("vanished"))


def vanished_files(files: DataFrame, known: DataFrame) -> DataFrame:
    """Files that were there and are gone; only of sources that the recipe still names."""
    gone = known.where(~F.col("vanished")).join(files, ["source", "path"], "left_anti")
    return gone.select("source", "path", F.lit(True).alias("vanished"))


def whole_sources(changes: DataFrame, files: DataFrame, params: Params) -> DataFrame:
    """A changed source with on_vanish: drop is read whole, to see which records left it."""
    dropping = [source.name for source in params.sources if source.on_vanish == "drop"]
    if not dropping:
        return changes
    touched = changes.where(F.col("source").isin(dropping)).select("source").distinct()
    rest = files.join(touched, "source", "left_semi").join(changes, ["source", "path"], "left_anti")
    return changes.unionByName(rest.withColumn("vanished", F.lit(False)), allowMissingColumns=True)


def next_revision(source_files: DataFrame) -> DataFrame:
    """One row: the revision of this batch, lake-wide."""
    return source_files.agg((F.coalesce(F.max("revision"), F.lit(0)) + 1).alias("revision"))


def _declared(batch: DataFrame, params: Params) -> DataFrame:
    """What the recipe says of each source, one row a source."""
    rows = [(s.name, s.format, list(s.key), s.order_by, s.on_vanish) for s in params.sources]
    columns = "source string, format string, record_key array<string>, order_by string, on_vanish string"
    return batch.sparkSession.createDataFrame(rows, columns)


def external(context: "Context") -> dict[str, DataFrame]:
    """The files as they are now; ConfigError where a source contradicts its first run in this lake."""
    sources = context.recipe.sources
    kept = context.lake.read(SOURCE_FILES).select("source", "format", "record_key", "order_by").distinct()
    by_name = {source.name: source for source in sources}
    for row in kept.where(F.col("source").isin(list(by_name))).collect():
        source = by_name[row["source"]]
        for key, now, was in (
            ("format", source.format, row["format"]),
            ("key", list(source.key), list(row["record_key"])),
            ("order_by", source.order_by, row["order_by"]),
        ):
            if now != was:
                raise ConfigError(
                    f"source {source.name}: {key} is {now!r}, but its records were taken with {was!r}. They identify "
                    "records for ever: keep them, or give the source a new name."
                )
    return {"files": listing(context.lake.spark, sources)}


JOB = Job(
    "list_files",
    reads=(SOURCE_FILES, RAW_RECORDS),
    lake=(SOURCE_FILES, RAW_RECORDS),
    writes=SOURCE_FILES,
    params=Params,
    transform=transform,
    external=external,
    always=True,
)
