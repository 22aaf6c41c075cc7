"""Predicates in SQL that recipes give."""

from collections.abc import Sequence

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import SparkSession

from jobs.runtime.errors import ConfigError


def require_predicate(spark: SparkSession, predicate: str, names: Sequence[str], place: str) -> None:
    """Raise ConfigError where Spark cannot read the predicate over numbers of these names.  place: where it stands."""
    numbers = spark.createDataFrame([], ", ".join(f"`{name}` double" for name in names))
    try:
        numbers.where(predicate).schema  # noqa: B018  # which Spark cannot tell before it has understood all
    except (AnalysisException, ParseException) as error:
        said = str(error).strip().partition("\n")[0][:200]
        raise ConfigError(f"{place}: {said} It may name {', '.join(names)}.") from None
