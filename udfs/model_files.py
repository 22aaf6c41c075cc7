"""A model as tasks get it: which files, of which digest, and where they lie on the disk of this machine.

A model is a folder of files: weights in safetensors, a tokenizer, a configuration.  None is code, none is unpickled.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Literal

from filelock import FileLock

from udfs.file_systems import URI, find_file

Kind = Literal["encoder", "use", "causal"]
Pooling = Literal["mean", "cls", "last"]
Dtype = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class ModelFile:
    """name: in the model's folder.  place: a path that every machine sees, or a URI.  sha256: of its content."""

    name: str
    place: str
    sha256: str


@dataclass(frozen=True)
class Model:
    """A model as the driver pins it and tasks load it.

    digest: of all that shapes what it gives.  kind: what loads it: an encoder or a causal model of transformers, or the
    Universal Sentence Encoder in numpy.  pooling: how the vectors of tokens become one.  prefix: what stands before
    every text.  max_tokens: longer texts are cut and marked.  dtype: of the weights while it works."""

    name: str
    digest: str
    kind: Kind
    files: tuple[ModelFile, ...]
    pooling: Pooling = "mean"
    prefix: str = ""
    max_tokens: int = 512
    dtype: Dtype = "float32"


class ModelFilesError(OSError):
    """A model's files are not what they were pinned as."""


def model_folder(model: Model) -> Path:
    """The folder with the model's files under their names; those that lie elsewhere are copied once a machine and user,
    by one process while the others wait.  Raises ModelFilesError where a copy has another digest."""
    folders = {place.parent for file in model.files if (place := Path(file.place)).name == file.name}
    if len(folders) == 1 and all(
        not URI.match(file.place) and Path(file.place).name == file.name for file in model.files
    ):
        return folders.pop()
    folder = Path(tempfile.gettempdir(), f"sluice-{os.getuid()}", "models", model.digest)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                _copy(model, folder)
    return folder


def _copy(model: Model, folder: Path) -> None:
    """Whole or not at all: the folder has its name once all files are there and right."""
    draft = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for file in model.files:
            target = draft / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch(file.place, target)
            with target.open("rb") as copy:
                found = file_digest(copy, "sha256").hexdigest()
            if found != file.sha256:
                raise ModelFilesError(f"{file.name} of {model.name}: expected sha256 {file.sha256}, found {found}")
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fetch(place: str, target: Path) -> None:
    if not URI.match(place):
        shutil.copyfile(place, target)
        return
    system, path = find_file(place)
    with target.open("wb") as file, system.open_input_stream(path, compression=None) as stream:
        shutil.copyfileobj(stream, file)
