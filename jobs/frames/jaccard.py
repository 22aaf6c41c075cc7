"""Exact Jaccard similarity of shingle sets, as column expressions."""

from pyspark.sql import Column
from pyspark.sql import functions as F

GRAINS = ("fine", "coarse")


def similarity(left: str, right: str) -> Column:
    """Greatest exact Jaccard similarity over the grains that both structs hold, 0 to 1, rounded to 6 digits."""
    by_grain = [jaccard(F.col(f"{left}.{grain}"), F.col(f"{right}.{grain}")) for grain in GRAINS]
    return F.round(F.greatest(*by_grain), 6)


def jaccard(left: Column, right: Column) -> Column:
    """Exact Jaccard similarity of two arrays of distinct hashes; null where either is absent or both are empty."""
    shared = F.size(F.array_intersect(left, right))
    return shared / F.nullif(F.size(left) + F.size(right) - shared, F.lit(0))
