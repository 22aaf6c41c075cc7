"""Whether there is a lake at all: looking at one that is not there must not end in empty tables or in Spark's words."""

from pathlib import Path

from jobs.runtime.catalogs import is_name
from jobs.runtime.errors import ConfigError
from jobs.runtime.locations import unusable
from jobs.runtime.recipe import Recipe
from jobs.runtime.tables import Lake
from schemas.leases import LEASES
from schemas.source_files import SOURCE_FILES


def is_absent(location: str) -> bool:
    """Whether a local folder holds no Delta table; of a remote place or a catalog only Spark can tell, so false."""
    if "://" in location or is_name(location):
        return False
    try:
        found = sorted(Path(location).iterdir()) if Path(location).is_dir() else []
        return not any((folder / "_delta_log").is_dir() for folder in found)
    except OSError as error:
        raise unusable(location, error) from None


def absent(recipe: Recipe) -> str:
    """What to say where there is no lake."""
    where = recipe.tables if "://" in recipe.tables or is_name(recipe.tables) else Path(recipe.tables).absolute()
    return (
        f"there is no lake at {where} yet. Build it with `sluice run {recipe.path}`, "
        "or name another place with --tables; a relative place counts from the folder you are in."
    )


def require_lake_folder(recipe: Recipe) -> None:
    """Raise ConfigError, before Spark starts, where a local lake is not there."""
    if is_absent(recipe.tables):
        raise ConfigError(absent(recipe))


def require_lake(lake: Lake, recipe: Recipe) -> None:
    """Raise ConfigError where there is no lake: the first run makes these tables before any other."""
    if not (lake.exists(SOURCE_FILES) or lake.exists(LEASES)):
        raise ConfigError(absent(recipe))
