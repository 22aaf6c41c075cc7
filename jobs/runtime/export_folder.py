"""The folder that an export fills: empty, one's own from a killed run, finished, or someone else's.

`_unfinished.json` is the first file and says whose folder it is; `manifest.json` is the last: with it the export is
whole. A run that was killed leaves the first without the last, and the same command begins it anew.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pyarrow import fs

from jobs.runtime.errors import ConfigError, SluiceError
from jobs.runtime.export_manifest import as_json
from jobs.runtime.tracking import without_secret
from udfs.export_files import DATA, PARTIAL
from udfs.export_places import is_local, open_place

MANIFEST, CARD, MARKER = "manifest.json", "README.md", "_unfinished.json"
SHARD = rf"{DATA}/(train|val|test)-\d{{5}}-of-\d{{5}}\.(jsonl|jsonl\.gz|jsonl\.zst|parquet)"
OWN = re.compile(rf"(?P<name>{MANIFEST}|{CARD}|{MARKER}|{DATA}|{SHARD})(?P<partial>{PARTIAL}\d+)?")
MEND = "Name another folder by --out, or empty this one."


@dataclass(frozen=True)
class Folder:
    """The place of one export. uri: as every machine finds it.  where: the same without a secret, to be shown."""

    uri: str
    where: str
    filesystem: fs.FileSystem
    root: str

    def files(self) -> dict[str, int]:
        """Path in the folder -> bytes, of every file below it.  Raises ConfigError where one of them is not ours."""
        # First without what lies deeper: someone may have named his home.
        for recursive in (False, True):
            found = self.filesystem.get_file_info(fs.FileSelector(self.root, recursive=recursive, allow_not_found=True))
            named = {one.path[len(self.root) + 1 :]: one for one in found if one.path != self.root}
            strange = sorted(name for name in named if not OWN.fullmatch(name))
            if strange:
                raise ConfigError(f"--out {self.where} is not empty: it holds {_few(strange)}. {MEND}")
        return {name: one.size or 0 for name, one in named.items() if one.type != fs.FileType.Directory}

    def finished(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """The manifest where this very export stands here already, None where it may begin.

        Raises ConfigError where the folder holds anything else."""
        files = {name: size for name, size in self.files().items() if PARTIAL not in name}
        if not files:
            return None
        says = next((name for name in (MANIFEST, MARKER) if name in files), None)
        if says is None:
            raise ConfigError(f"--out {self.where} is not empty: it holds {_few(sorted(files))}. {MEND}")
        document = self._read(says)
        if document.get("export") != identity:
            raise ConfigError(f"--out {self.where} holds another export: {_told(document.get('export'))}. {MEND}")
        if says == MARKER:
            return None
        if wrong := [one["path"] for one in document["files"] if files.get(one["path"]) != one["bytes"]]:
            raise ConfigError(f"--out {self.where} is damaged: {_few(wrong)} is not as {MANIFEST} says. {MEND}")
        return document

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Make the folder ours, and remove what a killed run left."""
        for name in self.files().keys() - {MARKER}:  # which keeps it ours until all is gone
            self.filesystem.delete_file(f"{self.root}/{name}")
        if is_local(self.filesystem):
            self.filesystem.create_dir(f"{self.root}/{DATA}", recursive=True)
        self.put(MARKER, as_json({"export": identity}))

    def put(self, name: str, content: bytes) -> None:
        """Write one small file, whole or not at all."""
        path = f"{self.root}/{name}"
        first = f"{path}{PARTIAL}{os.getpid()}" if is_local(self.filesystem) else path
        with self.filesystem.open_output_stream(first, compression=None) as out:
            out.write(content)
        if first != path:
            self.filesystem.move(first, path)

    def commit(self, document: Mapping[str, Any], card: bytes) -> None:
        """Look whether every shard lies there as it was written, then card, then manifest; the marker goes last."""
        there = self.files()
        wanted = {file["path"]: file["bytes"] for file in document["files"]}
        if wrong := [name for name, size in wanted.items() if there.get(name) != size]:
            raise SluiceError(
                f"--out {self.where}: {_few(wrong)} is not there as it was written: expected "
                "a place that all machines see. Run again."
            )
        for name in there.keys() - wanted.keys() - {MARKER}:  # of tasks that were run twice
            self.filesystem.delete_file(f"{self.root}/{name}")
        self.put(CARD, card)
        self.put(MANIFEST, as_json(document))
        self.filesystem.delete_file(f"{self.root}/{MARKER}")

    def _read(self, name: str) -> dict[str, Any]:
        with self.filesystem.open_input_stream(f"{self.root}/{name}", compression=None) as stream:
            content = stream.read()
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise ConfigError(f"--out {self.where} is not empty: its {name} is none of ours. {MEND}")
        return document


def open_folder(where: str, master: str) -> Folder:
    """Open the place of an export; ConfigError where nothing serves it, or where it is not one place for all machines.

    master: Spark's, to know whether several machines would write."""
    if "://" not in where and not where.startswith(("/", "~")) and not master.startswith("local"):
        raise ConfigError(
            f"--out {where} is a relative path, and the master {master} works on several machines: expected a place "
            "that all of them see, such as s3://bucket/export, or an absolute path on a shared disk"
        )
    shown = without_secret(where) if "://" in where else where
    try:
        filesystem, root = open_place(where)
        is_file = filesystem.get_file_info(root).type == fs.FileType.File
    except (OSError, ValueError) as error:  # ValueError: pyarrow's ArrowInvalid
        raise ConfigError(f"--out {shown} cannot be used: {said(error, where)}") from None
    if is_file:
        raise ConfigError(f"--out {shown} is a file, expected a folder. Name another place.")
    return Folder(where if "://" in where else root, shown, filesystem, root)


def said(error: Exception, where: str) -> str:
    """The first line of what a library says, without the place, which may hold a secret and stands beside it."""
    return (str(error).splitlines() or [type(error).__name__])[0].replace(where, "it")


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _told(identity: Any) -> str:
    if not isinstance(identity, dict):
        return "of another tool"
    return f"{identity.get('dataset')} version {identity.get('dataset_version')} as {identity.get('format')}, " + (
        f"compress {identity.get('compress')}, {identity.get('shard_rows')} rows a shard"
    )
