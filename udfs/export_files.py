"""Write the shards of an export: one file a shard, the same bytes however its rows reached the task.

Rows are written in groups of a fixed size, whatever the Arrow batches were: where a compressor or a row group ends
must not depend on them. No file holds a time, a host or a name of its own.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from gzip import GzipFile
from itertools import groupby, islice
from typing import Any, BinaryIO, Final, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from udfs.export_places import is_local, open_place
from udfs.export_shapes import SHAPES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# As many rows as `datasets` itself puts into a row group.
GROUP_ROWS: Final = 1000
LEVELS: Final = {"gzip": 6, "zstd": 3}
ENDINGS: Final = {"none": "", "gzip": ".gz", "zstd": ".zst"}
DATA: Final = "data"
# Added to the name of a file that is being written.
PARTIAL: Final = ".partial-"
FILES_SCHEMA: Final = "path string, split string, rows bigint, bytes bigint, sha256 string"
ARROW_FILES: Final = pa.schema(
    [
        ("path", pa.string()),
        ("split", pa.string()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
    ]
)
MESSAGE: Final = pa.struct([("role", pa.string()), ("content", pa.string()), ("extra", pa.string())])
TYPES: Final = {
    "messages": pa.list_(MESSAGE),
    "labels": pa.list_(pa.string()),
    "sources": pa.list_(pa.string()),
    "licenses": pa.list_(pa.string()),
    "weight": pa.float64(),
    "token_count": pa.int64(),
}


@dataclass(frozen=True)
class Target:
    """What is written. where: folder or URI.  traits: those of the version.  shards: split -> number of its files."""

    where: str
    form: str
    compress: str
    traits: frozenset[str]
    shards: dict[str, int]

    def name(self, split: str, shard: int) -> str:
        """Path of a shard in the export, as Hugging Face names shards: data/train-00000-of-00003.jsonl.gz."""
        return f"{DATA}/{split}-{shard:05d}-of-{self.shards[split]:05d}{ending(self.form, self.compress)}"


def ending(form: str, compress: str) -> str:
    """Return the extension of a format's files; Parquet compresses inside."""
    return ".parquet" if form == "parquet" else f".jsonl{ENDINGS[compress]}"


@dataclass
class Tally:
    """A binary file that only grows, and the size and digest of what went through."""

    raw: Any
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    closed: bool = False

    def write(self, data: Any) -> int:
        """Write, count and digest."""
        view = memoryview(data).cast("B")
        self.raw.write(view)
        self.digest.update(view)
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        """How many bytes there are so far."""
        return self.size

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Closing is the business of who opened the file."""
        self.closed = True


def write_shards(batches: Iterable[pa.RecordBatch], target: Target) -> Iterator[pa.RecordBatch]:
    """Write each shard that is met; a task that is run again writes the same file again.

    Input columns: split, shard, and those of the format; all rows of a shard are here, ascending by split, shard,
    document_id.  Output columns: path (in the export), split, rows, bytes, sha256 (hex, of the file as it lies)."""
    filesystem, root = open_place(target.where)
    rows = (row for batch in batches for row in batch.to_pylist())
    for (split, shard), examples in groupby(rows, key=lambda row: (row["split"], row["shard"])):
        name = target.name(split, shard)
        rows_written, tally = _write_file(filesystem, f"{root}/{name}", examples, target)
        facts = {"path": name, "split": split, "rows": rows_written}
        facts |= {"bytes": tally.size, "sha256": tally.digest.hexdigest()}
        yield pa.RecordBatch.from_pylist([facts], ARROW_FILES)


def _write_file(
    filesystem: fs.FileSystem, path: str, examples: Iterable[dict[str, Any]], target: Target
) -> tuple[int, Tally]:
    """Write one file under another name first where names can change in one step; a store shows whole objects only."""
    final, local = path, is_local(filesystem)
    path = f"{path}{PARTIAL}{os.getpid()}" if local else path
    with filesystem.open_output_stream(path, compression=None) as raw:
        tally = Tally(raw)
        write = _write_parquet if target.form == "parquet" else _write_lines
        rows = write(tally, examples, target)
    if local:
        filesystem.move(path, final)
    return rows, tally


def _write_lines(tally: Tally, examples: Iterable[dict[str, Any]], target: Target) -> int:
    encode, rows = SHAPES[target.form].encode, 0
    with ExitStack() as stack:
        out = stack.enter_context(_compressed(tally, target.compress)) if target.compress != "none" else tally
        for group in _groups(examples):
            out.write(b"".join(orjson.dumps(encode(row, target.traits)) + b"\n" for row in group))
            rows += len(group)
    return rows


def _compressed(tally: Tally, compress: str) -> BinaryIO:
    if compress == "gzip":
        # Without name and time: the bytes say nothing of when and where.
        raw = cast(BinaryIO, tally)
        return cast(BinaryIO, GzipFile(filename="", mode="wb", compresslevel=LEVELS["gzip"], fileobj=raw, mtime=0))
    return cast(BinaryIO, zstd.ZstdFile(tally, "wb", level=LEVELS["zstd"]))


def _write_parquet(tally: Tally, examples: Iterable[dict[str, Any]], target: Target) -> int:
    encode, rows = SHAPES[target.form].encode, 0
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in SHAPES[target.form].columns])
    options = {"compression": target.compress.upper(), "compression_level": LEVELS.get(target.compress)}
    with pq.ParquetWriter(pa.PythonFile(tally, mode="w"), schema, version="2.6", **options) as writer:
        for group in _groups(examples):
            table = pa.Table.from_pylist([encode(row, target.traits) for row in group], schema)
            writer.write_table(table, row_group_size=GROUP_ROWS)
            rows += len(group)
    return rows


def _groups(examples: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(examples)
    while group := list(islice(rest, GROUP_ROWS)):
        yield group
