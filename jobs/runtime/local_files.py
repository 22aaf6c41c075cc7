"""List the files of this machine that a source's path means: a file, a folder, a glob, Python sources."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.request import url2pathname

from jobs.runtime.errors import AbsentError, AccessError, ConfigError
from jobs.runtime.listed import DELTA_LOG, HIDDEN, Listed, is_hidden, refuse_table, table_roots
from jobs.runtime.source import Source


def list_local(source: Source) -> list[Listed]:
    """The files, in order of path; ConfigError where nothing is there, or where something may not be seen."""
    path = local_path(source.path)
    if source.format == "python":
        return _python_files(source, path)
    if os.path.isdir(path):
        files = sorted(_file(source, found.path, found) for found in _walk(source, path))
    elif os.path.exists(path):
        files = [_file(source, path)]
    elif glob.has_magic(path):
        files = [_file(source, name) for name in _globbed(source, path)]
    else:
        raise _absent(source, path)
    if source.format == "parquet":
        refuse_table(source, (root for root in table_roots(file.uri for file in files) if _has_log(root)))
    return files


def _has_log(folder: str) -> bool:
    return os.path.isdir(os.path.join(folder, DELTA_LOG))


def absence_of(source: Source) -> ConfigError | None:
    """Why the path of a source is not there, as far as a glance tells; None for one that is no path of this machine."""
    path = local_path(source.path)
    if ":" in path or glob.has_magic(path) or source.format in ("delta", "python") or os.path.exists(path):
        return None
    return _absent(source, path)


def local_path(path: str) -> str:
    """A path of this machine as the operating system takes it: file: URIs are decoded, ~ is the user's home."""
    if path.startswith("file:"):  # what may be a pattern keeps its ? and #
        return url2pathname(path.removeprefix("file:").removeprefix("//"))
    return os.path.expanduser(path)


def _may(path: str | Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _unreadable(source: Source, path: str, why: str) -> ConfigError:
    return AccessError(f"source {source.name}: {path} cannot be read: {why}. Mend `path`, or the rights there.")


def _absent(source: Source, path: str) -> ConfigError:
    """Why a path is not there: the first folder above it that may not be entered, if one is."""
    for parent in reversed(Path(path).absolute().parents):
        if parent.is_dir() and not _may(parent, os.X_OK):
            return _unreadable(source, path, f"no permission to enter {parent}")
    return AbsentError(f"source {source.name}: {path} does not exist (looked in {os.getcwd()}). Mend `path`.")


def _python_files(source: Source, path: str) -> list[Listed]:
    """.py files, or all below a folder, by the paths from which an import would name them."""
    root = Path(path)
    if root.is_dir():
        names = [found.path for found in _walk(source, path, hidden=(".",))]
    else:
        names = [path] if root.is_file() else _globbed(source, path)
        root = next((parent for parent in root.parents if not glob.has_magic(str(parent))), root)
    found = sorted(Path(name) for name in names if name.endswith(".py"))
    top = Path(os.path.abspath(root))
    while (top / "__init__.py").is_file():  # inside a package, whose name is part of the module's
        top = top.parent
    logical = [Path(os.path.abspath(name)).relative_to(top).as_posix() for name in found]
    return [_file(source, str(name))._replace(path=path) for name, path in zip(found, logical, strict=True)]


def _is_meant(name: str, pattern: str) -> bool:
    """Folders that `raw/*` or `raw/**` meets are passed by; one that `raw/*.jsonl` meets was meant as a file, and
    becomes a file that cannot be read: nothing is left out in silence."""
    return bool(os.path.splitext(pattern)[1]) or not os.path.isdir(name)


def _globbed(source: Source, pattern: str) -> list[str]:
    """What a pattern meets. glob passes by what it may not read: then records would seem to have vanished."""
    whole = Path(pattern)
    for parent, child in zip(whole.parents, (whole, *whole.parents), strict=False):
        # Only a folder in which names are looked for need be listed; the others are passed through.
        mode = os.X_OK | (os.R_OK if glob.has_magic(child.name) else 0)
        for folder in glob.glob(f"{parent}{os.sep}", recursive=True):
            if not _may(folder, mode):
                raise _unreadable(source, pattern, f"no permission to list {folder}")
    return sorted(name for name in glob.glob(pattern, recursive=True) if _is_meant(name, pattern))


def _walk(source: Source, folder: str, hidden: tuple[str, ...] = HIDDEN) -> Iterator[os.DirEntry[str]]:
    """The files below a folder; links are followed, each folder is entered once."""
    entered: set[str] = set()
    waiting = [folder]
    while waiting:
        if (place := os.path.realpath(base := waiting.pop())) in entered:
            continue
        entered.add(place)
        try:
            with os.scandir(base) as entries:
                found = [one for one in entries if not is_hidden(one.name, source.format, hidden)]
            folders = {one.path for one in found if one.is_dir()}
        except OSError as error:
            raise _unreadable(source, folder, f"{error.strerror}: {error.filename}") from None
        # In one order everywhere, so that of two ways to a folder the same is taken.
        waiting += sorted(folders, reverse=True)
        yield from (one for one in found if one.path not in folders)


def _file(source: Source, name: str, found: os.DirEntry[str] | None = None) -> Listed:
    """The facts of a file; a scan of its folder may know them."""
    try:
        name.encode()
        facts = found.stat() if found else os.stat(name)
    except UnicodeEncodeError:
        raise ConfigError(f"source {source.name}: file name {name!r} is not UTF-8. Rename the file.") from None
    except OSError as error:
        said = f"{name} cannot be read: {error.strerror}. Mend or remove it, or mend `path`."
        raise AccessError(f"source {source.name}: {said}") from None
    return Listed(name, os.path.abspath(name), facts.st_size, facts.st_mtime_ns // 1_000_000)
