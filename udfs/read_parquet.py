"""Read the rows of one Parquet file, a row group at a time: Row(position=3, payload='{"id":7,"text":"Hello"}', ...).

A folder `lang=zh` on the file's path is a column `lang` of all its rows, the text "zh".
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from udfs.arrow_payloads import make_payloads
from udfs.file_systems import URI, open_at_random
from udfs.open_source import FileError, describe_fault
from udfs.payload_fields import DropError
from udfs.read_rows import Row

MAGIC: Final = b"PAR1"
ENCRYPTED: Final = b"PARE"
# First bytes, the length of the footer, last bytes.
LEAST_BYTES: Final = 12
# How Hive and Spark write a null as a folder's name.
NULL_FOLDER: Final = "__HIVE_DEFAULT_PARTITION__"
# Rows that become Python values at once: bounded by number and, by what their row group holds, by bytes.
BATCH_ROWS: Final = 1_000
BATCH_BYTES: Final = 8 << 20
# Pages come as they are read, so that memory holds less than a row group.
BUFFER_BYTES: Final = 1 << 20


def read_parquet(uri: str, path: str) -> Iterator[Row]:
    """Yield the rows; position counts them from 1.  uri: where the bytes are; path: logical, its folders name columns.

    Raises FileError after the rows before the fault: unreadable_file, truncated_file, or bad_header where two columns
    have one name.
    """
    position = 0
    try:
        with open_at_random(uri) as stream:
            file = _open_parquet(stream)
            schema = file.schema_arrow
            _refuse_repeated(schema, "")
            exact = _with_instants(schema, file.schema)
            more = {name: value for name, value in folder_values(path).items() if name not in schema.names}
            for batch in _batches(file):
                for payload in make_payloads(batch.cast(exact), more):
                    position += 1
                    yield _row(position, payload)
    except FileError as error:
        error.position = position
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FileError("unreadable_file", position, describe_fault(error)) from error


def _row(position: int, payload: str | DropError) -> Row:
    if isinstance(payload, DropError):
        return Row(position, None, payload.reason, payload.detail)
    return Row(position, payload, None, None)


def folder_values(path: str) -> dict[str, str | None]:
    """Columns that the folders of a path name, outermost first, values as text: {"lang": "zh"} of x/lang=zh/a.parquet.

    Of a URI the names are decoded twice: Hive and Spark encode them too."""
    if URI.match(path):
        path = unquote(path)
    pairs = [folder.partition("=") for folder in path.split("/")[:-1]]
    return {
        unquote(name): None if value == NULL_FOLDER else unquote(value)
        for name, found, value in pairs
        if name and found
    }


def _open_parquet(stream: pa.NativeFile) -> pq.ParquetFile:
    size = stream.size()
    if size < LEAST_BYTES:
        raise FileError("truncated_file", 0, f"expected Parquet, found a file of {size} bytes")
    first, last = stream.read_at(len(MAGIC), 0), stream.read_at(len(MAGIC), size - len(MAGIC))
    if ENCRYPTED in (first, last):
        raise FileError("unreadable_file", 0, "encrypted Parquet: write it without encryption")
    if first != MAGIC:
        raise FileError("unreadable_file", 0, "expected Parquet, found a file that does not begin as one")
    if last != MAGIC:
        raise FileError("truncated_file", 0, "the file stops before its footer")
    return pq.ParquetFile(
        stream,
        buffer_size=BUFFER_BYTES,
        coerce_int96_timestamp_unit="us",
        page_checksum_verification=True,
        arrow_extensions_enabled=False,
    )


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        row_bytes = group.total_byte_size // max(group.num_rows, 1)
        rows = min(BATCH_ROWS, BATCH_BYTES // max(row_bytes, 1)) or 1
        yield from file.iter_batches(rows, row_groups=[number], use_threads=False)


def _refuse_repeated(fields: Iterable[pa.Field], where: str) -> None:
    """An object would keep the last of two values in silence."""
    counts = Counter(field.name for field in fields)
    if repeated := [where + name for name, count in counts.items() if count > 1]:
        raise FileError("bad_header", 0, f"several columns have one name: {', '.join(repeated)}")
    for field in fields:
        _refuse_repeated(_inner(field.type), f"{where}{field.name}.")


def _inner(kind: pa.DataType) -> list[pa.Field]:
    return [kind.field(number) for number in range(kind.num_fields)]


def _with_instants(schema: pa.Schema, stored: pq.ParquetSchema) -> pa.Schema:
    """The schema with its INT96 columns as instants, which by convention they are (Spark, Impala); Arrow leaves their
    zone open, and the same row of a table would have another payload."""
    physical = [stored.column(number).physical_type for number in range(len(stored.names))]
    if "INT96" not in physical:
        return schema
    leaves = iter(physical)
    return pa.schema([field.with_type(_retyped(field.type, leaves)) for field in schema])


def _retyped(kind: pa.DataType, leaves: Iterator[str]) -> pa.DataType:
    """Leaves come in one order in Parquet and in Arrow."""
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_retyped(field.type, leaves)) for field in _inner(kind)])
    if pa.types.is_map(kind):
        return pa.map_(_retyped(kind.key_type, leaves), _retyped(kind.item_type, leaves))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(kind.value_field.with_type(_retyped(kind.value_type, leaves)))
    return pa.timestamp("us", tz="UTC") if next(leaves) == "INT96" else kind
