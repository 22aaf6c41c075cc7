"""Score documents in Arrow batches.  One output row is one document: a value, or what went wrong:
{"document_id": "07...", "attempt": 1, "value": 0.62, "is_truncated": false, "error": null}"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pyarrow as pa

from udfs.scorers import SCORERS
from udfs.scoring import NOT_FINITE, Scored, Setting

SCORED_SCHEMA: Final = "document_id string, attempt int, value double, is_truncated boolean, error string"
DIGITS: Final = 6


def score_batches(batches: Iterable[pa.RecordBatch], kind: str, setting: Setting) -> Iterator[pa.RecordBatch]:
    """Input columns: document_id, attempt and what the scorer reads.  Output columns: SCORED_SCHEMA, in the order of
    the rows."""
    score = SCORERS[kind].score
    for batch in batches:
        if batch.num_rows:
            scored = _scored(batch, lambda rows: score(rows, setting))
            values, errors = zip(*map(_checked, scored.values, scored.errors), strict=True)
            columns = [pa.array(values, pa.float64()), pa.array(scored.is_truncated), pa.array(errors, pa.string())]
            yield pa.RecordBatch.from_arrays(
                [batch.column("document_id"), batch.column("attempt"), *columns],
                ["document_id", "attempt", "value", "is_truncated", "error"],
            )


def _scored(rows: pa.RecordBatch, score: Callable[[pa.RecordBatch], Scored]) -> Scored:
    """What fails is halved until the rows that are the reason stand alone; a model that is not there is no row's."""
    try:
        return score(rows)
    except (ImportError, OSError):
        raise
    except Exception as error:
        if rows.num_rows == 1:
            return Scored([None], [type(error).__name__], [False])
        half = rows.num_rows // 2
        parts = [_scored(rows.slice(0, half), score), _scored(rows.slice(half), score)]
        return Scored(*([*first, *second] for first, second in zip(*parts, strict=True)))


def _checked(value: float | None, error: str | None) -> tuple[float | None, str | None]:
    """Rounded once, here; what is no number is an error."""
    if value is None or error is not None:
        return None, error
    return (round(value, DIGITS), None) if math.isfinite(value) else (None, NOT_FINITE)
