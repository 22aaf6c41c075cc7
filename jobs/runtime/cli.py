"""The command line: `sluice`, its options and what becomes of errors.

What commands do is in `commands`, imported by each when it runs, so that --help does not wait for Spark."""

import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from jobs.runtime import log_lines, terminal
from jobs.runtime.errors import ConfigError, SluiceError

INTERRUPTED = 130

app = typer.Typer(
    name="sluice",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Turn raw corpora in a data lake into versioned, leak-free fine-tuning datasets.

    A recipe is one YAML file: which sources, which lake, what each job should do. Try these in order:

    [bold]sluice check conf/recipes/reviews_zh.yaml[/bold]   is all there that a run needs?\n
    [bold]sluice run conf/recipes/reviews_zh.yaml --plan[/bold]   what a run would do\n
    [bold]sluice run conf/recipes/reviews_zh.yaml[/bold]   build and publish a version\n
    [bold]sluice status conf/recipes/reviews_zh.yaml[/bold]   where the dataset stands\n
    [bold]sluice sql conf/recipes/reviews_zh.yaml "SELECT * FROM split_sizes"[/bold]   look into it\n
    [bold]sluice explain conf/recipes/reviews_zh.yaml 0f3a9c41[/bold]   why one row is in it or not\n
    [bold]sluice export conf/recipes/reviews_zh.yaml latest --format classification --out exported[/bold]   to a trainer
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
    from jobs.runtime import commands

    commands.run(recipes, first, last, overrides, tables, plan, resplit)


@app.command()
def check(
    recipes: Recipes,
    overrides: Overrides = None,
    tables: Tables = None,
    log_format: log_lines.Format = "text",
) -> None:
    """Check what recipes need before anything runs: sources, assets, models, rights, Java. Says all that is missing.

    No table is read or changed, nothing is fetched. Exit code 2 where something is missing. Spark starts only for
    tables of a catalog.

    Example: [bold]sluice check conf/recipes/reviews_zh.yaml[/bold]
    """
    from jobs.runtime import commands

    commands.check(recipes, overrides, tables)


@app.command()
def status(recipe: RecipePath, overrides: Overrides = None, tables: Tables = None) -> None:
    """Show rows, table versions, stale jobs and published versions of a dataset; changes nothing.

    Example: [bold]sluice status conf/recipes/reviews_zh.yaml[/bold]
    """
    from jobs.runtime import commands

    commands.show_status(recipe, overrides, tables)


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
    from jobs.runtime import commands

    commands.tell(recipe, ident, form, tables)


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
    from jobs.runtime import commands

    commands.ask(recipe, statement, form, tables)


@app.command()
def export(
    recipe: RecipePath,
    number: Annotated[str, typer.Argument(metavar="VERSION", help="The number of a published version, or latest.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="chat (OpenAI messages; preferences as TRL's prompt, chosen, rejected), sharegpt (conversations), "
            "alpaca (instruction, input, output), classification (text, label), parquet (columns of the table) or "
            "text (text alone, for pretraining).",
        ),
    ],
    out: Annotated[str, typer.Option("--out", metavar="WHERE", help="An empty or new folder, or a URI like s3://b/p.")],
    compress: Annotated[str, typer.Option("--compress", help="none, gzip or zstd; inside the files of parquet.")] = (
        "gzip"
    ),
    shard_rows: Annotated[int, typer.Option("--shard-rows", min=1, help="Examples in a full file.")] = 100_000,
    tables: Tables = None,
) -> None:
    """Write a published version as files that trainers read: shards of each split, manifest.json, a dataset card.

    One version always gives the same bytes. Stopped half-way, the same command begins anew; the manifest comes last.

    Example: [bold]sluice export conf/recipes/reviews_zh.yaml latest --format classification --out exported[/bold]
    """
    from jobs.runtime import commands
    from jobs.runtime.export import Wanted

    commands.export_one(recipe, Wanted(number, form, out, compress, shard_rows), tables)


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
    except ModuleNotFoundError as error:
        return _fail(terminal.not_installed(error), ConfigError.exit_code, debug)
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
