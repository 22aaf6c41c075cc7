"""Examples for exports, and an export of them without Spark: survey, order and shards as a run does it."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.runtime.export_folder import Folder, open_folder
from jobs.runtime.export_manifest import card, manifest
from jobs.runtime.export_rows import Survey, summarize
from udfs.export_features import features
from udfs.export_files import TYPES, Target, write_shards
from udfs.export_shapes import SHAPES
from udfs.export_survey import survey_batches

Row = dict[str, Any]
SCHEMA = pa.schema(
    [("split", pa.string()), ("shard", pa.int32())]
    + [(name, TYPES.get(name, pa.string())) for name in SHAPES["parquet"].columns]
)


def turn(role: str, content: str, extra: str | None = None) -> Row:
    """One turn as the lake keeps it."""
    return {"role": role, "content": content, "extra": extra}


def example(name: str, *turns: Row, split: str = "train", **columns: Any) -> Row:
    """A row of dataset_examples; its id is the digest of its name. Without turns a text, the name."""
    ident = hashlib.sha256(name.encode()).hexdigest()[:32]
    text = "\n\n".join(one["content"] for one in turns if one["content"]) if turns else name
    row = dict.fromkeys(SCHEMA.names) | {"split": split, "document_id": ident, "text": text, "origin": "record"}
    row |= {"messages": list(turns) or None, "labels": [], "sources": ["s"], "licenses": ["CC0-1.0"]}
    return row | columns


def batches(rows: Sequence[Row], sizes: Iterable[int] = ()) -> list[pa.RecordBatch]:
    """The rows as Arrow batches of these sizes, the rest as one."""
    table, at, cut = pa.Table.from_pylist(list(rows), SCHEMA), 0, []
    for size in (*sizes, len(rows)):
        cut += table.slice(at, size).to_batches()
        at += size
    return cut


def surveyed(rows: Sequence[Row], form: str) -> Survey:
    """What the survey of a run finds."""
    return summarize(row for batch in survey_batches(batches(rows), form) for row in batch.to_pylist())


def sharded(rows: Sequence[Row], shard_rows: int) -> list[Row]:
    """The rows in the order in which a run writes them, each with its shard."""
    found = []
    for split in sorted({row["split"] for row in rows}):
        ours = sorted((row for row in rows if row["split"] == split), key=lambda row: row["document_id"])
        found += [row | {"shard": place // shard_rows} for place, row in enumerate(ours)]
    return found


def export_rows(
    rows: Sequence[Row],
    form: str,
    folder: Path | str,
    compress: str = "none",
    shard_rows: int = 2,
    sizes: Iterable[int] = (),
) -> dict[str, Any]:
    """Export the rows into a folder; its manifest."""
    found = surveyed(rows, form)
    shards = {split: -(-count // shard_rows) for split, count in found.splits().items()}
    target = Target(str(folder), form, compress, frozenset(found.traits), shards)
    digest = hashlib.sha256(repr(sorted(rows, key=lambda row: str(row["document_id"]))).encode()).hexdigest()
    identity = {"dataset": "d", "dataset_version": 1, "content_digest": digest, "format": form}
    place: Folder = open_folder(str(folder), "local")
    place.begin(identity)
    written = write_shards(batches(sharded(rows, shard_rows), sizes), target)
    files = sorted((row for batch in written for row in batch.to_pylist()), key=lambda file: str(file["path"]))
    document = manifest(identity, files, {"licenses": {}, "sources": {}, "code_version": "1"}, {})
    place.commit(document, card(document, features(form, target.traits)))
    return document
