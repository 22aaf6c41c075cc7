"""Which cleanings count in a lake: this recipe's, and those that the other datasets have now."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.context import Context
from jobs.runtime.tables import Lake
from schemas.clean_records import CLEAN_RECORDS
from schemas.job_runs import JOB_RUNS


def cleaned_in_force(context: Context) -> DataFrame:
    """Rows of clean_records, of all revisions, but without those of cleanings that no dataset has any more: what a
    mistyped mapping declared must not bind texts once it is mended."""
    scope = context.scope
    cleaning = scope.producers[CLEAN_RECORDS.name]
    mine = scope.fingerprints[cleaning]
    own = list(mine.values()) if isinstance(mine, dict) else [mine]
    others = cleanings_of_others(context.lake, cleaning, scope.recipe.dataset)
    rows = scope.read(CLEAN_RECORDS)
    return rows.where(F.col("fingerprint").isin(own)).unionByName(rows.join(others, "fingerprint", "left_semi"))


def cleanings_of_others(lake: Lake, cleaning: str, dataset: str) -> DataFrame:
    """Column fingerprint: the cleanings in force of the other datasets of the lake, by their newest run."""
    runs = lake.read(JOB_RUNS).where((F.col("job") == cleaning) & F.col("status").isin("done", "skipped"))
    others = runs.where(F.col("dataset") != dataset).groupBy("dataset")
    newest = others.agg(F.max_by("fingerprints", F.struct("finished_at", "run_id")).alias("fingerprints"))
    return newest.select(F.explode(F.map_values("fingerprints")).alias("fingerprint")).distinct()
