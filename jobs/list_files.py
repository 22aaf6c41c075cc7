"""List new, changed and vanished files of the sources; a table counts as one.  One output row is one version of one:
{"source": "faq", "path": "raw/faq.csv", "revision": 3, "size_bytes": 1024, "vanished": false}"""

from collections.abc import Sequence

from pydantic import BaseModel
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.fingerprints import digest
from jobs.runtime.job import Job
from jobs.runtime.listing import listing
from jobs.runtime.scope import newest
from jobs.runtime.shared_sources import compare_sources
from jobs.runtime.source import Source
from jobs.runtime.tables import Lake
from schemas.raw_records import RAW_RECORDS
from schemas.source_files import SOURCE_FILES
from udfs.transcode import detecting

# What identifies the records of a source: fixed by its first records in the lake.
FIXED = ("format", "record_key", "order_by")
# A file that could not be read is listed again, the next run may find it whole; so often, while it stays as it is.
LIST_AGAIN = ("truncated_file", "unreadable_file")
ATTEMPTS = 3
SHOWN = 5


class Params(BaseModel, frozen=True, extra="forbid"):
    """sources: the recipe's sources."""

    sources: tuple[Source, ...] = ()


def transform(source_files: DataFrame, raw_records: DataFrame, files: DataFrame, params: Params) -> DataFrame:
    """Input columns of files: source, path, uri, size_bytes, modified_ms.  Output columns: those of source_files."""
    declared = _declared(files, params)
    found = files.join(declared, "source")
    mine = source_files.where(F.col("source").isin([source.name for source in params.sources]))
    failed = failed_files(raw_records, mine)
    known = mine.transform(newest_listing).join(failed, ["source", "path", "revision"], "left")
    gone = vanished_files(found, known).join(declared, "source")
    changes = changed_files(found, known).unionByName(gone, allowMissingColumns=True)
    if any(source.on_vanish == "drop" for source in params.sources):
        changes = changes.transform(whole_sources, found)
    return changes.crossJoin(next_revision(source_files))


def newest_listing(source_files: DataFrame) -> DataFrame:
    """The newest row of each file of each source."""
    return newest(source_files.withColumn("_file", F.struct("source", "path")), "_file", "revision").drop("_file")


def failed_files(raw_records: DataFrame, source_files: DataFrame) -> DataFrame:
    """Files that could not be read to their end, but those that were tried often enough as they are."""
    again = attempts(raw_records, source_files).where(F.col("attempts") < ATTEMPTS)
    return again.select("source", "path", "revision", F.lit(True).alias("failed"))


def attempts(raw_records: DataFrame, source_files: DataFrame) -> DataFrame:
    """How often a file, as it was, could not be read to its end, and the revision of the last try."""
    failed = raw_records.where(_failed()).select("source", "path", "revision").distinct()
    return (
        failed.join(source_files, ["source", "path", "revision"])
        .groupBy("source", "path", "size_bytes", "modified_ms", _name("uri"))
        .agg(F.max("revision").alias("revision"), F.count(F.lit(1)).alias("attempts"))
    )


def _failed() -> Column:
    return F.col("file_rows").isNotNull() & F.col("drop_reason").isin(*LIST_AGAIN)


def changed_files(files: DataFrame, known: DataFrame) -> DataFrame:
    """Files that are new, back again, of another size, time or digest, to be read in another way, or that failed."""
    facts = F.struct("size_bytes", "modified_ms", _name("uri"), "format", "record_key", "order_by")
    before = known.select("source", "path", "vanished", "failed", "on_vanish", facts.alias("_before"))
    before = before.withColumnRenamed("on_vanish", "_on_vanish")
    # Read once more where records that left before are to be dropped from now on.
    drops_now = (F.col("on_vanish") == "drop") & (F.col("_on_vanish") == "keep")
    unchanged = F.col("_before").eqNullSafe(facts) & ~F.col("vanished") & F.col("failed").isNull() & ~drops_now
    changed = files.join(before, ["source", "path"], "left").where(~F.coalesce(unchanged, F.lit(False)))
    return changed.select(*files.columns, F.lit(False).alias("vanished"))


def _name(uri: str) -> Column:
    """The file's name without its folders: a cache may move, but names an asset's file by its digest."""
    return F.substring_index(uri, "/", -1).alias("name")


