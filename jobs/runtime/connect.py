"""Spark Connect: a session of a server, which decides master and jars and knows nothing of our code."""

import os
from contextlib import suppress
from urllib.parse import urlsplit

from pyspark.errors import PySparkImportError, PySparkValueError
from pyspark.sql import SparkSession

from jobs.runtime.errors import ConfigError
from jobs.runtime.ship_wheel import ship_packages

REMOTE = "SPARK_REMOTE"
ANSWER_SECONDS = 30
# An error's text would end in the server's Java stack, which its log has.
TRACES = "spark.sql.connect.serverStacktrace.enabled"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def remote_session() -> SparkSession:
    """A session of the server that SPARK_REMOTE names, with our packages; ConfigError where there can be none."""
    try:
        _require_answer(os.environ[REMOTE])
        spark = SparkSession.builder.getOrCreate()
    except PySparkImportError as error:
        raise ConfigError(
            f"{REMOTE} is set, and this Python has no client of Spark Connect: {error.getMessage()}. "
            f"Install sluice-sft[connect], or unset {REMOTE}."
        ) from None
    with suppress(Exception):  # a server may refuse settings
        spark.conf.set(TRACES, "false")
    ship_packages(spark)
    return spark


def _require_answer(url: str) -> None:
    """PySpark itself would try for ten minutes, without a word. The URL may hold a token: it is not shown."""
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        server = DefaultChannelBuilder(url)
    except PySparkValueError:
        raise ConfigError(f"{REMOTE}: expected sc://HOST:PORT of a Spark Connect server, found another form") from None
    import grpc

    try:
        with server.toChannel() as channel:
            grpc.channel_ready_future(channel).result(timeout=ANSWER_SECONDS)
    except grpc.FutureTimeoutError:
        raise ConfigError(
            f"{REMOTE}: no Spark Connect server answers at {server.endpoint} within {ANSWER_SECONDS} s. "
            f"Start it, mend {REMOTE}, or unset it to run on this machine."
        ) from None


def master_of(spark: SparkSession, unknown: str) -> str:
    """The master that the session works on. A Connect server elsewhere is told by its host: however it works, it does
    not see this machine's files.  unknown: what a session that does not say counts as."""
    host = urlsplit(os.environ.get(REMOTE, "")).hostname
    if host is not None and host not in THIS_MACHINE:
        return f"sc://{host}"
    return spark.conf.get("spark.master", unknown) or unknown
