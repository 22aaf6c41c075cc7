"""What the commands do.  `cli` imports this when a command runs, so that --help does not wait for Spark."""

import logging
import time
from typing import TYPE_CHECKING

from jobs.pipeline import PIPELINE
from jobs.runtime import explain, export, findings, log_lines, presence, results, show, status, terminal
from jobs.runtime.check import needs_spark, recipe_checks
from jobs.runtime.check_machine import machine_checks
from jobs.runtime.closing import show_closing
from jobs.runtime.compiling import queries_over
from jobs.runtime.console import console
from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.findings import Finding
from jobs.runtime.listing import require_present
from jobs.runtime.plan import plan_recipe
from jobs.runtime.recipe import Recipe, load_recipe
from jobs.runtime.recipe_file import without_credentials
from jobs.runtime.run import between, run_recipe
from jobs.runtime.sizes import are_small
from jobs.runtime.tables import Lake
from jobs.runtime.views import query

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Overrides = list[str] | None


def run(
    recipes: list[str],
    first: str | None,
    last: str | None,
    overrides: Overrides,
    tables: str | None,
    plan: bool,
    resplit: bool,
) -> None:
    """`sluice run`: runs or plans recipes, one after the other."""
    if plan and resplit:
        raise ConfigError("--plan writes nothing and --resplit does: give one of them")
    loaded = [_load(path, overrides, tables) for path in recipes]
    chosen = between(PIPELINE, first, last)
    reads_sources = any(job.outside for job in chosen)
    if reads_sources:
        require_present([source for recipe in loaded for source in recipe.sources])
    spark = _start(small=are_small(loaded, with_sources=reads_sources))
    if plan:
        for recipe in loaded:
            show.show_plan(recipe.dataset, plan_recipe(spark, recipe, PIPELINE, first, last))
    else:
        show_closing([_run_one(spark, recipe, first, last, resplit) for recipe in loaded])


def show_status(path: str, overrides: Overrides, tables: str | None) -> None:
    """`sluice status`: where a dataset stands."""
    recipe = _load(path, overrides, tables)
    if presence.is_absent(recipe.tables):
        show.say(presence.absent(recipe))
        return
    spark = _start(small=are_small([recipe], with_sources=False))
    show.show_status(recipe.dataset, status.status_of(spark, recipe, PIPELINE))


def check(recipes: list[str], overrides: Overrides, tables: str | None) -> None:
    """`sluice check`: all that is missing, at once."""
    from jobs.runtime.session import local_master

    console.quiet = log_lines.is_json()
    loaded = [(path, _loaded(path, overrides, tables)) for path in recipes]
    master = local_master()
    machine = findings.look(machine_checks(PIPELINE, master))
    wanted = any(isinstance(recipe, Recipe) and needs_spark(recipe) for _, recipe in loaded)
    spark = _started(machine) if wanted else None
    logging.getLogger().addHandler(logging.NullHandler())  # what clients log is in the findings
    show.show_findings(machine)
    found = list(machine)
    for path, recipe in loaded:
        if isinstance(recipe, Finding):
            one, dataset = [recipe], None
        else:
            one, dataset = findings.look(recipe_checks(recipe, PIPELINE, spark, master)), recipe.dataset
        show.show_findings(one, without_credentials(path), dataset)
        found += one
    show.close_findings(found)


def tell(path: str, ident: str, form: str, tables: str | None) -> None:
    """`sluice explain`: the story of one record or document."""
    recipe = _load(path, None, tables)
    if form not in show.STORY_FORMATS:
        raise ConfigError(f"--format {form}: expected one of {', '.join(show.STORY_FORMATS)}")
    presence.require_lake_folder(recipe)
    lake = Lake(_start(small=are_small([recipe], with_sources=False)), recipe.tables, recipe.location)
    with queries_over(lake.spark):
        presence.require_lake(lake, recipe)
        story = explain.explain(lake, recipe, ident)
    show.show_story(story, form)


def ask(path: str, statement: str, form: str, tables: str | None) -> None:
    """`sluice sql`: a query over tables and views."""
    recipe = _load(path, None, tables)
    if form not in results.FORMATS:
        raise ConfigError(f"--format {form}: expected one of {', '.join(results.FORMATS)}")
    results.print_rows(query(_open(recipe), statement), form)


def export_one(path: str, wanted: "export.Wanted", tables: str | None) -> None:
    """`sluice export`: the files of one version."""
    recipe = _load(path, None, tables)
    show.show_export(export.export_version(_open(recipe), recipe.dataset, wanted))


def _load(path: str, overrides: Overrides, tables: str | None) -> Recipe:
    return load_recipe(path, PIPELINE, overrides or (), tables)


def _loaded(path: str, overrides: Overrides, tables: str | None) -> Recipe | Finding:
    try:
        return _load(path, overrides, tables)
    except ConfigError as error:
        return findings.fault("recipe", error)


def _started(machine: list[Finding]) -> "SparkSession | None":
    """A session, or one more finding."""
    try:
        return _start()
    except ConfigError as error:
        machine.append(findings.fault("session", error))
        return None


def _open(recipe: Recipe) -> Lake:
    """The lake of a recipe; ConfigError where there is none."""
    presence.require_lake_folder(recipe)
    lake = Lake(_start(), recipe.tables, recipe.location)
    presence.require_lake(lake, recipe)
    return lake


def _start(*, small: bool = False) -> "SparkSession":
    log = terminal.quiet()
    from jobs.runtime.session import open_session

    console.quiet = log_lines.is_json()
    started = time.monotonic()
    with console.status("starting Spark ..."):
        spark = open_session(log, small=small)
    if console.is_terminal:
        console.print(f"[dim]Spark {spark.version} ready in {time.monotonic() - started:.1f} s[/dim]")
    return spark


def _run_one(spark: "SparkSession", recipe: Recipe, first: str | None, last: str | None, resplit: bool) -> Context:
    show.say(f"{recipe.dataset} ({recipe.path})")
    context = run_recipe(spark, recipe, PIPELINE, first, last, resplit=resplit)
    show.show_result(context)
    return context
