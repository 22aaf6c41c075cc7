"""Where a lake may be: an existing folder or a place for one; faults of storage as errors that name the setting."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.runtime.errors import AccessError, ConfigError

# What Delta and Hadoop say of a place that cannot be written, or that no file system serves.
FAULTS = (
    "DELTA_CANNOT_CREATE_LOG_PATH",
    "UnsupportedFileSystemException",
    "ParentNotDirectoryException",
    "AccessDenied",
    "AccessControlException",
    "Permission denied",
    "Mkdirs failed",
)


def require_usable(location: str) -> None:
    """ConfigError where a local lake would have to be inside a file, or where nobody may look."""
    path = Path(location)
    try:
        while not path.exists() and path != path.parent:
            path = path.parent
        is_folder = path.is_dir()
    except OSError as error:
        raise unusable(location, error) from None
    if not is_folder:
        raise ConfigError(f"tables: {location} cannot be a lake: {path} is a file, expected a folder. Mend `tables`.")


def require_local(location: str, master: str) -> None:
    """ConfigError where each machine of a cluster would take a relative folder for one of its own."""
    if not master.startswith("local"):
        raise ConfigError(
            f"tables: {location} is a relative path, and the master {master} works on several machines: expected a "
            "place that all of them see, such as s3://bucket/lake, or an absolute path on a shared disk. Mend `tables`."
        )


def unusable(location: str, error: OSError) -> ConfigError:
    """What the system said of the place."""
    said = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return AccessError(f"tables: {location} cannot be used: {said}. Mend `tables`, or the rights there.")


@contextmanager
def faults_named(location: str) -> Iterator[None]:
    """ConfigError for a fault of the place; any other error passes."""
    try:
        yield
    except Exception as error:  # classic Spark raises py4j's own for faults of Hadoop
        fault = next((line for line in str(error).splitlines() if any(known in line for known in FAULTS)), None)
        if fault is None:
            raise
        raise ConfigError(
            f"tables: {location} cannot be used: {fault.strip(': ')[:300]}. Mend `tables`, or the rights there."
        ) from None
