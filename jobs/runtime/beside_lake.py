"""Refuse a source that holds the lake, or lies in it: it would grow by what each run writes."""

import os
from collections.abc import Iterable
from functools import cache

from jobs.runtime.errors import ConfigError
from jobs.runtime.listed import HIDDEN
from jobs.runtime.local_files import local_path
from jobs.runtime.source import Source
from udfs.file_systems import split_uri


def refuse_lake(source: Source, lake: str, places: Iterable[str]) -> None:
    """ConfigError where a folder that is walked for files holds the lake, or one of these places lies in it."""
    if source.format == "python":
        return
    if (source.format != "delta" and _is_walked(source.path, lake)) or _lies_in(places, lake):
        raise ConfigError(
            f"source {source.name}: {source.path} holds the lake {lake}. Mend `path` or `tables`: one beside the other."
        )


def _is_walked(folder: str, lake: str) -> bool:
    top, place = _whole(folder), _whole(lake) + "/"
    if not place.startswith(top.rstrip("/") + "/") or not (_is_uri(folder) or os.path.isdir(top)):
        return False
    return not any(name.startswith(HIDDEN) for name in place.removeprefix(top).split("/"))


def _lies_in(places: Iterable[str], lake: str) -> bool:
    """Files of one folder are many: its links are followed once, then those of each file."""
    top = _whole(lake) + "/"
    parent = cache(os.path.realpath)
    for place in places:
        place = place if _is_uri(place) else local_path(place)
        if _is_uri(place):
            is_inside = _whole(place).startswith(top)
        elif os.path.islink(place):
            is_inside = os.path.realpath(place).startswith(top)
        else:
            is_inside = f"{parent(os.path.dirname(place))}/{os.path.basename(place)}".startswith(top)
        if is_inside:
            return True
    return False


def _whole(place: str) -> str:
    """A place however it is written: of this machine without links, elsewhere without query."""
    if _is_uri(place):
        return split_uri(place)._replace(query="").uri().rstrip("/")
    return os.path.realpath(local_path(place))


def _is_uri(place: str) -> bool:
    return "://" in place and not place.startswith("file:")
