"""The lease: one run writes a lake at a time.

Rows of the table `leases` are heartbeats. The query that takes the lease anti-joins the live table, so Delta refuses
one of two runs that take it at once; on object stores without coordinated commits it is advisory.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.runtime.errors import SluiceError
from jobs.runtime.tables import Lake, conform
from schemas.leases import LEASES

BEAT = timedelta(seconds=60)
EXPIRY = timedelta(minutes=5)


class LeaseHeldError(SluiceError):
    """Wait: another run holds the lake."""


@dataclass(frozen=True)
class Owner:
    """The process that holds a lease."""

    run_id: str
    host: str
    pid: int
    process_started: float

    @classmethod
    def me(cls, run_id: str) -> "Owner":
        """This process."""
        return cls(run_id, socket.gethostname(), os.getpid(), psutil.Process().create_time())


@contextmanager
def hold(lake: Lake, run_id: str) -> Iterator[None]:
    """Hold the lake for a run; raises LeaseHeldError naming the run that has it."""
    lake.create(LEASES)
    owner = Owner.me(run_id)
    _take(lake, owner)
    stop = threading.Event()
    beats = threading.Thread(target=_beat_until, args=(lake, owner, stop), daemon=True)
    beats.start()
    try:
        yield
    finally:
        stop.set()
        beats.join(timeout=30)
        with suppress(Exception):  # a Spark that is gone cannot release; this process's end does
            _append(lake, owner, beat=2**31, released=True)


def holder(lake: Lake) -> Row | None:
    """The run that holds the lake now, None when it is free."""
    held = [row for row in _open_leases(lake.read(LEASES)).collect() if _is_alive(row)]
    return min(held, key=lambda row: (row["heartbeat_at"], row["run_id"])) if held else None


def _take(lake: Lake, owner: Owner) -> None:
    other = holder(lake)
    if other is None:
        _append(lake, owner, beat=0, released=False)
        other = holder(lake)
    if other is not None and other["run_id"] != owner.run_id:
        _append(lake, owner, beat=2**31, released=True)
        raise LeaseHeldError(
            f"run {other['run_id']} (process {other['pid']} on {other['host']}, last heartbeat "
            f"{other['heartbeat_at']:%H:%M:%S} UTC) is writing this lake. Wait until it ends, or use another `tables`."
        )


def _append(lake: Lake, owner: Owner, beat: int, *, released: bool) -> None:
    now = datetime.now(UTC)
    row: dict[str, Any] = {
        **vars(owner),
        "beat": beat,
        "released": released,
        "heartbeat_at": now,
        "expires_at": now + EXPIRY,
    }
    rows = lake.spark.createDataFrame([tuple(row[name] for name in LEASES.columns.names)], LEASES.columns)
    lake.append(LEASES, conform(LEASES, rows), {"run": owner.run_id, "job": "lease"})


def _beat_until(lake: Lake, owner: Owner, stop: threading.Event) -> None:
    beat = 0
    while not stop.wait(BEAT.total_seconds()):
        beat += 1
        _append(lake, owner, beat, released=False)


def _open_leases(leases: DataFrame) -> DataFrame:
    """The first and last heartbeat of every run that has not released; one row a run."""
    runs = leases.groupBy("run_id", "host", "pid", "process_started").agg(
        F.min("heartbeat_at").alias("heartbeat_at"),
        F.max("expires_at").alias("expires_at"),
        F.bool_or("released").alias("released"),
    )
    return runs.where(~F.col("released"))


def _is_alive(row: Row) -> bool:
    if row["host"] == socket.gethostname():
        return _process_runs(row["pid"], row["process_started"])
    expires = row["expires_at"].replace(tzinfo=UTC)
    return bool(expires > datetime.now(UTC))


def _process_runs(pid: int, started: float) -> bool:
    """Whether that very process runs: a pid alone may have been given again."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
