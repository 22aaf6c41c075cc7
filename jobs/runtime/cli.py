"""The command line: `sluice`."""

import contextlib
import sys
import time
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.pipeline import PIPELINE
from jobs.runtime import console
from jobs.runtime.errors import SluiceError
from jobs.runtime.recipe import load_recipe

app = typer.Typer(
    name="sluice",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn raw corpora in a data lake into versioned, leak-free fine-tuning datasets.",
)

Recipes = Annotated[
    list[str], typer.Argument(metavar="RECIPE...", help="Recipe files, run one after the other in one session.")
]
RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="The recipe file.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="JOB.KEY=VALUE", help="Override one parameter.")]
Tables = Annotated[str | None, typer.Option("--tables", metavar="WHERE", help="Another lake than the recipe's.")]


@app.command()
def run(
    recipes: Recipes,
    first: Annotated[str | None, typer.Option("--from", metavar="JOB", help="Start with this job.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="JOB", help="End with this job.")] = None,
    overrides: Overrides = None,
    tables: Tables = None,
) -> None:
    """Run a recipe: only what changed is worked, and a version is published when the dataset changed.

    Example: sluice run conf/recipes/reviews_zh.yaml --set group_duplicates.threshold=0.8
    """
    from jobs.runtime.run import run_recipe
    from jobs.runtime.session import open_session
    from jobs.runtime.show import show_result

    loaded = [load_recipe(path, PIPELINE, overrides or (), tables) for path in recipes]
    started = time.monotonic()
    with console.console.status("starting Spark ..."):
        spark = open_session(log_file())
    console.console.print(f"Spark {spark.version} ready  [dim]{time.monotonic() - started:.1f} s[/dim]")
    for recipe in loaded:
        console.console.print(f"[bold]{recipe.dataset}[/bold] ({recipe.path})")
        context = run_recipe(spark, recipe, PIPELINE, first, last)
        show_result(context)


@app.command()
def sql(
    recipe: RecipePath,
    statement: Annotated[str, typer.Argument(metavar="QUERY", help="A SELECT over the lake's tables and views.")],
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    tables: Tables = None,
) -> None:
    """Query the lake's tables and views in SQL.

    Example: sluice sql conf/recipes/reviews_zh.yaml "SELECT split, count(*) FROM current_examples GROUP BY split"
    """
    from jobs.runtime.results import print_rows
    from jobs.runtime.session import open_session
    from jobs.runtime.tables import Lake
    from jobs.runtime.views import query

    loaded = load_recipe(recipe, PIPELINE, (), tables)
    lake = Lake(open_session(log_file()), loaded.tables)
    print_rows(query(lake, statement), form)


def log_file() -> Path:
    """Where this process's Spark log goes."""
    return Path("logs") / f"sluice-{datetime.now():%Y%m%d-%H%M%S}-{_pid()}.log"


def _pid() -> int:
    import os

    return os.getpid()


def main(arguments: list[str] | None = None) -> None:
    """Entry point: exit 0 done; 2 recipe or arguments wrong; 3 a gate refused; 1 anything else."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app(args=arguments, standalone_mode=False)
        code = 0
    except SluiceError as error:
        code = _fail(str(error), error.exit_code, debug)
    except typer.Exit as error:
        code = error.exit_code
    except typer.Abort:
        code = 1
    except KeyboardInterrupt:
        code = _fail("stopped; what is written stays, run again to go on", 1, False)
    except Exception as error:
        code = _unexpected(error, debug)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    raise SystemExit(code)


def _unexpected(error: Exception, debug: bool) -> int:
    import click

    if isinstance(error, click.ClickException):
        error.show()
        return 2
    first = (str(error).strip() or type(error).__name__).splitlines()[0][:500]
    return _fail(
        f"{type(error).__name__}: {first}\nSpark's log is in logs/. Run again with --debug for a traceback.", 1, debug
    )


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"error: {message}\n")
    return code


if __name__ == "__main__":
    main()
