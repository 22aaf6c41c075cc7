"""The pieces that a job's work comes in: its parts (a scorer, a method), and of each the rounds that are written one by
one, so that a run that is killed, or has used up its budget, keeps what is done."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.runtime.job import Job
from jobs.runtime.params import Budget
from jobs.runtime.scope import Scope

FIRST_ROWS = 500
# A round shall take about so long: what a kill costs at most.
ROUND_SECONDS = 120
MOST_GROWTH = 8
DIGITS = 8


class Piece(NamedTuple):
    """What one write is about: the part, and the documents whose id, read as a fraction, is in [first, past)."""

    part: str | None = None
    first: float = 0.0
    past: float = 1.0

    def of(self, rows: DataFrame, key: str) -> DataFrame:
        """The rows of this piece."""
        if self.first <= 0 and self.past >= 1:
            return rows
        return rows.where((fraction(key) >= self.first) & (fraction(key) < self.past))


WHOLE = Piece()


def fraction(key: str) -> Column:
    """A hexadecimal id as a number in [0, 1)."""
    number: Column = F.conv(F.substring(key, 1, DIGITS), 16, 10).cast("double") / 16.0**DIGITS
    return number


@dataclass
class Rounds:
    """The pieces of a job's work in order, each cut by how long the one before it took.

    left_over: rows that the budget left for the next run, known at the end."""

    job: Job
    scope: Scope
    left_over: int = 0

    def __iter__(self) -> Iterator[Piece]:
        """The pieces; what comes back for the next one has written the last."""
        started = time.monotonic()
        for part in self.job.names_of_parts(self.scope.recipe.params[self.job.name]):
            if self.job.each is None or not self.job.in_rounds:
                yield Piece(part)
            else:
                yield from self._cut(part, started)

    def _cut(self, part: str | None, started: float) -> Iterator[Piece]:
        assert self.job.each is not None  # the caller has looked
        rows = self.scope.pending(self.job, self.job.each, part).count()
        budget: Budget | None = getattr(self.scope.recipe.params[self.job.name], "budget", None)
        ends = started + budget.seconds if budget and budget.seconds else float("inf")
        first, at_once = 0.0, FIRST_ROWS
        while first < 1 and rows:
            begun = time.monotonic()
            if begun >= ends:
                self.left_over += round(rows * (1 - first))
                return
            size = at_once / rows
            past = first + size if 1 - first > 1.5 * size else 1.0  # no round of its own for a rest
            yield Piece(part, first, past)
            taken = max(time.monotonic() - begun, 0.1)
            at_once = max(1, round(at_once * min(MOST_GROWTH, min(ROUND_SECONDS, ends - begun) / taken)))
            first = past
