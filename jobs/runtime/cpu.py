"""CPU seconds of this process and everything it started on this host."""

import psutil

# (pid, start time) -> user and system seconds when last looked at. Spark's daemon ends idle Python workers without
# waiting for them, so that the system forgets theirs: a plain sum over the living would run backwards.
_seen: dict[tuple[int, float], float] = {}


def cpu_seconds() -> float:
    """User and system seconds so far, those of ended processes as last seen. Never decreases."""
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
            key = (process.pid, process.create_time())
        except psutil.Error:
            continue
        _seen[key] = max(times.user + times.system, _seen.get(key, 0.0))
    return sum(_seen.values())
