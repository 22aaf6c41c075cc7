"""Turn the bytes of one source file into rows, streaming.  One row is one record, or what was wrong with it:

Row(position=3, payload='{"text":"Hello"}', drop_reason=None, detail=None)
Row(position=4, payload=None, drop_reason="bad_encoding", detail="byte 0xff at column 17")

A bad row never stops a file; a bad file raises FileError after the rows that stand before the fault.
`detail` never quotes a row.  Positions and columns count from 1, columns in bytes unless a parser counts otherwise.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, BinaryIO, Final

from udfs.open_source import FileError, open_source
from udfs.python_source import Definition, read_definitions
from udfs.read_json import read_json
from udfs.read_lines import BOM, OVERLONG, read_chunks, read_lines, read_text
from udfs.source_rows import OVERLONG_SAID, Row, dump, name_byte, parse_lines
from udfs.transcode import fault_byte

if TYPE_CHECKING:  # a type that older pythons keep private
    from _csv import Reader as CsvReader
    from _csv import _QuotingType as Quoting

Fault = tuple[str, str]  # reason, detail

__all__ = ["FORMATS", "FileError", "Row", "open_source", "read_rows"]

# A quote that never closes makes one field of the rest of the file: this is where the reader stops believing it.
MAX_FIELD_CHARS: Final = 64 * 1024 * 1024
# The largest file that is one record. A text of more than a million characters is dropped by default anyway.
MAX_FILE_BYTES: Final = 16 << 20


def read_rows(stream: BinaryIO, format: str, path: str) -> Iterator[Row]:
    """Read the rows of one file; `path` is its logical path, which names Python modules and whole files.

    format: a name of FORMATS; "csv ;" is csv with another delimiter.
    Memory is bounded by the longest row, and that to 64 MiB (of a Python file by the file).  The stream stays open.
    Raises FileError on the way, after the rows before the fault; ValueError at once for an unknown format.
    """
    name, _, delimiter = format.partition(" ")
    if name not in FORMATS:
        raise ValueError(f"unknown format {format!r}, expected one of {', '.join(FORMATS)}")
    return _read_separated(stream, delimiter) if delimiter else FORMATS[name](stream, path)


def _read_text(stream: BinaryIO, path: str) -> Iterator[Row]:
    return parse_lines(read_lines(stream), lambda position, line: Row(position, dump({"text": line}), None, None))


def _read_csv(stream: BinaryIO, path: str) -> Iterator[Row]:
    return _read_separated(stream, ",")


def _read_tsv(stream: BinaryIO, path: str) -> Iterator[Row]:
    """As IANA has text/tab-separated-values: a quote is a character like others. Corpora are full of lone ones, and by
    the rules of csv each would swallow lines up to the next."""
    return _read_separated(stream, "\t", csv.QUOTE_NONE)


def _read_separated(stream: BinaryIO, delimiter: str, quoting: "Quoting" = csv.QUOTE_MINIMAL) -> Iterator[Row]:
    # The limit belongs to the process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARS))
    faults: list[Fault] = []  # bad bytes since the row began
    reader = csv.reader(_decode_lines(stream, faults), delimiter=delimiter, quoting=quoting, strict=True)
    header = _read_header(reader, faults)
    while True:
        start = reader.line_num + 1
        faults.clear()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield Row(start, None, "bad_csv_row", f"{error}: lines {start} to {reader.line_num}")
            continue
        except FileError as error:
            error.position = start - 1  # the row that the fault cuts may have begun lines before
            raise
        if fields is None:
            return
        if faults:
            yield Row(start, None, *faults[0])
        elif not _is_blank(fields, len(header)):
            yield _make_row(start, header, fields)


def _is_blank(fields: list[str], width: int) -> bool:
    # A line of spaces is no row, unless there is one column: then it may be its value.
    return not fields or (len(fields) == 1 < width and not fields[0].strip())


def _make_row(position: int, header: list[str], fields: list[str]) -> Row:
    if len(fields) != len(header):
        return Row(position, None, "bad_csv_row", f"found {len(fields)} fields, expected {len(header)}")
    return Row(position, dump(dict(zip(header, fields, strict=True))), None, None)


def _read_header(reader: "CsvReader", faults: list[Fault]) -> list[str]:
    try:
        names: list[str] = next((fields for fields in reader if fields), [])
        names[:1] = [name.lstrip(BOM) for name in names[:1]]
    except csv.Error as error:
        raise FileError("bad_header", 0, f"{error}: lines 1 to {reader.line_num}") from error
    if faults:
        raise FileError("bad_header", 0, faults[0][1])
    if names and not any(name.strip() for name in names):
        raise FileError("bad_header", 0, f"none of {len(names)} columns has a name")
    # The usual case is a row number that a spreadsheet or a data frame wrote first.
    names = [name if name.strip() else f"column_{number}" for number, name in enumerate(names, start=1)]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise FileError("bad_header", 0, f"several columns have one name: {', '.join(repeated)}")
    return names


def _decode_lines(stream: BinaryIO, faults: list[Fault]) -> Iterator[str]:
    """Yield the lines; one with a bad byte is named in `faults` and passes, so that its quotes still count."""
    for number, raw in read_lines(stream):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            fault = ("bad_encoding", f"{name_byte(error)} of line {number}")
            faults.append(("too_large", OVERLONG_SAID) if raw is OVERLONG else fault)
            line = raw.decode("utf-8", "replace")
        yield line


def _read_file(stream: BinaryIO, path: str) -> Iterator[Row]:
    content = bytearray()
    for chunk in read_text(stream):
        content += chunk
        if len(content) > MAX_FILE_BYTES:
            yield Row(1, None, "too_large", f"a file of more than {MAX_FILE_BYTES >> 20} MiB as one record")
            return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield Row(1, None, "bad_encoding", f"byte 0x{fault_byte(error):02x} in line {line}")
        return
    if text.strip(" \t\r\n"):
        yield Row(1, dump({"text": text, "name": path.rpartition("/")[2], "path": path}), None, None)


def _read_python(stream: BinaryIO, path: str) -> Iterator[Row]:
    source = b"".join(read_chunks(stream))
    try:
        definitions = read_definitions(source, path)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        yield Row(line, None, "bad_encoding", f"byte 0x{error.object[error.start]:02x}, expected {error.encoding}")
    except SyntaxError as error:
        yield Row(error.lineno or 1, None, "bad_python", error.msg)
    else:
        yield from map(_make_definition_row, definitions)


def _make_definition_row(definition: Definition) -> Row:
    values = asdict(definition)
    line = values.pop("line")
    try:
        payload = dump(values)
    except TypeError:  # orjson: a string literal such as "\\ud800" is half a character, which UTF-8 cannot write
        return Row(line, None, "bad_encoding", "lone surrogate in the docstring")
    return Row(line, payload, None, None)


FORMATS: Final[dict[str, Callable[[BinaryIO, str], Iterator[Row]]]] = {
    "text": _read_text,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "json": read_json,
    "python": _read_python,
    "file": _read_file,
}
