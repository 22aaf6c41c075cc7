"""Files with a record for every reason for which one is set aside or dropped before it is a document."""

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from udfs.read_rows import MAX_FILE_BYTES


def odd_files() -> dict[str, bytes]:
    """Path -> content; the same in each run."""
    return {
        "odd/odd.jsonl": _odd_lines(),
        "odd.py": b"def broken(:\n",
        "odd.csv": b"id,text\n1\n,no key\n3,a good row\n",
        "talk.jsonl": lines_of([{"m": [{"role": "user"}]}]),
        "seen.jsonl": _seen_lines(),
        "odd.parquet": _odd_parquet(),
        "whole/short.txt": b"one whole file is one record",
        "whole/long.txt.gz": gzip.compress(b"long " * (MAX_FILE_BYTES // 5 + 1), mtime=0),
    }


def _odd_lines() -> bytes:
    """A line for every reason that a record can be dropped for before it is a document, and two labels of one text."""
    rows: list[dict[str, Any]] = [
        {"t": "one text that has two labels", "l": "talk"},
        {"t": "one text that has two labels", "l": "age_limit"},
        {"t": "a label nobody knows", "l": "unheard of"},
        {"x": "no text"},
        {"t": ["a", "list"]},
        {"t": "\u200b"},
        {"t": "a"},
        {"t": "long " * 1_000},
    ]
    return lines_of(rows) + b'[1]\n{"t": "never closed\n{"t": "\xff"}\n'


def _seen_lines() -> bytes:
    """A chat that is known by sight, and one with a column that no known shape has."""
    sums = {"question": "Which of them is the sum of two and two?", "answer": "The last one."}
    return lines_of([sums, {**sums, "choices": ["three", "four"]}])


def lines_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as lines of JSON."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _odd_parquet() -> bytes:
    """A row, and one whose map has a key twice, which JSON cannot hold."""
    maps = pa.array([[("a", 1)], [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["a row with types", "a row with a map"], "facts": maps}), file)
    return file.getvalue()
