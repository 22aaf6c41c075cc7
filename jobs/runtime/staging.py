"""Put a file of the driver where every machine of a cluster finds it: below the lake, or where `assets` says."""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.runtime.connect import master_of
from jobs.runtime.errors import ConfigError
from jobs.runtime.listing import SourceFile
from jobs.runtime.recipe_file import without_credentials
from udfs.file_systems import find_file
from udfs.model_files import Model

FOLDER = "_assets"
ASSET = "asset:"
DIGITS = 16
# What Databricks mounts on every machine.
SHARED = ("/Volumes/", "/dbfs/")


def works_on_one_machine(spark: SparkSession) -> bool:
    """Whether executors see the driver's files; of a master that is not told, they may not."""
    return re.fullmatch(r"local(\[.*\])?", master_of(spark, "")) is not None


def staged_files(
    spark: SparkSession, files: Sequence[SourceFile], lake: str, place: str | None = None
) -> list[SourceFile]:
    """The listed files, those of assets at the place where executors find them."""
    return [
        (*file[:2], staged(spark, file[2], lake, place), *file[3:]) if file[1].startswith(ASSET) else file
        for file in files
    ]


def staged(spark: SparkSession, path: str, lake: str, place: str | None = None) -> str:
    """Where executors find a local file: on one machine its own path, else PLACE/DIGEST/NAME, copied there once.

    place: a folder or URI that all machines see, null takes the lake's folder _assets.  lake: empty where only a
    catalog knows its files.  Raises ConfigError where nothing can be written there, or neither is given."""
    if works_on_one_machine(spark) or path.startswith(SHARED):
        return path
    with open(path, "rb") as file:
        digest = file_digest(file, "sha256").hexdigest()[:DIGITS]
    if not (place or lake):
        raise ConfigError("assets: expected a folder or URI that all machines see, for the files of assets; found none")
    folder = (place or f"{lake.rstrip('/')}/{FOLDER}").rstrip("/")
    target = f"{folder}/{digest}/{Path(path).name}"
    try:
        (_to_store if "://" in target else _to_folder)(path, target)
    except (OSError, ValueError) as error:
        said = str(error).partition("\n")[0].replace(target, "")[:300]
        raise ConfigError(
            f"{without_credentials(folder)} cannot take {Path(path).name}, which the machines of the cluster read "
            f"there: {said}. Mend the rights, or name another folder or URI that all of them see by `assets`."
        ) from None
    return target


def staged_model(spark: SparkSession, model: Model, lake: str, place: str | None = None) -> Model:
    """The model with its files where executors find them."""
    files = tuple(replace(file, place=staged(spark, file.place, lake, place)) for file in model.files)
    return replace(model, files=files)


def _to_folder(path: str, target: str) -> None:
    """Whole or not at all, however many runs do so at once."""
    if os.path.exists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".")
    os.close(descriptor)
    try:
        shutil.copyfile(path, draft)
        with suppress(OSError):  # a mounted store has no such rights
            os.chmod(draft, 0o644)
        os.replace(draft, target)
    finally:
        Path(draft).unlink(missing_ok=True)


def _to_store(path: str, target: str) -> None:
    """A store shows an object once it is whole; one of another size was left by a writer that broke off."""
    from pyarrow import fs

    system, key = find_file(target)
    if system.get_file_info(key).size == os.path.getsize(path):
        return
    if isinstance(system, fs.LocalFileSystem):
        system.create_dir(os.path.dirname(key))
    with open(path, "rb") as file, system.open_output_stream(key, compression=None) as stream:
        shutil.copyfileobj(file, stream)