def vanished_files(files: DataFrame, known: DataFrame) -> DataFrame:
    """Files that were there and are gone; only of sources that the recipe still names."""
    gone = known.where(~F.col("vanished")).join(files, ["source", "path"], "left_anti")
    return gone.select("source", "path", F.lit(True).alias("vanished"))


def whole_sources(changes: DataFrame, files: DataFrame) -> DataFrame:
    """A changed source with on_vanish: drop is read whole, to see which records left it."""
    touched = changes.where("on_vanish = 'drop'").select("source").distinct()
    rest = files.join(touched, "source", "left_semi").join(changes, ["source", "path"], "left_anti")
    return changes.unionByName(rest.withColumn("vanished", F.lit(False)))


def next_revision(source_files: DataFrame) -> DataFrame:
    """One row: the revision of this batch, lake-wide."""
    return source_files.agg((F.coalesce(F.max("revision"), F.lit(0)) + 1).alias("revision"))


def _declared(files: DataFrame, params: Params) -> DataFrame:
    """What the recipe says of each source, one row a source."""
    rows = [(s.name, *s.identity().values(), s.on_vanish) for s in params.sources]
    columns = "source string, format string, record_key array<string>, order_by string, on_vanish string"
    return files.sparkSession.createDataFrame(rows, columns)


def external(context: Context) -> dict[str, DataFrame]:
    """The files as they are now; ConfigError where a source contradicts its first run in this lake."""
    refuse_contradictions(context.lake, context.recipe.sources)
    compare_sources(context)
    return {"files": listing(context.lake.spark, context.files)}


def outside(context: Context) -> str:
    """A digest of the files as they are now; one of this run alone where a file is to be tried again."""
    unread = _unread(context.lake, context.recipe.sources)
    given_up = [row["path"] for row in unread if row["attempts"] >= ATTEMPTS]
    if given_up:
        shown = ", ".join(given_up[:SHOWN]) + (f" and {len(given_up) - SHOWN} more" if len(given_up) > SHOWN else "")
        said = f"not read, and after {ATTEMPTS} tries left alone while they stay as they are"
        context.note(f"{shown}: {said}. Mend them, or `touch` them where only access was missing")
    return digest([context.files, context.run_id if len(given_up) < len(unread) else None])


def _unread(lake: Lake, sources: Sequence[Source]) -> list[Row]:
    """The files of the sources that could not be read at their newest listing; few, or something else is wrong."""
    if not lake.exists(RAW_RECORDS):
        return []
    ours = F.col("source").isin([source.name for source in sources])
    failed = lake.read(RAW_RECORDS).where(ours & _failed())
    if failed.isEmpty():
        return []
    files = lake.read(SOURCE_FILES).where(ours)
    tried = attempts(failed, files)
    newest_tries = tried.join(newest_listing(files).where("NOT vanished"), ["source", "path", "revision"], "left_semi")
    return newest_tries.select("path", "attempts").orderBy("path").collect()


def refuse_contradictions(lake: Lake, sources: Sequence[Source]) -> None:
    """What identifies records is fixed once a source has given some: until then a typo may be mended."""
    by_name = {source.name: source for source in sources}
    records = F.col("file_rows").isNull() & F.col("drop_reason").isNull()
    taken = lake.read(RAW_RECORDS).where(F.col("source").isin(list(by_name)) & records)
    read = taken.select("source", "path", "revision").distinct()
    kept = lake.read(SOURCE_FILES).join(read, ["source", "path", "revision"], "left_semi")
    for row in kept.select("source", *FIXED).distinct().collect():
        now = by_name[row["source"]].identity()
        is_detected_now = now["format"] == detecting(row["format"])  # what was read as UTF-8 still is
        changed = [name for name in FIXED if now[name] != row[name] and not (name == "format" and is_detected_now)]
        if changed:
            name = changed[0]
            raise ConfigError(
                f"source {row['source']}: {name.removeprefix('record_')} is {now[name]!r}, but its records were taken "
                f"with {row[name]!r}. It identifies records for ever: keep it, or give the source a new name."
            )


JOB = Job(
    "list_files",
    reads=(SOURCE_FILES,),
    feedback=(RAW_RECORDS,),
    lake=(SOURCE_FILES, RAW_RECORDS),
    writes=SOURCE_FILES,
    params=Params,
    transform=transform,
    external=external,
    outside=outside,
)
