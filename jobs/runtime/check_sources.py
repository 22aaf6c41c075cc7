"""Whether the sources of a recipe are there and their files may be read; no record is read."""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pyarrow import fs
from pyspark.sql import SparkSession

from jobs.runtime.assets import cached_file
from jobs.runtime.beside_lake import refuse_lake
from jobs.runtime.check_assets import check_asset
from jobs.runtime.errors import AbsentError, AccessError
from jobs.runtime.findings import OK, Said, count
from jobs.runtime.listed import DELTA_LOG, Listed
from jobs.runtime.listing import list_one
from jobs.runtime.local_files import local_path
from jobs.runtime.source import Source
from jobs.runtime.source_tables import AT_VERSION, FORMAT, is_named
from udfs.file_systems import find_file, open_at_random

ASSET = "asset:"
COMMIT = re.compile(r"(\d{20})\.json")
# Rights hold for whole buckets and folders of a store, and each file asked for is a request.
REMOTE_TRIES = 8
THREADS = 8
SHOWN = 3


def check_source(source: Source, lake: str, spark: SparkSession | None) -> Said:
    """How many files and bytes it finds, or which version of a table; ConfigError where a run could not read it.

    spark: a session, where one is started; tables that are known by name need it."""
    if source.path.startswith(ASSET) and cached_file(source.path.removeprefix(ASSET)) is None:
        return check_asset(source.path.removeprefix(ASSET))
    if source.format == FORMAT and spark is None and not is_named(source):
        return OK, f"{source.path}: a table at version {_newest_version(source, lake)}"
    files = list_one(source, lake, spark)
    if source.format == FORMAT:
        return OK, f"{source.path}: a table at version {files[0].uri.rpartition(AT_VERSION)[2]}{_size(files)}"
    tried = _require_readable(source, files)
    some = f" ({tried} of them opened)" if tried < len(files) else ""
    return OK, f"{source.path}: {count(len(files), 'file')}{_size(files)}{some}"


def _size(files: Sequence[Listed]) -> str:
    return f", {sum(file.size_bytes for file in files):,} bytes"


def _require_readable(source: Source, files: Sequence[Listed]) -> int:
    """How many files were opened; AccessError names those that may not be. To list a file is another right."""
    step = -(-len(files) // REMOTE_TRIES) if "://" in files[0].uri else 1
    tried = files[::step]
    with ThreadPoolExecutor(THREADS) as pool:
        faults = [fault for fault in pool.map(_unread, tried) if fault]
    if faults:
        named = "; ".join(faults[:SHOWN]) + (f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else "")
        raise AccessError(
            f"source {source.name}: {source.path} finds {count(len(files), 'file')}, of which cannot be read: {named}. "
            "Mend the rights there, or `path`."
        )
    return len(tried)


def _unread(file: Listed) -> str:
    """Why a file's first byte cannot be read; empty where it can."""
    try:
        with open_at_random(file.uri) as stream:
            stream.read(1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        return f"{file.path} ({said})"
    return ""


def _newest_version(source: Source, lake: str) -> int:
    """Of a table at a path, by the names of its commits."""
    if lake:
        refuse_lake(source, lake, [source.path])
    where = f"source {source.name}: expected a Delta table at {source.path}"
    try:
        system, path = _find(source.path)
        entries = system.get_file_info(fs.FileSelector(f"{path.rstrip('/')}/{DELTA_LOG}", allow_not_found=True))
        commits = sorted(entry.path for entry in entries if COMMIT.fullmatch(entry.base_name))
        if commits:
            with system.open_input_file(commits[-1]) as stream:
                stream.read(1)
    except (OSError, ValueError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise AccessError(f"{where}: {said}. Mend `path`, or the rights there.") from None
    if not commits:
        raise AbsentError(f"{where}: no commit in {DELTA_LOG}. Mend `path`, a folder with {DELTA_LOG}; or `format`.")
    return int(os.path.basename(commits[-1]).partition(".")[0])


def _find(place: str) -> tuple[fs.FileSystem, str]:
    if "://" in place and not place.startswith("file:"):
        return find_file(place)
    return fs.LocalFileSystem(), os.path.abspath(local_path(place))
