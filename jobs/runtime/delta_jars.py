"""Delta's jars for a local session: Spark's first start fetches them, later ones have them beside Spark's own."""

import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyspark
from platformdirs import user_cache_path
from pyspark.sql import SparkSession

DELTA = "io.delta:delta-spark_4.1_2.13:4.2.0"
IVY = ".ivy2.5.2"
DECIDE_CLASS_PATH = ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS")

# Spark brings these itself; Delta's second copies would cost a download of 80 MB and time in every Python worker.
IN_SPARK = (
    "org.apache.*:*,org.slf4j:*,com.fasterxml.jackson.core:*,com.google.code.findbugs:*,org.roaringbitmap:*,"
    "org.xerial.snappy:*,com.github.luben:*,io.airlift:*,commons-pool:*,commons-logging:*,javax.annotation:*,"
    "org.locationtech.jts:*"
)


def delta_conf(master: str) -> dict[str, str]:
    """The settings that bring Delta to a session on this master.

    From packages each start resolves them anew, and looks for every class of Delta in Spark's own 250 jars first: 9 CPU
    seconds a run. In front of the driver's class path, which in `local[n]` is that of all work, there is neither.
    """
    jars = known_jars()
    if jars and re.fullmatch(r"local(\[[^]]*])?", master) and not _has_own_settings():
        return {"spark.driver.extraClassPath": os.pathsep.join(map(str, jars))}
    return {"spark.jars.packages": DELTA, "spark.jars.excludes": IN_SPARK}


def known_jars() -> list[Path]:
    """Where Spark's first start put Delta's jars; empty where it was not yet, or one of them is gone."""
    with suppress(OSError):
        jars = [Path(line) for line in _memory().read_text(encoding="utf-8").splitlines()]
        if all(jar.is_file() for jar in jars):
            return jars
    return []


def remember_jars(spark: SparkSession) -> None:
    """Note for later starts where the jars of this session's packages are."""
    jars = [Path(unquote(urlsplit(jar).path)) for jar in (spark.conf.get("spark.jars", "") or "").split(",")]
    own = next((jar for jar in jars if jar.name == delta_jar().name), None)
    if own is None:
        return
    with suppress(OSError):  # a folder that cannot be written: later starts resolve as this one did
        _memory().parent.mkdir(parents=True, exist_ok=True)
        part = _memory().with_suffix(f".{os.getpid()}")
        part.write_text("".join(f"{jar}\n" for jar in jars if jar.parent == own.parent), encoding="utf-8")
        part.replace(_memory())


def delta_jar() -> Path:
    """Where Spark keeps Delta's jar once its first start has fetched it."""
    group, name, number = DELTA.split(":")
    return Path.home() / IVY / "jars" / f"{group}_{name}-{number}.jar"


def _memory() -> Path:
    return user_cache_path("sluice") / f"{DELTA.replace(':', '_')}.jars"


def _has_own_settings() -> bool:
    """Whether the user's Spark may have a class path of its own, which ours would replace."""
    installed = Path(pyspark.__file__).parent / "conf"
    return installed.exists() or any(name in os.environ for name in DECIDE_CLASS_PATH)
