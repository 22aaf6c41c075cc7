"""What the commands print: the split table after a run, a plan, the status, a story."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import orjson
from pyspark.sql import Row
from pyspark.sql import functions as F
from rich.markup import escape
from rich.table import Table as Grid

from jobs.runtime import console, log_lines
from jobs.runtime.context import Context
from jobs.runtime.errors import ConfigError
from jobs.runtime.explain import Facts
from jobs.runtime.export import Exported
from jobs.runtime.findings import OK, Finding
from jobs.runtime.notices import notices
from jobs.runtime.plan import Planned
from jobs.runtime.status import JobStatus, Status
from jobs.runtime.story import tell
from jobs.runtime.times import shown
from schemas.dataset_versions import DATASET_VERSIONS

STORY_FORMATS = ("text", "json")
GRID_CHARS = 200


def say(line: str) -> None:
    """One line as it is: nothing in it is markup, and no line is broken inside an id."""
    console.console.print(line, markup=False, highlight=False, soft_wrap=True)


def newest_manifest(context: Context) -> Row | None:
    """The manifest of the newest published version, None when there is none."""
    if not context.lake.exists(DATASET_VERSIONS):
        return None
    return context.scope.published().orderBy(F.desc("dataset_version")).first()


def show_split_table(context: Context, manifest: Row) -> None:
    """Print the split table of one version."""
    name = f"[bold]{context.recipe.dataset}[/bold] version {manifest['dataset_version']}"
    console.console.print(f"{name}  [dim]content digest {manifest['content_digest']}[/dim]")
    console.console.print(console.split_grid(manifest["split_counts"], manifest["label_counts"]))
    if (labels := console.label_grid(manifest["label_counts"])) is not None:
        console.console.print(labels)


def show_result(context: Context) -> None:
    """Print the split table of the newest published version, and what to know of it."""
    manifest = newest_manifest(context)
    if manifest is None:
        return
    show_split_table(context, manifest)
    worked = {outcome.job: outcome for outcome in context.outcomes}.get("publish_dataset")
    log_lines.version(manifest, changed=worked is not None and worked.rows_out > 0)
    if worked is not None and not worked.rows_out:
        say(f"  nothing changed: version {manifest['dataset_version']} stands")
    elif worked is not None:
        for notice in notices(context, manifest):
            console.console.print(console.notice(notice))
            log_lines.event("note", dataset=context.recipe.dataset, text=notice)


def show_plan(dataset: str, plan: list[Planned]) -> None:
    """Print what a run would work: "<=" stands before a bound."""
    grid = _grid("job", "*rows to process", "of", "why")
    for job in plan:
        bound = "" if job.exact else "<= "
        rows = "-" if job.rows is None else f"{bound}{job.rows:,}"
        grid.add_row(job.job, rows, job.of, job.reason or "unchanged")
        log_lines.event("plan", dataset=dataset, **asdict(job))
    say(f"{dataset}: nothing is written. Changed files were read to count their rows.")
    _print_grid(grid)


def show_status(dataset: str, status: Status) -> None:
    """Print the jobs, then the published versions."""
    grid = _grid("job", "*rows", "of", "*version", "state", "last worked (UTC)", "*seconds")
    for job in status.jobs:
        grid.add_row(job.job, *_cells(job))
    versions = _grid("version", "published (UTC)", "*examples", *[f"*{split}" for split in console.SPLITS], "digest")
    for row in status.versions:
        counts = [f"{row['split_counts'].get(split, 0):,}" for split in console.SPLITS]
        name = f"{row['dataset_version']} {row['name'] or ''}".strip()
        at = shown(row["published_at"])
        versions.add_row(name, at, f"{row['num_examples']:,}", *counts, row["content_digest"])
    say(dataset)
    _print_grid(grid)
    if status.fault:
        say(status.fault)
    if status.versions:
        _print_grid(versions)
    else:
        say("no version is published yet")


def _cells(job: JobStatus) -> tuple[str, ...]:
    # Why is a longer story, which `sluice run` tells.
    waits = f"waits for {job.behind}" if job.behind else "not asked for" if job.idle else "up to date"
    state = f"stale: {job.stale}" if job.stale else waits
    return (
        "-" if job.rows is None else f"{job.rows:,}",
        job.of,
        "-" if job.version is None else str(job.version),
        escape(state),
        shown(job.finished_at) if job.finished_at else "never",
        f"{job.seconds:.1f}" if job.seconds is not None else "",
    )


def show_story(facts: Facts, form: str) -> None:
    """Print the story; as JSON the facts with it, but no text of the row."""
    if form == "text":
        for sentence in tell(facts):
            say(sentence)
        return
    document = {k: v for k, v in facts["document"].items() if k != "text"} if facts["document"] else None
    whole = facts | {"document": document, "story": tell(facts, with_text=False)}
    sys.stdout.write(orjson.dumps(whole, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def show_findings(findings: Sequence[Finding], recipe: str | None = None, dataset: str | None = None) -> None:
    """Print a line a finding, under the recipe that they belong to; without one they are of this machine."""
    say(f"{dataset} ({recipe})" if dataset else recipe or "this machine")
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        color = "red" if finding.is_fault else "green" if finding.state == OK else "yellow"
        state = f"[{color}]{finding.state:<10}[/{color}]"
        console.console.print(f"  {state} {escape(finding.what):<{width}}  {escape(finding.said)}")
        log_lines.event("check", recipe=recipe, dataset=dataset, **asdict(finding))


def close_findings(findings: Sequence[Finding]) -> None:
    """Say that nothing is missing; ConfigError names what is."""
    faults = [finding.what for finding in findings if finding.is_fault]
    if faults:
        raise ConfigError(f"{len(faults)} of {len(findings)} checks failed: {', '.join(faults)}. Nothing was run.")
    say(f"all {len(findings)} checks passed; nothing was run")


def show_export(exported: Exported) -> None:
    """Print a line a split, what the format could not hold, and where the files are."""
    document = exported.manifest
    for split, one in document["splits"].items():
        files = f"{one['files']:,} file{'' if one['files'] == 1 else 's'}"
        say(f"  {split:<6}{one['rows']:>12,} examples  {files}  {one['bytes']:,} bytes")
    for name, rows in document["left_out"].items():
        console.console.print(console.notice(f"{name} of {rows:,} examples has no place in this format"))
    asked = document["export"]
    named = f"{asked['dataset']} version {asked['dataset_version']} as {asked['format']}"
    say(f"{named} {'is' if exported.new else 'was there already, unchanged:'} in {exported.where}")


def _grid(*columns: str) -> Grid:
    """A plain grid; a star before a name sets numbers to the right."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        grid.add_column(name.lstrip("*"), justify="right" if name.startswith("*") else "left", no_wrap=True)
    return grid


def _print_grid(grid: Grid) -> None:
    """As wide as it is: a terminal wraps a line better than a grid breaks a name."""
    console.console.print(grid, width=GRID_CHARS, crop=False, soft_wrap=False)
