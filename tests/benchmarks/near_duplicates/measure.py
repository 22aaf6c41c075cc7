"""Run a command and take the CPU seconds and the peak memory of everything it starts."""

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
SECONDS_BETWEEN_LOOKS = 0.25


@dataclass(frozen=True)
class Cost:
    """cpu, wall: seconds; peak: greatest sum of the tree's memory in MB, shared pages counted once (PSS)."""

    cpu: float
    wall: float
    peak: float


def measure(command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """The cost of a command that runs in a folder; RuntimeError with the end of its log where it fails.

    What the command leaves running is ended and counted: a Spark session's Python workers are nobody's children."""
    _adopt_orphans()
    before, started = _children(), time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        peaks = [0.0]
        done = threading.Event()
        looking = threading.Thread(target=_look, args=(done, peaks))
        looking.start()
        code = process.wait()
        wall = time.monotonic() - started
        done.set()
        looking.join()
    _reap()
    if code:
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command)} ended with {code}:\n{tail}")
    return Cost(_children() - before, wall, peaks[0])


def _adopt_orphans() -> None:
    """Linux: processes whose parents end become ours, so that their time can be asked for."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap() -> None:
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            child.send_signal(signal.SIGTERM)
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _look(done: threading.Event, peaks: list[float]) -> None:
    me = psutil.Process()
    while not done.wait(SECONDS_BETWEEN_LOOKS):
        total = 0.0
        for child in me.children(recursive=True):
            with suppress(psutil.Error):
                total += child.memory_full_info().pss / 2**20
        peaks[0] = max(peaks[0], total)
