"""Which documents a scorer is asked about: those that cheaper scores leave in reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Reach:
    """where: a predicate in SQL over the values of earlier scorers by name; what it calls null is not in reach.
    top, by: of what is left only so many, those of the greatest values of `by`; equal ones in order of id."""

    where: str | None = None
    top: int | None = None
    by: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.where is None and self.top is None


def values_of(scores: DataFrame, names: Sequence[str]) -> DataFrame:
    """Columns document_id and one for each name: the value, null where there is none."""
    values = [F.max(F.when(F.col("scorer") == name, F.col("value"))).alias(name) for name in names]
    return scores.where(F.col("scorer").isin(list(names))).groupBy("document_id").agg(*values)


def in_reach(scores: DataFrame, reach: Reach, names: Sequence[str]) -> DataFrame:
    """Column document_id: what is in reach by the scores of these earlier scorers."""
    left = values_of(scores, names)
    if reach.where is not None:
        left = left.where(reach.where)
    if reach.top is not None and reach.by is not None:
        left = left.where(F.isnotnull(reach.by)).orderBy(F.desc(reach.by), "document_id").limit(reach.top)
    return left.select("document_id")


def counted(scores: DataFrame, reaches: Mapping[str, Reach]) -> DataFrame:
    """The scores that count, scorer by scorer in order: those beyond a scorer's reach are as absent, so that what an
    earlier recipe asked for decides nothing."""
    kept: DataFrame | None = None
    for number, (name, reach) in enumerate(reaches.items()):
        own = scores.where(F.col("scorer") == name)
        if not reach.is_all and kept is not None:
            own = own.join(in_reach(kept, reach, list(reaches)[:number]), "document_id", "left_semi")
        kept = own if kept is None else kept.unionByName(own)
    return scores.where("false") if kept is None else kept
