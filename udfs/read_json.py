"""Read records from JSON: one object a line, or arrays of objects and objects that span lines.

The same record has the same payload either way: as it stands in the file, where it stands in one line; else in one
line and without the space between its tokens.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO, Final

import orjson

from udfs.cut_json import TOO_LONG, Value, cut_values
from udfs.open_source import FileError
from udfs.payload_fields import kind_name
from udfs.read_lines import BOM, number_lines, raising, read_text
from udfs.source_rows import Row, parse_lines
from udfs.transcode import fault_byte

Line = tuple[int, bytes]
# So many are looked through for the first line of a file that begins with blank ones; then it is taken for lines.
MAX_BLANK_LINES: Final = 1000
# A first line that is no whole value begins a longer one where it ends or the next one begins like this; else it is a
# bad line among lines.
OPENS: Final = re.compile(rb"[\[{,:]\Z")
CONTINUES: Final = re.compile(rb"[\]},:]")
STRING_OR_SPACE: Final = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")|\s++')


def read_json(stream: BinaryIO, path: str) -> Iterator[Row]:
    """Yield the records of a file: of lines, if its first line is a whole object, else of what cut_values finds."""
    text = read_text(stream)
    head = next(text)
    if head.lstrip().startswith(b"["):
        yield from _read_values(chain([head], text))
        return
    lines = number_lines(chain([head], text))
    first, lines = _peek(lines)
    second: list[Line] = []
    if first and not _is_json(first[-1][1]):
        second, lines = _peek(lines)
    whole = chain(first, second, lines)
    if _spans_lines(first, second):
        yield from _read_values(raw for _, raw in whole)
    else:
        yield from parse_lines(whole, _parse_line)


def _peek(lines: Iterator[Line]) -> tuple[list[Line], Iterator[Line]]:
    """Return the lines up to the first that is not blank, and the rest; a fault is raised by the rest."""
    seen: list[Line] = []
    try:
        for line in islice(lines, MAX_BLANK_LINES):
            seen.append(line)
            if line[1].strip():
                break
    except FileError as error:
        return seen, raising(error)
    return seen, lines


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _spans_lines(first: list[Line], second: list[Line]) -> bool:
    """Whether a first line that is no JSON is the beginning of an object that goes on in the second, or several objects
    one after the other."""
    line, following = (seen[-1][1].strip() if seen else b"" for seen in (first, second))
    if not line.startswith(b"{") or _is_json(line):
        return False
    *before, last = cut_values(iter([line]))
    if not all(_is_json(value.text) for value in before):
        return False
    if last.fault is None:
        return bool(before) and _is_json(last.text)
    return bool(OPENS.search(line) or CONTINUES.match(following))


def _parse_line(position: int, line: str) -> Row:
    line = line.removeprefix(BOM)  # of a file that others were joined to
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Row(position, None, "bad_json", f"{error.msg}: column {error.colno}")
    if not isinstance(value, dict):
        return Row(position, None, "not_an_object", f"found {kind_name(value)}, expected an object")
    return Row(position, line, None, None)


def _read_values(chunks: Iterator[bytes]) -> Iterator[Row]:
    line = 0
    try:
        for value in cut_values(chunks):
            line = value.line
            yield _parse_value(value)
    except FileError as error:
        error.position = line
        raise


def _parse_value(value: Value) -> Row:
    number = value.number
    if value.fault == TOO_LONG:
        return Row(number, None, "too_large", TOO_LONG)
    if value.fault:
        return Row(number, None, "bad_json", value.fault)
    try:
        text = value.text.decode("utf-8")
        found = orjson.loads(text)
    except UnicodeDecodeError as error:
        place = _place(value, value.text[: error.start])
        return Row(number, None, "bad_encoding", f"byte 0x{fault_byte(error):02x}: {place}")
    except orjson.JSONDecodeError as error:
        return Row(number, None, "bad_json", f"{error.msg}: {_place(value, text[: error.pos].encode())}")
    if not isinstance(found, dict):
        detail = f"found {kind_name(found)}, expected an object: line {value.line} column {value.column}"
        return Row(number, None, "not_an_object", detail)
    return Row(number, _on_one_line(text), None, None)


def _place(value: Value, before: bytes) -> str:
    """Line and column, in bytes, in the file; `before` is what of the value stands before that place."""
    lines = before.count(b"\n")
    column = len(before) - before.rfind(b"\n") if lines else value.column + len(before)
    return f"line {value.line + lines} column {column}"


def _on_one_line(text: str) -> str:
    return STRING_OR_SPACE.sub(r"\1", text) if "\n" in text or "\r" in text else text
