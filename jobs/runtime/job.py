"""The record that declares a job: what it reads, what it writes, and the pure function between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame

from schemas.clean_records import CLEAN_RECORDS
from schemas.table import Table


class NoParams(BaseModel, frozen=True, extra="forbid"):
    """The job has nothing to configure."""


@dataclass(frozen=True)
class Job:
    """One job, one output table.

    `transform` gets one DataFrame for each table it reads, by the table's name, and `params`; it returns rows of
    `writes` without the columns that `run` stamps (dataset, dataset_version, fingerprint, batch).

    each: rows of this table are worked once; the transform gets only those still without output, as `new_NAME`.
    each_on: columns that tell which rows of `each` have output; by default those that both keys share.
    merges: several rows of `each` may become one, so the rows written do not tell how many were read.
    all_fingerprints: caches of which rows of every fingerprint count, not only of those in force.
    lake: tables read whole; all others are seen as the recipe's current rows (jobs/runtime/scope.py).
    feedback: tables that a later job writes (the only back edges).
    external: builds frames that come from outside the lake, such as file listings.
    outside: a digest of what it sees outside the lake; another one than the last run's gives it work.
    iterative: the transform may run actions, on aggregates or bounded data only.
    per_source: the fingerprint is one of each source, over the part of the source that shapes rows.
    parts: of the parameters, those of each part that the work consists of, by name: such as scorers.  A part has a
    fingerprint of its own, and the transform gets its name as `part`; part_column says which part a row is of,
    part_reads which tables shape one.
    in_rounds: written piece by piece, for work that takes long (jobs/runtime/rounds.py).
    idle: why the job has nothing to do with the recipe's parameters (by job), in words; None when it has.
    lake_params: parameters that belong to the lake: fixed by its first run, the same for every recipe.
    contradiction: what in the recipe's parameters (by job) this job cannot work with, in words; None when all is well.
    libraries: distributions whose version shapes the output; "unicodedata" is Python's Unicode tables.
    models: parameters that name an asset or a file whose content shapes the output.
    revision: raised by hand when the same parameters give other output.
    """

    name: str
    reads: tuple[Table, ...]
    writes: Table
    transform: Callable[..., DataFrame]
    params: type[BaseModel] = NoParams
    each: Table | None = None
    each_on: tuple[str, ...] = ()
    merges: bool = False
    lake: tuple[Table, ...] = ()
    all_fingerprints: tuple[Table, ...] = ()
    feedback: tuple[Table, ...] = ()
    external: Callable[..., dict[str, Any]] | None = None
    outside: Callable[..., str] | None = None
    iterative: bool = False
    per_source: bool = False
    parts: Callable[[Any], Mapping[str, BaseModel]] | None = None
    part_column: str = "source"
    part_reads: Callable[[Any], tuple[Table, ...]] | None = None
    in_rounds: bool = False
    idle: Callable[[Mapping[str, Any]], str | None] | None = None
    lake_params: tuple[str, ...] = ()
    contradiction: Callable[[Mapping[str, Any]], str | None] | None = None
    libraries: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    revision: int = 1

    def parts_of(self, params: BaseModel) -> Mapping[str, BaseModel]:
        """The parameters of each part; none where the work has no parts."""
        return self.parts(params) if self.parts else {}

    def names_of_parts(self, params: BaseModel) -> list[str | None]:
        """The names of the parts; one without a name where the work has none."""
        return [*self.parts_of(params)] if self.parts else [None]

    @property
    def inputs(self) -> tuple[Table, ...]:
        """Every table the job reads, `each` first, without repeats."""
        return tuple(dict.fromkeys((*((self.each,) if self.each else ()), *self.reads, *self.feedback)))

    @property
    def watched(self) -> tuple[Table, ...]:
        """The tables whose changes give the job work: its inputs but those that a later job writes, and the records
        that say which documents are current, where it sees documents of the recipe (jobs/runtime/scope.py)."""
        forward = [table for table in self.inputs if table not in self.feedback]
        by_document = any(table.has("document_id") and not table.has("dataset") for table in forward)
        return tuple(dict.fromkeys((*forward, *((CLEAN_RECORDS,) if by_document else ()))))

    @property
    def done_by(self) -> tuple[str, ...]:
        """The columns of `each` by which its output is found again."""
        if self.each is None or self.each_on:
            return self.each_on
        return tuple(name for name in self.each.key if name in self.writes.key)
