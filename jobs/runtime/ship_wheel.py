"""Give executors our packages, where nobody else has."""

import atexit
import shutil
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from pyspark.sql import SparkSession

PACKAGES_FROM = Path(__file__).parents[2]
PACKAGES = ("jobs", "schemas", "udfs")
NAME = "sluice.zip"


def ship_wheel(spark: SparkSession, packages_from: Path = PACKAGES_FROM) -> None:
    """Ship the wheel that spark-submit got by --py-files as a zip: Spark hands a .whl to executors too, but puts only
    .zip and .egg on their path."""
    if packages_from.suffix == ".whl" and packages_from.is_file():
        ship_packages(spark, packages_from)


def ship_packages(spark: SparkSession, packages_from: Path = PACKAGES_FROM) -> None:
    """Ship the packages as a zip: the wheel or zip that they are in, else what of them is in this folder."""
    folder = tempfile.mkdtemp(prefix="sluice-")  # served to executors from here until the session ends
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = Path(folder, f"{packages_from.stem}.zip" if packages_from.is_file() else NAME)
    if packages_from.is_file():
        shutil.copyfile(packages_from, copy)
    else:
        _pack(packages_from, copy)
    spark.addArtifact(str(copy), pyfile=True)


def _pack(packages_from: Path, archive: Path) -> None:
    """Python code alone: what else is in the packages is read by the driver."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
        for package in PACKAGES:
            for path in sorted((packages_from / package).rglob("*.py")):
                packed.write(path, path.relative_to(packages_from))
