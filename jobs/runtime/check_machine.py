"""Whether this machine has what a run needs: the packages, Java, Spark and Delta's jars."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from jobs.runtime.delta_jars import DELTA, delta_jar, known_jars
from jobs.runtime.errors import AbsentError
from jobs.runtime.findings import NOT_TRIED, OK, TO_FETCH, Check, Said
from jobs.runtime.java import java_home
from jobs.runtime.job import Job

# Libraries that Python brings itself.
WITHIN_PYTHON = {"unicodedata"}


def machine_checks(jobs: Sequence[Job], master: str | None) -> Iterator[Check]:
    """What is the same for all recipes.  master: None where a platform decides of Java and Spark."""
    yield "packages", partial(check_packages, {name for job in jobs for name in job.libraries} - WITHIN_PYTHON)
    if master is None:
        yield "Spark", lambda: (NOT_TRIED, "the session is the platform's, which decides of Java and Delta")
    else:
        yield "Java", check_java
        yield "Spark", check_spark


def check_packages(names: Iterable[str]) -> Said:
    """Their versions; AbsentError names all that are not installed."""
    found: list[str] = []
    absent: list[str] = []
    for name in sorted(names):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            absent.append(name)
    if absent:
        raise AbsentError(f"{', '.join(absent)}: not installed here. pip install sluice-sft brings them.")
    return OK, ", ".join(found)


def check_java() -> Said:
    """A Java 17 or 21; ConfigError says which others were found."""
    return OK, str(java_home())


def check_spark() -> Said:
    """PySpark, and whether its first start has Delta's jars to fetch."""
    number = version("pyspark")
    if known_jars() or delta_jar().is_file() or "SPARK_HOME" in os.environ:
        return OK, f"{number}, {DELTA}"
    return TO_FETCH, f"{number}; its first start fetches {DELTA} from a Maven repository to {delta_jar().parent}"
