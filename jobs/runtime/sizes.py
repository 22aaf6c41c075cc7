"""Whether a run is small, told before Spark starts: by the files of its sources and of its lake."""

import os
from collections.abc import Iterator, Sequence

from jobs.runtime.catalogs import is_name
from jobs.runtime.errors import ConfigError
from jobs.runtime.listing import list_source
from jobs.runtime.recipe import Recipe

SMALL_SOURCES, SMALL_LAKE = 50_000_000, 200_000_000


def are_small(recipes: Sequence[Recipe], *, with_sources: bool) -> bool:
    """Whether all lakes are on this machine and small, some 100,000 records at most; and all sources.

    with_sources: false where none is read, so that no asset is fetched to be measured."""
    try:
        if not all(_is_small_lake(recipe.tables) for recipe in recipes):
            return False
        return not with_sources or sum(sum(_source_sizes(recipe)) for recipe in recipes) <= SMALL_SOURCES
    except (ConfigError, OSError):  # the run itself says what is wrong
        return False


def _source_sizes(recipe: Recipe) -> Iterator[int]:
    """Bytes of each file; more than is small where only Spark or a store can tell."""
    for source in recipe.sources:
        is_elsewhere = source.format == "delta" or ("://" in source.path and not source.path.startswith("file://"))
        yield from [SMALL_SOURCES + 1] if is_elsewhere else [file.size_bytes for file in list_source(source)]


def _is_small_lake(location: str) -> bool:
    if "://" in location or is_name(location):
        return False
    total = 0
    for folder, _, names in os.walk(location):
        total += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
        if total > SMALL_LAKE:
            return False
    return True
