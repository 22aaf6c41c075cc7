"""Give executors the wheel that spark-submit got by --py-files."""

import atexit
import shutil
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

PACKAGES_FROM = Path(__file__).parents[2]


def ship_wheel(spark: SparkSession, packages_from: Path = PACKAGES_FROM) -> None:
    """Ship a wheel as a zip: Spark hands a .whl to executors too, but puts only .zip and .egg on their path."""
    if packages_from.suffix != ".whl" or not packages_from.is_file():
        return
    folder = tempfile.mkdtemp(prefix="sluice-")  # served to executors from here until the session ends
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = shutil.copyfile(packages_from, Path(folder, f"{packages_from.stem}.zip"))
    spark.addArtifact(str(copy), pyfile=True)
