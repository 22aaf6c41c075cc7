"""What the jobs of one run share: the scope, what earlier runs did, and what this one has done so far."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.runtime import console, lake_params, log_lines
from jobs.runtime.code_version import code_version
from jobs.runtime.execute import Outcome
from jobs.runtime.fingerprints import all_fingerprints
from jobs.runtime.history import History
from jobs.runtime.job import Job
from jobs.runtime.listing import SourceFile, list_files
from jobs.runtime.recipe import Recipe
from jobs.runtime.scope import Scope
from jobs.runtime.staging import staged_files
from jobs.runtime.tables import Lake
from schemas.dataset_versions import DATASET_VERSIONS
from schemas.job_runs import JOB_RUNS


@dataclass
class Context:
    """What the jobs of one run share."""

    scope: Scope
    jobs: Sequence[Job]
    run_id: str
    code_version: str
    history: History
    last: dict[str, Row]
    say: Callable[[str], None]
    resplit: bool = False
    looked: dict[str, str] = field(default_factory=dict)
    created: dict[str, Future[None]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        """The lake that the run writes."""
        return self.scope.lake

    @cached_property
    def files(self) -> list[SourceFile]:
        """The files of the recipe's sources: looked for once, so that all jobs of a run see the same."""
        lake = self.lake
        found = list_files(self.recipe.sources, lake.folder or "", lake.spark)
        return staged_files(lake.spark, found, lake.folder or "", self.recipe.assets)

    def note(self, text: str) -> None:
        """Say something to know, on a line of its own."""
        self.say(console.notice(text))
        log_lines.event("note", dataset=self.recipe.dataset, text=text)

    @property
    def recipe(self) -> Recipe:
        """The recipe that runs."""
        return self.scope.recipe


def open_context(
    lake: Lake, recipe: Recipe, jobs: Sequence[Job], say: Callable[[str], None], run_id: str = ""
) -> Context:
    """Open the lake's tables, take its parameters and find what the dataset's last runs did."""
    tables = tuple(dict.fromkeys((*(job.writes for job in jobs), JOB_RUNS)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lake.exists, tables))
    recipe = lake_params.settle(lake, recipe, jobs)
    producers = {job.writes.name: job.name for job in jobs}
    scope = Scope(lake, recipe, all_fingerprints(jobs, recipe), producers)
    scope.part_columns = {job.name: job.part_column for job in jobs}
    with ThreadPoolExecutor(2) as pool:
        newest, last = pool.submit(_last_version, scope), pool.submit(last_runs, lake, recipe.dataset)
        history = History(lake, tables, recipe)
    scope.draft = 1 + newest.result()
    return Context(scope, jobs, run_id, code_version(), history, last.result(), say)


def _last_version(scope: Scope) -> int:
    """The newest published version, 0 when there is none."""
    if not scope.lake.exists(DATASET_VERSIONS):
        return 0
    row = scope.published().agg(F.max("dataset_version").alias("last")).first()
    return int(row["last"] or 0) if row else 0


def last_runs(lake: Lake, dataset: str) -> dict[str, Row]:
    """Job name -> its newest finished row for this dataset."""
    runs = lake.read(JOB_RUNS).where((F.col("dataset") == dataset) & F.col("status").isin("done", "skipped"))
    newest = runs.groupBy("job").agg(F.max_by(F.struct("*"), F.struct("finished_at", "run_id")).alias("run"))
    return {row["job"]: row["run"] for row in newest.collect()}
