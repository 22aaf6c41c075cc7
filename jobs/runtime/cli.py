"""The command line: `sluice`.  Commands import what they need themselves, so that --help does not wait for Spark."""

import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.runtime import log_lines, terminal
from jobs.runtime.errors import ConfigError, SluiceError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.runtime.context import Context
    from jobs.runtime.recipe import Recipe

INTERRUPTED = 130

app = typer.Typer(
    name="sluice",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Turn raw corpora in a data lake into versioned, leak-free fine-tuning datasets.

    A recipe is one YAML file: which sources, which lake, what each job should do. Try these in order:

    [bold]sluice run conf/recipes/reviews_zh.yaml --plan[/bold]   what a run would do\n
    [bold]sluice run conf/recipes/reviews_zh.yaml[/bold]   build and publish a version\n
    [bold]sluice status conf/recipes/reviews_zh.yaml[/bold]   where the dataset stands\n
    [bold]sluice sql conf/recipes/reviews_zh.yaml "SELECT * FROM split_sizes"[/bold]   look into it\n
    [bold]sluice explain conf/recipes/reviews_zh.yaml 0f3a9c41[/bold]   why one row is in it or not
    """,
    epilog="Exit codes: 0 done; 2 the recipe or the arguments are wrong; 3 a gate refused; 1 anything else.",
)

Recipes = Annotated[
    list[str], typer.Argument(metavar="RECIPE", help="Recipe files, run one after the other in one session.")
]
RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="The recipe file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="JOB.KEY=VALUE", help="Override one parameter; may be given again."),
]
Tables = Annotated[str | None, typer.Option("--tables", metavar="WHERE", help="Another lake than the recipe's.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(_version() + "\n")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; at any place.")] = False,
    version_only: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show version and place.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    recipes: Recipes,
    first: Annotated[str | None, typer.Option("--from", metavar="JOB", help="Start with this job.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="JOB", help="End with this job.")] = None,
    overrides: Overrides = None,
    tables: Tables = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be worked: reads new files, writes nothing.")
    ] = False,
    resplit: Annotated[
        bool, typer.Option("--resplit", help="Draw splits anew for documents that no published version ever kept.")
    ] = False,
    log_format: log_lines.Format = "text",
) -> None:
    """Run a recipe: only what changed is worked, and a version is published when the dataset changed.

    Example: [bold]sluice run conf/recipes/reviews_zh.yaml --set group_duplicates.threshold=0.8[/bold]
    """
    if plan and resplit:
        raise ConfigError("--plan writes nothing and --resplit does: give one of them")
    loaded = [_load(path, overrides, tables) for path in recipes]
    _refuse_unknown_jobs(first, last)
    spark = _start()
    if plan:
        for recipe in loaded:
            _plan_one(spark, recipe, first, last)
    else:
        from jobs.runtime.closing import show_closing

        show_closing([_run_one(spark, recipe, first, last, resplit) for recipe in loaded])


@app.command()
def status(recipe: RecipePath, overrides: Overrides = None, tables: Tables = None) -> None:
    """Show rows, table versions, stale jobs and published versions of a dataset; changes nothing.

    Example: [bold]sluice status conf/recipes/reviews_zh.yaml[/bold]
    """
    from jobs.pipeline import PIPELINE
    from jobs.runtime import presence, show, status

    loaded = _load(recipe, overrides, tables)
    if presence.is_absent(loaded.tables):
        show.say(presence.absent(loaded))
        return
    show.show_status(loaded.dataset, status.status_of(_start(), loaded, PIPELINE))


@app.command()
def explain(
    recipe: RecipePath,
    ident: Annotated[str, typer.Argument(metavar="ID", help="A record_id or document_id, or 8 or more of its digits.")],
    form: Annotated[str, typer.Option("--format", help="text or json (without the row's text).")] = "text",
    tables: Tables = None,
) -> None:
    """Tell the story of one record or document: origin, cleaning, split, matches, and why it is in a version or not.

    Example: [bold]sluice explain conf/recipes/reviews_zh.yaml 0f3a9c41[/bold]
    """
    from jobs.runtime import explain, presence, session, show
    from jobs.runtime.tables import Lake

    loaded = _load(recipe, None, tables)
    if form not in show.STORY_FORMATS:
        raise ConfigError(f"--format {form}: expected one of {', '.join(show.STORY_FORMATS)}")
    presence.require_lake_folder(loaded)
    lake = Lake(_start(), loaded.tables)
    session.without_compiling(lake.spark)
    presence.require_lake(lake, loaded)
    show.show_story(explain.explain(lake, loaded, ident), form)


@app.command()
def sql(
    recipe: RecipePath,
    statement: Annotated[str, typer.Argument(metavar="QUERY", help="A SELECT over the lake's tables and views.")],
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    tables: Tables = None,
) -> None:
    """Query the lake's tables and views in SQL; schemas/ says what is in them.

    Example: [bold]sluice sql conf/recipes/reviews_zh.yaml "SELECT outcome, drop_reason, count(*) FROM outcomes
    GROUP BY ALL"[/bold]
    """
    from jobs.runtime import presence, results
    from jobs.runtime.tables import Lake
    from jobs.runtime.views import query

    loaded = _load(recipe, None, tables)
    if form not in results.FORMATS:
        raise ConfigError(f"--format {form}: expected one of {', '.join(results.FORMATS)}")
    presence.require_lake_folder(loaded)
    lake = Lake(_start(), loaded.tables)
    presence.require_lake(lake, loaded)
    results.print_rows(query(lake, statement), form)


def _load(path: str, overrides: list[str] | None, tables: str | None) -> "Recipe":
    from jobs.pipeline import PIPELINE
    from jobs.runtime.recipe import load_recipe

    return load_recipe(path, PIPELINE, overrides or (), tables)


def _refuse_unknown_jobs(first: str | None, last: str | None) -> None:
    from jobs.pipeline import PIPELINE
    from jobs.runtime.run import between

    between(PIPELINE, first, last)


def _start() -> "SparkSession":
    log = terminal.quiet()
    from jobs.runtime.console import console
    from jobs.runtime.session import open_session

    console.quiet = log_lines.is_json()
    started = time.monotonic()
    with console.status("starting Spark ..."):
        spark = open_session(log)
    if console.is_terminal:
        console.print(f"[dim]Spark {spark.version} ready in {time.monotonic() - started:.1f} s[/dim]")
    return spark


def _run_one(spark: "SparkSession", recipe: "Recipe", first: str | None, last: str | None, resplit: bool) -> "Context":
    from jobs.pipeline import PIPELINE
    from jobs.runtime.run import run_recipe
    from jobs.runtime.show import say, show_result

    say(f"{recipe.dataset} ({recipe.path})")
    context = run_recipe(spark, recipe, PIPELINE, first, last, resplit=resplit)
    show_result(context)
    return context


def _plan_one(spark: "SparkSession", recipe: "Recipe", first: str | None, last: str | None) -> None:
    from jobs.pipeline import PIPELINE
    from jobs.runtime.plan import plan_recipe
    from jobs.runtime.show import show_plan

    show_plan(recipe.dataset, plan_recipe(spark, recipe, PIPELINE, first, last))


def _version() -> str:
    try:
        number = version("sluice-sft")
    except PackageNotFoundError:
        number = "not installed"
    return f"sluice {number} from {Path(__file__).resolve().parents[2]}"


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exit 0 done; 2 recipe or arguments wrong; 3 a gate refused; 1 anything else."""
    given = sys.argv[1:] if arguments is None else arguments
    terminal.survive_encodings()
    raise SystemExit(_call([argument for argument in given if argument != "--debug"], "--debug" in given))


def _call(arguments: list[str], debug: bool) -> int:
    try:
        log_lines.call(app, arguments)
    except SystemExit as end:  # how typer ends, also where the arguments are wrong or Ctrl-C came
        code = end.code if isinstance(end.code, int) else 0
        return code if code != INTERRUPTED else _fail("stopped; what is written stays, run again to go on", 1, False)
    except SluiceError as error:
        return _fail(str(error), error.exit_code, debug)
    except Exception as error:  # the last place that can turn a traceback into a message
        return _fail(f"{terminal.in_short(error)}\n{terminal.where_to_look()}", 1, debug)
    return 0


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    log_lines.failure(message, code)
    return code


if __name__ == "__main__":
    main()
