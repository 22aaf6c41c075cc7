"""The lease: one run writes a lake, a dead owner keeps nobody waiting, clocks and time zones decide nothing."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.runtime.declared_rows import conform
from jobs.runtime.lease import LeaseHeldError, Owner, _append, _beat_until, _take, hold, holder, open_leases
from jobs.runtime.tables import Lake
from schemas.leases import LEASES

pytestmark = pytest.mark.spark


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path))
    lake.create(LEASES)
    return lake


@pytest.fixture(params=["Asia/Shanghai", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine that is not in UTC."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.delenv("TZ")
    time.tzset()


def beat(lake: Lake, run_id: str, expires: timedelta, host: str = "elsewhere", pid: int = 1) -> None:
    now = datetime.now(UTC)
    row = {"run_id": run_id, "host": host, "pid": pid, "process_started": 1.0, "beat": 0, "released": False}
    times = {"heartbeat_at": now, "expires_at": now + expires}
    frame = lake.spark.createDataFrame([tuple((row | times)[name] for name in LEASES.columns.names)], LEASES.columns)
    lake.append(LEASES, conform(LEASES, frame), {})


def test_two_that_take_it_at_once(lake: Lake) -> None:
    def take(name: str) -> str:
        try:
            _take(lake, Owner.me(name))
        except LeaseHeldError as held:
            return str(held)
        return "took"

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(take, ("a", "b", "c", "d")))
    winner = holder(open_leases(lake))
    assert said.count("took") == 1 and winner is not None
    assert said["abcd".index(winner["run_id"])] == "took"
    assert all(f"run {winner['run_id']} (process {os.getpid()}" in one for one in said if one != "took")


def test_another_host_holds_it_until_it_expires(lake: Lake, zone: str) -> None:
    beat(lake, "far", timedelta(minutes=4))
    with pytest.raises(LeaseHeldError, match=r"run far \(process 1 on elsewhere, last heartbeat ") as held:
        _take(lake, Owner.me("mine"))
    assert f"{datetime.now(UTC):%H:}" in str(held.value) or f"{datetime.now(UTC) - timedelta(minutes=1):%H:}" in str(
        held.value
    )


def test_an_expired_lease_and_a_dead_process_keep_nobody_waiting(lake: Lake, zone: str) -> None:
    beat(lake, "expired", timedelta(minutes=-1))
    beat(lake, "dead", timedelta(minutes=4), host=Owner.me("x").host, pid=2**22 + 1)
    with hold(lake, "mine"):
        found = holder(open_leases(lake))
        assert found is not None and found["run_id"] == "mine"
        assert len(open_leases(lake)) == 1  # the next run need not look at them again
    assert holder(open_leases(lake)) is None


def test_a_lease_that_was_written_is_its_own_whatever_the_history_says(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lake, "history", lambda *_: [])  # as where metrics of operations are switched off
    with hold(lake, "mine"), pytest.raises(LeaseHeldError, match="run mine "):
        _take(lake, Owner.me("other"))


def test_a_lease_that_ran_out_is_renewed_unless_another_run_took_the_lake(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold(lake, "mine") as held:
        held.expires = time.time() - 1  # as after the machine slept
        held.require()
        assert held.expires > time.time() + 200
        held.expires = time.time() - 1
        _append(lake, held.owner, beat=2**31, released=True)  # what a run that finds it dead does
        monkeypatch.setattr("jobs.runtime.lease.BEAT", timedelta(0))
        stop = threading.Event()
        beats = threading.Thread(target=_beat_until, args=(held, stop))
        beats.start()
        time.sleep(1)  # the heartbeat must not make it look as if nothing had been
        stop.set()
        beats.join()
        with pytest.raises(LeaseHeldError, match="another run took the lake meanwhile"):
            held.require()
