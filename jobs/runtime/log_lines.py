"""Lines for programs: with `--log-format json` each line of a run is one JSON object, and nothing else is printed.

{"time": "2026-11-22T13:45:07Z", "event": "job", "dataset": "faq", "job": "ingest_records", "rows_out": 12, ...}

A line goes to the stream of the text in whose place it stands. It has ids, counts and names; no text of a record.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import IO, Annotated, Any

import orjson
import typer

from jobs.runtime.errors import ConfigError

FORMATS = ("text", "json")
OPTION = "--log-format"
OF_OUTCOME = ("job", "status", "rows_in", "rows_out", "rows_changed", "dropped", "seconds", "cpu_seconds", "note")
OF_MANIFEST = ("dataset", "dataset_version", "content_digest", "num_examples", "split_counts", "label_counts")

INTERRUPTED = 130

Format = Annotated[
    str, typer.Option(OPTION, metavar="FORMAT", help="text, or json: each line of the run an object, for platforms.")
]

# Of the process, as Python's own logging is: what prints a line knows of no arguments.
_chosen = {"format": "text"}


def call(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Run a command with its lines in the format that its arguments name. ConfigError where that is none, and, where
    lines are JSON, for arguments that typer refuses; SystemExit as typer ends, 130 for Ctrl-C."""
    _chosen["format"] = _wanted(arguments)
    try:
        code = app(args=list(arguments), prog_name="sluice", standalone_mode=not is_json())
    except typer.Abort:
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        told = getattr(error, "format_message", None)  # only typer's own have it
        if told is None:
            raise
        raise ConfigError(told()) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _wanted(arguments: Sequence[str]) -> str:
    """Looked for before arguments are parsed: errors of parsing are lines, too."""
    named = [value for option, value in pairwise(arguments) if option == OPTION]
    named += [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{OPTION}=")]
    if unknown := [form for form in named if form not in FORMATS]:
        raise ConfigError(f"{OPTION} {unknown[0]}: expected one of {', '.join(FORMATS)}")
    return named[-1] if named else "text"


def is_json() -> bool:
    """Whether lines are JSON objects."""
    return _chosen["format"] == "json"


def event(name: str, **facts: Any) -> None:
    """Write one line to standard output; as text there is nothing to do."""
    if is_json():
        _write(sys.stdout, name, facts)


def job(dataset: str, outcome: Any) -> None:
    """The line of one job: what `Outcome` says of it."""
    event("job", dataset=dataset, **{name: getattr(outcome, name) for name in OF_OUTCOME})


def version(manifest: Any, changed: bool) -> None:
    """The line of the newest version of a dataset. changed: whether this run published it."""
    event("version", **{name: manifest[name] for name in OF_MANIFEST}, changed=changed)


def failure(message: str, exit_code: int) -> None:
    """Write the error that ends a command to standard error."""
    if is_json():
        _write(sys.stderr, "error", {"message": message, "exit_code": exit_code})
    else:
        sys.stderr.write(f"error: {message}\n")


def _write(stream: IO[str], name: str, facts: dict[str, Any]) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stream.write(orjson.dumps({"time": now, "event": name, **facts}, default=str).decode() + "\n")
    stream.flush()  # a platform shows lines as they come
