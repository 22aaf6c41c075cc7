"""The package indexes that pip is configured for: which of them has a file of a release, and the file itself."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import requests
from pypi_simple import (
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnsupportedRepoVersionError,
)
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.util import Retry

T = TypeVar("T")

CONNECT_READ_SECONDS = (15.0, 60.0)
DOWNLOAD_ATTEMPTS = 3
INDEX_ERRORS = (OSError, NoSuchProjectError, UnsupportedRepoVersionError, ValueError, LookupError)


class NoIndexError(LookupError):
    """No index gives the file: what each of them said."""


def find_file(project: str, filename: str) -> str:
    """The first index that lists the file, without its credentials; NoIndexError where none does."""

    def find(client: PyPISimple) -> str:
        _listed(client, project, filename)
        return client.endpoint

    return _ask_indexes(find)


def download_file(project: str, filename: str, draft: Path) -> None:
    """Write the file, from the first index that has it, to the draft; NoIndexError where none does."""
    _ask_indexes(lambda client: _download(client, project, filename, draft))


def _ask_indexes(ask: Callable[[PyPISimple], T]) -> T:
    options = _pip_options()
    indexes = [options.get("index-url", PYPI_SIMPLE_ENDPOINT), *options.get("extra-index-url", "").split()]
    tried = []
    for index in indexes:
        endpoint, session = _session(index, options.get("cert"))
        try:
            with PyPISimple(endpoint, session=session) as client:
                return ask(client)
        except INDEX_ERRORS as error:
            tried.append(f"{endpoint} ({type(error).__name__}: {error})")
    raise NoIndexError("; ".join(tried))


def _listed(client: PyPISimple, project: str, filename: str) -> DistributionPackage:
    packages = client.get_project_page(project, timeout=CONNECT_READ_SECONDS).packages
    found = next((package for package in packages if package.filename == filename), None)
    if found is None:
        raise LookupError(f"it lists {len(packages)} files of {project}, none of this name")
    return found


def _download(client: PyPISimple, project: str, filename: str, draft: Path) -> None:
    """Stream the file into the draft; a connection that breaks half-way is tried again."""
    package = _listed(client, project, filename)
    for attempts_left in reversed(range(DOWNLOAD_ATTEMPTS)):
        try:
            # Not its own check: the digest that counts is the pinned one, not the one the index gives.
            return client.download_package(package, draft, verify=False, timeout=CONNECT_READ_SECONDS)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            if not attempts_left:
                raise


def _session(index: str, cert: str | None) -> tuple[str, requests.Session]:
    """Return the index without its credentials, so that no message shows them, and a session that has them."""
    parts = urlsplit(index)
    host = parts.netloc.rpartition("@")[2]
    session = requests.Session()
    session.verify = cert or True
    busy = (429, 500, 502, 503, 504)
    retries = Retry(total=3, backoff_factor=0.3, status_forcelist=busy, respect_retry_after_header=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    if parts.username:
        session.auth = _login(host, unquote(parts.username), unquote(parts.password or ""))
    return parts._replace(netloc=host).geturl(), session


def _login(host: str, user: str, password: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return the credentials for one host only: an index may list files that lie elsewhere."""
    basic = HTTPBasicAuth(user, password)
    return lambda request: basic(request) if urlsplit(request.url).netloc == host else request


def _pip_options() -> dict[str, str]:
    """Return pip's own index settings, from its files and then the environment, as pip ranks them."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    settings = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    options = {}
    for option in ("index-url", "extra-index-url", "cert"):
        for section in ("global", "install"):
            if found := settings.get(f"{section}.{option}"):
                options[option] = str(ast.literal_eval(found))
        if found := os.environ.get(f"PIP_{option.upper().replace('-', '_')}"):
            options[option] = found
    return options
