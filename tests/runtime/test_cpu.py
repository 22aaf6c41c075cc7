"""CPU seconds: those of children count, and those of ended children are not forgotten."""

import subprocess
import sys

from jobs.runtime.cpu import cpu_seconds

BURN = "import time\nwhile time.process_time() < 0.5: pass\nprint('burnt', flush=True)\ntime.sleep(60)"


def test_seconds_of_a_child_count_and_stay_when_it_is_gone() -> None:
    before = cpu_seconds()
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        burnt = cpu_seconds()
        child.kill()
    gone = cpu_seconds()
    assert burnt - before > 0.4  # the system counts in ticks
    assert gone >= burnt
