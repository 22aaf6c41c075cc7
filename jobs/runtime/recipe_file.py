"""Read a recipe's text from a local path or an object store; show its place without credentials."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode
from urllib.request import url2pathname

from jobs.runtime.errors import AbsentError, AccessError, ConfigError
from udfs.file_systems import find_file

STORES = ("s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss")
EXPECTED = "a local path, /Volumes/..., file:, dbfs:/, s3://, s3a://, gs:// or abfss://"
# Options of a URI that tell where the store is, not who asks.
HARMLESS = ("region", "scheme", "endpoint_override")
MASK = "***"
SHOWN_CHARS = 300


def read_recipe(place: str) -> str:
    """Return the text of a recipe; ConfigError where it cannot be read or is not UTF-8."""
    shown = without_credentials(place)
    try:
        data = _read_store(place) if _scheme(place) in STORES else Path(_local(place)).read_bytes()
    except OSError as error:
        said = error.strerror or str(error).partition("\n")[0].replace(place, shown)
        kind = AbsentError if isinstance(error, FileNotFoundError) else AccessError
        raise kind(f"{shown}: the recipe cannot be read: {said[:SHOWN_CHARS]}. Give the path of a YAML file.") from None
    except ValueError:  # pyarrow's words would quote the URI, credentials and all
        raise ConfigError(f"{shown}: the recipe cannot be read: no place that is known. Expected {EXPECTED}.") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown}: not UTF-8: byte {error.start + 1} is wrong. Save the recipe as UTF-8.") from None


def without_credentials(place: str) -> str:
    """The place as messages and tables may show it: users, passwords and tokens of a URI are masked."""
    scheme, found, rest = place.partition("://")
    if not found or not _scheme(place):
        return place
    where, question, query = rest.partition("?")
    login, at, path = where.rpartition("@")
    # A secret may hold slashes, but without a colon before it an @ belongs to a path; of abfss it ends the container.
    if at and (":" in login or not ("/" in login or scheme.lower().startswith("abfs"))):
        where = f"{MASK}@{path}"
    options = [(name, value if name in HARMLESS else MASK) for name, value in parse_qsl(query, keep_blank_values=True)]
    return f"{scheme}://{where}{question}{urlencode(options, safe='*:/')}"


def _scheme(place: str) -> str:
    """The scheme of a URI in lower case, empty for a path; a letter and a colon are no scheme."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", place)
    return found[1].lower() if found else ""


def _read_store(place: str) -> bytes:
    system, path = find_file(place)
    with system.open_input_stream(path, compression=None) as stream:
        return bytes(stream.read())


def _local(place: str) -> str:
    scheme = _scheme(place)
    if scheme == "file":
        return url2pathname(place.partition(":")[2].removeprefix("//"))
    if scheme == "dbfs":
        # Databricks mounts its file system at /dbfs, and volumes at their own path.
        path = "/" + place.partition(":")[2].lstrip("/")
        return path if path.startswith("/Volumes/") else f"/dbfs{path}"
    if scheme and not os.path.exists(place):
        raise ValueError(f"no store is known for {scheme}")
    return place
