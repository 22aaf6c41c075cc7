"""What `sluice check` finds: one finding for each thing that it looks at."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from jobs.runtime.errors import AccessError, ConfigError

OK, TO_FETCH, NOT_TRIED = "ok", "to fetch", "not tried"
THREADS = 8

# A state, and in words what was found.
Said = tuple[str, str]
# What is looked at, and how; ConfigError says what is wrong with it.
Check = tuple[str, Callable[[], Said]]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    what: as the recipe names it.  state: ok, to fetch, not tried; or what is wrong: missing, no access, wrong."""

    what: str
    state: str
    said: str

    @property
    def is_fault(self) -> bool:
        """Whether a run would stop for it, or go on without what it is to do."""
        return self.state not in (OK, TO_FETCH, NOT_TRIED)


def look(checks: Iterable[Check]) -> list[Finding]:
    """The findings of all checks, in their order; most of the time is waiting for stores and servers."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda check: find(*check), checks))


def find(what: str, check: Callable[[], Said]) -> Finding:
    """The finding of one check; an error's own words, but what they are about once."""
    try:
        return Finding(what, *check())
    except ConfigError as error:
        return fault(what, error)
    except OSError as error:
        return Finding(what, AccessError.state, str(error))


def count(number: int, what: str) -> str:
    """1 file, 2 files."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def fault(what: str, error: ConfigError) -> Finding:
    """The finding that an error is."""
    return Finding(what, error.state, str(error).removeprefix(f"{what}: "))
