"""Fits of centres: the one in force, and when another is due: never, always, or once its rows have grown enough."""

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field
from pyspark.sql import DataFrame

from udfs.vectors import Vectors, vectors_of

GROWTH = 0.2


class Growth(BaseModel, frozen=True, extra="forbid"):
    """growth: a fit is due when its rows have grown by this share."""

    growth: float = Field(default=GROWTH, gt=0)


def _by_name(value: object) -> object:
    """`growth 0.2` is {growth: 0.2}."""
    if isinstance(value, str) and value.startswith("growth "):
        return {"growth": float(value.removeprefix("growth "))}
    return value


Refit = Annotated[Literal["never", "always"] | Growth, BeforeValidator(_by_name)]


def refit_due(rows: int, rows_of_last: int | None, refit: Literal["never", "always"] | Growth) -> bool:
    """Whether to fit anew.  rows_of_last: of the last fit, None where there is none."""
    if rows == 0:
        return False
    if rows_of_last is None or refit == "always":
        return True
    return isinstance(refit, Growth) and rows > rows_of_last * (1 + refit.growth)


class Fitted(NamedTuple):
    """fit: number of the fit in force, 0 where there is none.  rows: it was made for.  centres: in order [k, d]."""

    fit: int
    rows: int | None
    centres: Vectors | None


def centres_in_force(centres: DataFrame, number: str, rows: str) -> Fitted:
    """The centres of the newest fit.  number, rows: the columns with the number of a centre, and the rows of the fit.

    Their count is bounded: a thousand of them are 2 MB."""
    found = centres.select(number, "vector", "fit", rows).orderBy(number).toArrow()
    if not found.num_rows:
        return Fitted(0, None, None)
    return Fitted(found["fit"][0].as_py(), found[rows][0].as_py(), vectors_of(found["vector"]))
