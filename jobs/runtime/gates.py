"""The verdict on a draft: refuse it, find that it equals the last version, or let it be written."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.errors import GateRefusal
from jobs.runtime.job import Job
from jobs.runtime.scope import Scope
from schemas.dataset_examples import DATASET_EXAMPLES
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.gate_results import GATE_RESULTS
from schemas.selections import SELECTIONS


@dataclass(frozen=True)
class Same:
    """The published version that a draft equals; `discard` when the draft still lies in the tables."""

    version: int
    discard: bool


def is_verdict(job: Job) -> bool:
    """Whether the job judges the draft."""
    return job.writes == GATE_RESULTS


def selects(job: Job) -> bool:
    """Whether the job selects the draft."""
    return job.writes == SELECTIONS


def writes_version(job: Job) -> bool:
    """Whether the job belongs to writing and committing a version."""
    return job.writes in (DATASET_EXAMPLES, DATASET_VERSIONS)


def has_draft(scope: Scope) -> bool:
    """Whether a draft lies selected: refused, or left by a run that ended before its gates."""
    mine = (F.col("dataset") == scope.recipe.dataset) & (F.col("dataset_version") == scope.draft)
    return not scope.lake.read(SELECTIONS).where(mine).isEmpty()


def require_passed(scope: Scope) -> None:
    """Raise GateRefusal when a gate refused the draft; a refusal is never skipped."""
    failed = _verdicts(scope).where(~F.col("passed")).orderBy("gate").collect()
    if failed:
        said = "; ".join(f"{row['gate']}: {row['detail']}" for row in failed)
        pairs = dict.fromkeys(
            pair for row in failed for pair in zip(row["row_ids"][::2], row["row_ids"][1::2], strict=True)
        )
        named = ", ".join(f"{one} with {other}" for one, other in pairs)
        named = f" Documents: {named}. Look at them with `sluice explain RECIPE ID`." if pairs else ""
        raise GateRefusal(
            f"{scope.recipe.dataset}: draft {scope.draft} is refused. {said}.{named} "
            "Mend the data or the recipe and run again."
        )


def same_as(scope: Scope) -> Same | None:
    """The version that the draft equals, None when the draft is new."""
    if not scope.lake.exists(DATASET_VERSIONS):
        return None
    last = scope.published().orderBy(F.desc("dataset_version")).select("dataset_version", "draft").first()
    if last is None:
        return None
    verdict = _verdicts(scope).select("draft").first()
    if verdict is None:
        return Same(last["dataset_version"], discard=False)
    return Same(last["dataset_version"], discard=True) if verdict["draft"] == last["draft"] else None


def discard_draft(scope: Scope, note: dict[str, Any]) -> None:
    """Remove a draft that brought nothing new, so that a run that changed nothing leaves nothing behind."""
    slice_ = {"dataset": scope.recipe.dataset, "dataset_version": scope.draft}
    for table in (DATASET_EXAMPLES, GATE_RESULTS, SELECTIONS):
        rows = scope.lake.read(table)
        mine = rows.where((F.col("dataset") == scope.recipe.dataset) & (F.col("dataset_version") == scope.draft))
        if not mine.isEmpty():  # examples are there only where a run ended before it published them
            scope.lake.replace(table, rows.where("false"), note | {"job": "discard"}, slice_)


def _verdicts(scope: Scope) -> DataFrame:
    mine = (F.col("dataset") == scope.recipe.dataset) & (F.col("dataset_version") == scope.draft)
    return scope.lake.read(GATE_RESULTS).where(mine)
