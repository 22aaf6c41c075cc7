"""Turn rows of Arrow batches into payloads: the same row gives the same JSON, from a Parquet file and from a table.

Integers, floats, booleans and texts are JSON's own. What JSON's readers would round or do not know is text: decimals
("12.50"), dates and times (ISO 8601; instants in UTC, with +00:00), infinities, binary values (base64). A NaN is null.
Lists, structs and maps stay lists and objects.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from udfs.payload_fields import DropError

INFINITIES: Final = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
Values = list[Any]


def make_payloads(batch: pa.RecordBatch, more: Mapping[str, str | None]) -> Iterator[str | DropError]:
    """Yield each row's payload, columns in their order and then those of `more`, or why the row has none: bad_encoding
    or bad_value, and the column."""
    names = [*batch.schema.names, *more]
    columns = [_values(column, name) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
    constants = tuple(more.values())
    for row in zip(*columns, strict=True) if columns else [()] * batch.num_rows:
        try:
            yield orjson.dumps(dict(zip(names, (*row, *constants), strict=True)), default=_refuse).decode()
        except orjson.JSONEncodeError as error:
            if not isinstance(error.__cause__, DropError):
                raise
            yield error.__cause__


def _refuse(value: object) -> None:
    """Called by orjson for what is not JSON: a fault that stands in a value's place, or a type without a rule."""
    raise value if isinstance(value, DropError) else DropError("bad_value", f"found {type(value).__name__}")


def _values(array: pa.Array, name: str) -> Values:
    """The values of a column as JSON has them; `name` is for messages."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _values(array.storage, name)
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode(), name)
    convert = next((convert for is_kind, convert in RULES if is_kind(kind)), None)
    found: Values = convert(array, name) if convert else array.to_pylist()
    return found


def _texts(array: pa.Array, name: str) -> Values:
    try:
        found: Values = array.to_pylist()
        return found
    except UnicodeDecodeError:
        return [_decode(value, name) for value in array.cast(pa.large_binary()).to_pylist()]


def _decode(value: bytes | None, name: str) -> str | DropError | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError as error:
        return DropError("bad_encoding", f"byte 0x{value[error.start]:02x} in column {name}" if value else name)


def _binaries(array: pa.Array, name: str) -> Values:
    return [None if value is None else b64encode(value).decode() for value in array.to_pylist()]


def _floats(array: pa.Array, name: str) -> Values:
    if not pa.types.is_float64(array.type):
        # The shortest digits that name the number among its neighbours: 0.1, not 0.10000000149011612.
        array = pa.array([None if v is None else float(str(np.float32(v))) for v in array.to_pylist()], pa.float64())
    found: Values = array.to_pylist()
    has_infinite = pc.any(pc.is_inf(array)).as_py()
    return [INFINITIES.get(value, value) for value in found] if has_infinite else found


def _decimals(array: pa.Array, name: str) -> Values:
    return [None if value is None else format(value, "f") for value in array.to_pylist()]


def _instants(array: pa.Array, name: str) -> Values:
    """Shorter fractions sort before longer ones and + before digits, so texts sort as the times do (order_by)."""
    zone = "+00:00" if array.type.tz else ""
    return [None if text is None else _short(text) + zone for text in _iso(array, array.type.unit)]


def _times(array: pa.Array, name: str) -> Values:
    return [None if text is None else _short(text.partition("T")[2]) for text in _iso(array, array.type.unit)]


def _dates(array: pa.Array, name: str) -> Values:
    return [None if text is None else text.partition("T")[0] for text in _iso(array.cast(pa.date32()), "D")]


def _iso(array: pa.Array, unit: str) -> list[str | None]:
    """By numpy: Python's datetime has no nanoseconds, and no years before 1 or after 9999."""
    whole = pa.int32() if array.type.bit_width == 32 else pa.int64()
    numbers = array.view(whole).fill_null(0).to_numpy(zero_copy_only=False).astype("int64")
    texts = np.datetime_as_string(numbers.view(f"datetime64[{unit}]")).tolist()
    return [text if valid else None for text, valid in zip(texts, array.is_valid().to_pylist(), strict=True)]


def _short(text: str) -> str:
    """Without a fraction of zeros: a unit that is finer than the value says nothing."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _numbers(array: pa.Array, name: str) -> Values:
    found: Values = array.cast(pa.int64()).to_pylist()
    return found


def _structs(array: pa.Array, name: str) -> Values:
    names = [field.name for field in array.type]
    inner = [_values(child, f"{name}.{child_name}") for child_name, child in zip(names, array.flatten(), strict=True)]
    rows = zip(*inner, strict=True) if inner else [()] * len(array)
    valid = array.is_valid().to_pylist()
    return [dict(zip(names, row, strict=True)) if is_there else None for is_there, row in zip(valid, rows, strict=True)]


def _lists(array: pa.Array, name: str) -> Values:
    flat, start, found = _values(array.flatten(), name), 0, Values()
    for length in pc.list_value_length(array).to_pylist():
        found.append(None if length is None else flat[start : start + length])
        start += length or 0
    return found


def _maps(array: pa.Array, name: str) -> Values:
    """Objects; a key that is no text goes by its JSON."""
    entry = pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])
    return [_object(pairs, name) for pairs in _lists(array.cast(pa.list_(entry)), name)]


def _object(pairs: list[dict[str, Any]] | None, name: str) -> dict[str, Any] | DropError | None:
    if pairs is None:
        return None
    if fault := next((pair["key"] for pair in pairs if isinstance(pair["key"], DropError)), None):
        return fault
    keys = [pair["key"] if isinstance(pair["key"], str) else orjson.dumps(pair["key"]).decode() for pair in pairs]
    if len(set(keys)) < len(keys):
        return DropError("bad_value", f"a map of column {name} has one key twice")
    return {key: pair["value"] for key, pair in zip(keys, pairs, strict=True)}


# What a type is told by, and its rule; integers, booleans and nulls are what they are.
RULES: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array, str], Values]], ...]] = (
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind), _texts),
    (pa.types.is_floating, _floats),
    (pa.types.is_timestamp, _instants),
    (pa.types.is_date, _dates),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_struct, _structs),
    (pa.types.is_map, _maps),
    (lambda kind: hasattr(kind, "value_field"), _lists),
    (
        lambda kind: (
            pa.types.is_binary(kind)
            or pa.types.is_large_binary(kind)
            or pa.types.is_fixed_size_binary(kind)
            or pa.types.is_binary_view(kind)
        ),
        _binaries,
    ),
    (pa.types.is_time, _times),
    (pa.types.is_duration, _numbers),
)
