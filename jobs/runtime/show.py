"""What a run prints at its end: the split table, where the tables are, what to try next."""

from pyspark.sql import functions as F

from jobs.runtime import console
from jobs.runtime.run import Context


def show_result(context: Context) -> None:
    """Print the split table of the newest published version."""
    if not context.lake.exists(context.jobs[-1].writes):
        return
    manifest = context.scope.published().orderBy(F.desc("dataset_version")).first()
    if manifest is None:
        return
    name = f"[bold]{context.recipe.dataset}[/bold] version {manifest['dataset_version']}"
    console.console.print(f"{name}  [dim]content digest {manifest['content_digest']}[/dim]")
    console.console.print(console.split_grid(manifest["split_counts"], manifest["label_counts"]))
