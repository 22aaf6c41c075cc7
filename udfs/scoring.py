"""What a recipe gives a scorer, and what a scorer gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from udfs.model_files import Model

# The kind of error of a result that is no number.
NOT_FINITE: Final = "NotFinite"


@dataclass(frozen=True)
class Setting:
    """model: its own, or for similarity that of the vectors.  texts: to be alike to.  top: how many of them count.
    budget: tokens of one batch of the model, padding included."""

    model: Model | None = None
    texts: tuple[str, ...] = ()
    top: int = 1
    budget: int = 4_096


class Scored(NamedTuple):
    """values: null where the scorer has nothing to say of a row, or failed.  errors: what kind of error, null where
    none.  is_truncated: whether a model read less than the text."""

    values: Sequence[float | None]
    errors: Sequence[str | None]
    is_truncated: Sequence[bool]


def plain(values: Sequence[float | None]) -> Scored:
    """Values of a scorer that neither fails nor cuts."""
    return Scored(values, [None] * len(values), [False] * len(values))
