"""Look at the examples of a version before a byte of it is written: how many, where in order, and what does not fit.

One output row counts the examples of one split, bucket and look: {"split": "train", "bucket": "a3", "misfit": null,
"traits": ["history"], "rows": 12, "document_id": "a30f…"}. A bucket is the first digits of the document_id: with its
count, each of its rows has a place in the order of the whole split, and no task needs to see all of them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa

from udfs.export_shapes import SHAPES

BUCKET_HEX: Final = 2
SURVEY_SCHEMA: Final = (
    "split string, bucket string, misfit string, traits array<string>, rows bigint, document_id string"
)
ARROW_SCHEMA: Final = pa.schema(
    [
        ("split", pa.string()),
        ("bucket", pa.string()),
        ("misfit", pa.string()),
        ("traits", pa.list_(pa.string())),
        ("rows", pa.int64()),
        ("document_id", pa.string()),
    ]
)
Key = tuple[str, str, str | None, tuple[str, ...]]


def survey_batches(batches: Iterable[pa.RecordBatch], form: str) -> Iterator[pa.RecordBatch]:
    """Count the examples by what the format sees of them.

    Input columns: split, and those of the format.  Output columns: split, bucket, misfit (null where the example
    fits), traits (ascending; null where it does not fit), rows, document_id (the smallest of them)."""
    counts: dict[Key, tuple[int, str]] = {}
    for batch in batches:
        for row in batch.to_pylist():
            key, ident = _key(row, form), row["document_id"]
            rows, smallest = counts.get(key, (0, ident))
            counts[key] = rows + 1, min(smallest, ident)
    if counts:
        yield pa.RecordBatch.from_pylist([_counted(key, *found) for key, found in counts.items()], ARROW_SCHEMA)


def _key(row: dict[str, Any], form: str) -> Key:
    misfit = SHAPES[form].misfit(row)
    traits = () if misfit else tuple(sorted(set(SHAPES[form].traits(row))))
    return row["split"], row["document_id"][:BUCKET_HEX], misfit, traits


def _counted(key: Key, rows: int, smallest: str) -> dict[str, Any]:
    split, bucket, misfit, traits = key
    return {
        "split": split,
        "bucket": bucket,
        "misfit": misfit,
        "traits": None if misfit else list(traits),
        "rows": rows,
        "document_id": smallest,
    }
