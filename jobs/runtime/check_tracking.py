"""Whether runs can be tracked: MLflow's database, folder or server, asked without leaving anything there."""

import os
import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from jobs.runtime import tracking
from jobs.runtime.check_places import try_folder
from jobs.runtime.errors import AbsentError, AccessError
from jobs.runtime.findings import OK, Said
from jobs.runtime.local_files import local_path
from jobs.runtime.recipe import Recipe

SQLITE = "sqlite:///"
SERVERS = ("http://", "https://", "databricks", "uc:")
WAIT_SECONDS = 5
SAID_CHARS = 160
LOGIN = re.compile(r"//[^/@\s]*@")


def check_tracking(recipe: Recipe) -> Said:
    """AccessError where MLflow cannot be written or reached, AbsentError where a package that it needs is not here."""
    uri = tracking.uri_of(recipe)
    shown = tracking.without_secret(uri)
    try:
        if uri.startswith(SERVERS):
            return OK, f"{shown}: {_ask_server(uri, recipe.tracking.experiment)}"
        if uri.startswith("sqlite:"):
            return OK, f"{shown}: {_try_sqlite(uri)}"
        if "://" in uri and not uri.startswith("file:"):
            return OK, f"{shown}: {_ask_database(uri)}"
        return OK, f"{shown}: {try_folder(os.path.abspath(local_path(uri)))} can be written"
    except AbsentError:
        raise
    except Exception as error:  # of MLflow, of a database's driver, of the system
        said = LOGIN.sub("//***@", str(error).partition("\n")[0])[:SAID_CHARS].rstrip(".")
        raise AccessError(
            f"tracking: MLflow at {shown} cannot be used: {said or type(error).__name__}; {tracking.UNTRACKED}"
        ) from None


def _ask_server(uri: str, experiment: str) -> str:
    found = tracking.has_experiment(uri, experiment)
    return f"the experiment {experiment} is there" if found else f"it answers; the run makes experiment {experiment}"


def _try_sqlite(uri: str) -> str:
    """Lock the file for writing, and let it go."""
    _require_databases()
    path = Path(uri.removeprefix(SQLITE).partition("?")[0]).absolute()
    tried = try_folder(str(path.parent))  # a journal comes beside the file
    if not path.exists():
        return f"made by the first run, {tried} can be written"
    name = f"file:{quote(str(path))}?mode=rw"
    with closing(sqlite3.connect(name, uri=True, timeout=WAIT_SECONDS)) as database:
        database.execute("SELECT count(*) FROM sqlite_master")
        database.execute("BEGIN IMMEDIATE")
        database.rollback()
    return "can be written"


def _ask_database(uri: str) -> str:
    _require_databases()
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    engine.connect().close()
    engine.dispose()
    return "the database answers"


def _require_databases() -> None:
    """Only the whole of mlflow keeps runs in a database; the small one talks to servers."""
    if find_spec("sqlalchemy") is None:
        raise AbsentError(
            "tracking: a database needs the whole of MLflow, and the package sqlalchemy is not installed here: "
            f"pip install 'sluice-sft[local]', or name a server. Without it {tracking.UNTRACKED}"
        )
