"""A file of a store on the disk of this machine, for libraries that open paths only."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from udfs.file_systems import URI, find_file


def local_copy(place: str) -> str:
    """Return a path as it is, and for a URI the path of a copy, fetched once a machine and user.

    What lies at the URI must never change: give it the digest of its content.  Raises OSError as the store does.
    """
    if not URI.match(place):
        return place
    folder = Path(tempfile.gettempdir(), f"sluice-{os.getuid()}", hashlib.sha256(place.encode()).hexdigest()[:32])
    target = folder / place.rpartition("/")[2]
    if not target.is_file():
        _fetch(place, target)
    return str(target)


def _fetch(uri: str, target: Path) -> None:
    """Whole or not at all: the Python workers of a machine come here at the same time."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    filesystem, path = find_file(uri)
    descriptor, draft = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file, filesystem.open_input_stream(path, compression=None) as stream:
            shutil.copyfileobj(stream, file)
        os.replace(draft, target)
    finally:
        Path(draft).unlink(missing_ok=True)
