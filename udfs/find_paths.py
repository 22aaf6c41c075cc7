"""Find in payloads which of the mapped paths they have, whether they have a known shape, and their columns' names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson
import pyarrow as pa

from udfs.known_shapes import find_parts
from udfs.payload_fields import has_path

FOUND_SCHEMA = "source string, name string, is_path boolean"
ARROW_SCHEMA = pa.schema([("source", pa.string()), ("name", pa.string()), ("is_path", pa.bool_())])
# Stands among the paths for those of any known shape; no column is named so.
ANY_SHAPE = ""
# Enough to choose from; a payload whose keys are data has no end of them.
MAX_COLUMNS = 20


def find_paths(batches: Iterable[pa.RecordBatch], paths: Mapping[str, Sequence[str]]) -> Iterator[pa.RecordBatch]:
    """Input columns: source, payload.  Output columns: FOUND_SCHEMA, each path once, the columns of a first payload."""
    missing = {source: set(wanted) for source, wanted in paths.items()}
    asked: set[str] = set()
    for batch in batches:
        rows: list[tuple[str, str, bool]] = []
        for source, text in zip(batch["source"].to_pylist(), batch["payload"].to_pylist(), strict=True):
            if source in asked and not missing[source]:
                continue
            payload = orjson.loads(text)
            if source not in asked:
                rows += [(source, name, False) for name in _columns(payload)]
                asked.add(source)
            found = {path for path in missing[source] if _has(payload, path)}
            missing[source] -= found
            rows += [(source, path, True) for path in found]
        columns = [list(values) for values in zip(*rows, strict=True)] or [[], [], []]
        yield pa.record_batch(columns, schema=ARROW_SCHEMA)


def _has(payload: Mapping[str, object], path: str) -> bool:
    return find_parts(payload, is_strict=False) is not None if path == ANY_SHAPE else has_path(payload, path)


def _columns(payload: Mapping[str, object]) -> list[str]:
    """Names at the top, and dotted ones below an object; a name that is empty stands for none."""
    names = [
        path
        for name, value in payload.items()
        for path in ([f"{name}.{inner}" for inner in value] if isinstance(value, dict) and value else [name])
    ]
    return names[:MAX_COLUMNS] or [""]
