"""The Spark session: the active one where a platform has it, else local with Delta."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from jobs.runtime.connect import REMOTE, remote_session
from jobs.runtime.delta_jars import DELTA, delta_conf, remember_jars
from jobs.runtime.errors import ConfigError
from jobs.runtime.java import java_home
from jobs.runtime.ship_wheel import ship_wheel

LOCAL = "local[*]"

# A run plans hundreds of small queries once each: optimising code for later cost a third of all its CPU. Hot loops of a
# long run are still optimised, 25 times later.
JVM_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions -XX:+UseParallelGC -XX:Tier4InvocationThreshold=125000 "
    "-XX:Tier4MinInvocationThreshold=15000 -XX:Tier4CompileThreshold=375000 -XX:Tier4BackEdgeThreshold=1000000"
)
# Where there is little to do, no loop is hot enough to be worth the second compiler; without it the code cache would be
# small too.
SMALL_JVM_OPTIONS = "-XX:+UseParallelGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"

# Delta's 50 snapshot partitions are sized for clusters: on a laptop they cost seconds a write.
LOCAL_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.python.daemon.module": "jobs.runtime.worker_daemon",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.driver.extraJavaOptions": JVM_OPTIONS,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Spark makes this folder for tables without a path, which nobody here has: not in the user's folder.
    "spark.sql.warehouse.dir": str(user_cache_path("sluice") / "spark-warehouse"),
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",
    # Spark would note the Python line of every column expression: five calls into the JVM instead of one.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Scoring and parsing dominate; idle workers are reused, and a plan's widths stay readable in the log.
    "spark.sql.debug.maxToStringFields": "100",
}
SESSION_CONF = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"} | {
    # Hashes do not repeat within a file: a dictionary of them is built and thrown away, half the time of the write.
    f"parquet.enable.dictionary#{name}": "false"
    for name in ("fine_shingles", "coarse_shingles", "band_keys.list.element")
}
DELTA_SQL = ("spark.sql.extensions", "spark.sql.catalog.spark_catalog")
DATABRICKS = "DATABRICKS_RUNTIME_VERSION"
# The last two are of spark-submit: on the machine that starts it, and where YARN runs the driver.
DECIDED_BY = (DATABRICKS, REMOTE, "SPARK_ENV_LOADED", "PYSPARK_GATEWAY_PORT")


def local_master() -> str | None:
    """The master of the session that would be started here; None where a platform or spark-submit decides."""
    if SparkSession.getActiveSession() is not None or on_platform():
        return None
    return os.environ.get("SLUICE_MASTER", LOCAL)


def open_session(log_file: Path | None = None, master: str | None = None, *, small: bool = False) -> SparkSession:
    """The active session, or a new local one whose JVM writes to `log_file` instead of the terminal.

    small: whether it has little to do, some 100,000 rows at most (jobs/runtime/sizes.py)."""
    active = SparkSession.getActiveSession()
    if active is None and not on_platform():
        active = _local_session(log_file, master or os.environ.get("SLUICE_MASTER", LOCAL), small)
    spark = active or _given_session()
    for key, value in SESSION_CONF.items():
        with suppress(Exception):  # serverless refuses some settings and has these already
            spark.conf.set(key, value)
    return spark


def _given_session() -> SparkSession:
    """The session of a platform, of a Connect server or of spark-submit, which decide master and jars."""
    if DATABRICKS in os.environ:
        return SparkSession.builder.getOrCreate()
    if REMOTE in os.environ:
        return _remote_session()
    spark = SparkSession.builder.getOrCreate()
    _require_delta(spark)
    ship_wheel(spark)
    return spark


def _remote_session() -> SparkSession:
    spark = remote_session()
    if not _has_delta(spark):
        settings = " ".join(f"--conf {key}={LOCAL_CONF[key]}" for key in DELTA_SQL)
        raise ConfigError(f"the Spark Connect server has no Delta. Start it with --packages {DELTA} {settings}")
    return spark


def _require_delta(spark: SparkSession) -> None:
    """Without this the first write would fail, in words that do not name the settings."""
    set_to = {key: spark.conf.get(key, "") or "" for key in DELTA_SQL}
    lacking = [f"--conf {key}={LOCAL_CONF[key]}" for key, value in set_to.items() if "delta" not in value.lower()]
    if not _has_delta(spark):
        lacking.append(f"--packages {DELTA}, or the platform's own jars of Delta by --jars")
    if lacking:
        raise ConfigError(f"this Spark session has no Delta. Submit with {' '.join(lacking)}")


def _has_delta(spark: SparkSession) -> bool:
    """Whether the format is known. Nothing lies at the path that is asked for, so there is an error in any case."""
    try:
        _ = spark.read.format("delta").load(os.devnull).schema  # Connect asks the server for no less
    except Exception as error:  # classic Spark may say so in py4j's own error
        return "DATA_SOURCE_NOT_FOUND" not in str(error)
    return True


def on_platform() -> bool:
    """Whether spark-submit or a platform has already decided master and jars."""
    return any(name in os.environ for name in DECIDED_BY)


def _local_session(log_file: Path | None, master: str, small: bool) -> SparkSession:
    os.environ["JAVA_HOME"] = str(java_home())
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("sluice").master(master)
    jvm = {"spark.driver.extraJavaOptions": SMALL_JVM_OPTIONS} if small else {}
    for key, value in (LOCAL_CONF | jvm | delta_conf(master)).items():
        builder = builder.config(key, value)
    try:
        with _terminal_to(log_file):
            spark = builder.getOrCreate()
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        log = f" {log_file} says why." if log_file else ""
        raise ConfigError(
            f"Spark did not start, with the Java in {os.environ['JAVA_HOME']}.{log} Its first start fetches {DELTA} "
            "from a Maven repository; where it reaches none, name a mirror by spark.jars.ivySettings in "
            "spark-defaults.conf."
        ) from None
    remember_jars(spark)
    _stop_at_once()
    return spark


def _stop_at_once() -> None:
    """Ctrl-C ends what waits for Spark. PySpark's own handler would first ask the JVM to cancel its jobs, over the
    connection on which that wait still reads: the two answers get mixed up, and the user sees an odd error."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _terminal_to(log_file: Path | None) -> Iterator[None]:
    """Give child processes started meanwhile (the JVM, Ivy) the log file as stdout and stderr."""
    if log_file is None:
        yield
        return
    log_file.parent.mkdir(parents=True, exist_ok=True)
    saved = [os.dup(1), os.dup(2)]
    sys.stdout.flush()
    sys.stderr.flush()
    with log_file.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        for number, copy in enumerate(saved, start=1):
            os.dup2(copy, number)
            os.close(copy)
