"""The order of the splits: of two linked documents the one in the higher split keeps its row."""

from pyspark.sql import Column
from pyspark.sql import functions as F

RANKS = {"train": 0, "val": 1, "test": 2}


def rank_of(split: Column) -> Column:
    """0 for train, 1 for val, 2 for test: the higher one keeps its row."""
    return F.when(split == "test", RANKS["test"]).when(split == "val", RANKS["val"]).otherwise(RANKS["train"])
