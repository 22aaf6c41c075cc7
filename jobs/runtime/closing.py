"""The end of a run: every split table together, where things are, what to try next."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import functions as F

from jobs.runtime import console, log_lines, tracking
from jobs.runtime.context import Context
from jobs.runtime.show import newest_manifest, say, show_split_table
from schemas.selections import SELECTIONS

OUTCOMES = "SELECT outcome, drop_reason, count(*) AS records FROM outcomes GROUP BY ALL ORDER BY ALL"


def show_closing(contexts: Sequence[Context]) -> None:
    """Print what a user needs to go on; nothing where no version is published yet."""
    published = [(context, manifest) for context in contexts if (manifest := newest_manifest(context)) is not None]
    lakes = list(dict.fromkeys(one.lake.location for one in contexts))
    log_lines.event("end", datasets=[one.recipe.dataset for one in contexts], lakes=lakes)
    if not published:
        return
    if len(published) > 1:
        console.console.print("\n[bold]Datasets[/bold]")
        for context, manifest in published:
            show_split_table(context, manifest)
    context = published[0][0]
    recipe, command = shlex.quote(context.recipe.path), command_name()
    console.console.print("\n[bold]Tables[/bold]")
    for location in lakes:
        say(f"  {location}")
    console.console.print("[bold]MLflow[/bold]")
    say(f"  {mlflow_page(context)}")
    console.console.print("[bold]Try next[/bold]")
    say(f'  {command} sql {recipe} "SELECT * FROM split_sizes"')
    say(f'  {command} sql {recipe} "{OUTCOMES}"')
    say(f"  {command} explain {recipe} {some_document(context)}")


def command_name() -> str:
    """How this command was called, as the user can call it again."""
    return _here(Path(sys.argv[0])) if Path(sys.argv[0]).name == "sluice" else "sluice"


def mlflow_page(context: Context) -> str:
    """How to open MLflow's page of these runs."""
    uri = tracking.uri_of(context.recipe)
    program = _here(Path(sys.executable).parent / "mlflow")
    return f"{program} ui --backend-store-uri {uri}" if uri.startswith("sqlite:") else tracking.without_secret(uri)


def _here(program: Path) -> str:
    """A program below the working folder by its relative path, others by their name."""
    absolute = Path.cwd() / program
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else program.name


def some_document(context: Context) -> str:
    """A document that the newest version dropped, else any: a story worth reading."""
    mine = context.lake.read(SELECTIONS).where(F.col("dataset") == context.recipe.dataset)
    row = mine.agg(F.min(F.struct(F.col("drop_reason").isNull(), "document_id")).alias("one")).first()
    return str(row["one"]["document_id"]) if row and row["one"] else "ID"
