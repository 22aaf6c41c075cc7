"""Keep the terminal for the user: what libraries say goes to this process's log file, errors are said in short."""

import logging
import os
import re
import sys
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path

ERROR_CHARS = 500


@cache
def log_file() -> Path:
    """Where this process's log goes: logs/ here, or the system's place for temporary files where that is not ours."""
    here = Path("logs")
    writable = os.access(here if here.exists() else Path.cwd(), os.W_OK)
    folder = here.absolute() if writable else Path(tempfile.gettempdir()) / "sluice-logs"
    return folder / f"sluice-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"


def quiet() -> Path:
    """Send Python's logging and warnings to the log file, and return it. Call it before anything imports mlflow."""
    # MLflow would write its INFO lines ("Updating database tables") to the terminal with a handler of its own.
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=path, level=logging.INFO, format=form, encoding="utf-8")
    logging.captureWarnings(True)
    # Py4J's own messages quote what it sends, texts included.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    # PySpark's would write every failed query to the terminal as JSON, with values of rows; the error says enough.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).disabled = True
    return path


def survive_encodings() -> None:
    """A terminal that cannot show a character gets its escape instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def in_short(error: BaseException) -> str:
    """One line of an unexpected error. Of one from a Python worker it is what the worker raised, not Spark's frame."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b.*: ", line)]
    if "Python worker" in str(error) and raised:
        return raised[-1][:ERROR_CHARS]
    told = [line for line in lines if not line.startswith(("An error occurred while calling", "Traceback"))]
    return f"{type(error).__name__}: {told[0].lstrip(': ')}"[:ERROR_CHARS] if told else type(error).__name__


def not_installed(error: ModuleNotFoundError) -> str:
    """Which package is not here, and what brings it."""
    return (
        f"the Python package {(error.name or '').partition('.')[0]} is not installed in {sys.prefix}. On one machine "
        "pip install 'sluice-sft[local]' brings all, Spark too; a cluster's platform brings Spark itself."
    )


def where_to_look() -> str:
    """The last line under an unexpected error."""
    debug = "Run again with --debug for a traceback."
    return f"The log of this run is {log_file()}. {debug}" if log_file().exists() else debug
