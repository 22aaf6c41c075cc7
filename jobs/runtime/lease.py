"""The lease: one run writes a lake at a time.

Rows of the table `leases` are heartbeats. The append that takes the lease reads the live table for another holder, so
Delta refuses one of two runs that take it at once; on object stores without coordinated commits it is advisory.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.runtime.declared_rows import conform
from jobs.runtime.errors import SluiceError
from jobs.runtime.tables import Lake, overtaken
from jobs.runtime.times import in_utc
from schemas.leases import LEASES

BEAT = timedelta(seconds=60)
EXPIRY = timedelta(minutes=5)
TRIES = 3
OWN_COMMIT_WITHIN = 3
LAST_BEAT = 2**31


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


@dataclass
class Lease:
    """The lease that a run holds. expires: seconds since 1970, moved on by every heartbeat that was written."""

    lake: Lake
    owner: Owner
    expires: float
    beats: int = 0

    def beat(self) -> None:
        """Write one heartbeat."""
        began = time.time()
        self.beats += 1
        _append(self.lake, self.owner, self.beats, released=False)
        self.expires = began + EXPIRY.total_seconds()

    def is_live(self) -> bool:
        """Whether no other run may have taken the lake: one does so only once this lease has expired."""
        return time.time() < self.expires

    def require(self) -> None:
        """Raise LeaseHeldError where no heartbeat was written for so long (a machine that slept, a store that was not
        there) that another run has taken the lake: what this one had planned may be overtaken."""
        if self.is_live():
            return
        # Looked at again behind the heartbeat: who takes the lake releases first what it finds expired.
        for renew in (self.beat, lambda: None):
            if self.owner.run_id not in {row["run_id"] for row in open_leases(self.lake)}:
                raise LeaseHeldError(
                    f"this run's lease of {self.lake.location} expired, and another run took the lake meanwhile. "
                    "Nothing is lost: run again once that one has ended."
                )
            renew()


@contextmanager
def hold(lake: Lake, run_id: str) -> Iterator[Lease]:
    """Hold the lake for a run; raises LeaseHeldError naming the run that has it."""
    lake.create(LEASES)
    owner = Owner.me(run_id)
    began = time.time()
    _take(lake, owner)
    lease = Lease(lake, owner, began + EXPIRY.total_seconds())
    stop = threading.Event()
    beats = threading.Thread(target=_beat_until, args=(lease, stop), daemon=True)
    beats.start()
    try:
        yield lease
    finally:
        stop.set()
        beats.join()  # it releases the lake, which a next recipe of this process may want


def open_leases(lake: Lake) -> list[Row]:
    """Since when, last heartbeat and expiry (seconds since 1970) of every run that has not released; one row a run."""
    runs = lake.read(LEASES).groupBy("run_id", "host", "pid", "process_started")
    times = runs.agg(
        F.min("heartbeat_at").alias("since"),
        F.max("heartbeat_at").alias("heartbeat_at"),
        F.unix_seconds(F.max("expires_at")).alias("expires"),
        F.bool_or("released").alias("released"),
    )
    return times.where(~F.col("released")).collect()


def holder(leases: Sequence[Row]) -> Row | None:
    """The run that holds the lake, by its open leases; None when it is free."""
    held = [row for row in leases if _is_alive(row)]
    return min(held, key=lambda row: (row["since"], row["run_id"])) if held else None


def _take(lake: Lake, owner: Owner) -> None:
    for _ in range(TRIES):
        if _append_if_free(lake, owner):
            return
        leases = open_leases(lake)
        other = holder(leases)
        if other is not None and other["run_id"] == owner.run_id:
            return  # it was written, and the history does not say so
        if other is not None:
            raise LeaseHeldError(
                f"run {other['run_id']} (process {other['pid']} on {other['host']}, last heartbeat "
                f"{in_utc(other['heartbeat_at']):%H:%M:%S} UTC) is writing this lake. Wait until it ends, or use "
                "another `tables`."
            )
        for row in leases:  # of runs that died
            dead = Owner(row["run_id"], row["host"], row["pid"], row["process_started"])
            _append(lake, dead, beat=LAST_BEAT, released=True)
    raise LeaseHeldError(f"the lease of {lake.location} changed hands {TRIES} times. Run again in a minute.")


def _append_if_free(lake: Lake, owner: Owner) -> bool:
    """Write the first heartbeat unless the live table names a holder; whether it is written. Delta sees the read and
    refuses the append when another run wrote meanwhile."""
    released = F.collect_set(F.when(F.col("released"), F.col("run_id")))
    others = F.array_except(F.collect_set("run_id"), released)
    free = lake.read(LEASES).agg(F.size(others).alias("others")).where("others = 0")
    row = _heartbeat(owner, beat=0, released=False)
    try:
        _write(lake, owner, free.select(*[F.lit(value).alias(name) for name, value in row.items()]))
    except Exception as error:  # a raw Java error in classic Spark, one of pyspark's own in Connect
        if not overtaken(error):
            raise
        return False
    return any(one.by == _note(owner) and one.rows == 1 for one in lake.history(LEASES, OWN_COMMIT_WITHIN))


def _append(lake: Lake, owner: Owner, beat: int, *, released: bool) -> None:
    row = _heartbeat(owner, beat=beat, released=released)
    columns = LEASES.columns
    _write(lake, owner, lake.spark.createDataFrame([tuple(row[name] for name in columns.names)], columns))


def _heartbeat(owner: Owner, beat: int, *, released: bool) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {"heartbeat_at": now, "expires_at": now + EXPIRY}
    return {**vars(owner), "beat": beat, "released": released, **times}


def _write(lake: Lake, owner: Owner, rows: DataFrame) -> None:
    lake.append(LEASES, conform(LEASES, rows), _note(owner))


def _note(owner: Owner) -> dict[str, str]:
    return {"run": owner.run_id, "job": "lease"}


def _beat_until(lease: Lease, stop: threading.Event) -> None:
    """Heartbeats, then the release. Behind a Ctrl-C the run's own thread still has an answer of Spark's to read: asked
    anything else, it would take that answer for this one's."""
    while not stop.wait(BEAT.total_seconds()):
        if lease.is_live():  # an expired one is only renewed where nobody took the lake: see require
            with suppress(Exception):  # one lost beat is none: the next comes long before the lease expires
                lease.beat()
    with suppress(Exception):  # a Spark that is gone cannot release; this process's end does
        _append(lease.lake, lease.owner, beat=LAST_BEAT, released=True)


def _is_alive(row: Row) -> bool:
    if row["host"] == socket.gethostname():
        return _process_runs(row["pid"], row["process_started"])
    return bool(row["expires"] > datetime.now(UTC).timestamp())


def _process_runs(pid: int, started: float) -> bool:
    """Whether that very process runs: a pid alone may have been given again."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
