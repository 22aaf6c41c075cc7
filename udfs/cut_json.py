"""Cut a stream of JSON into its values without parsing it: an array into its elements, documents into themselves.

[{"a": 1},
 {"a": 2}]      gives Value(1, 1, 2, b'{"a": 1}', None) and Value(2, 2, 2, b'{"a": 2}', None)

Only brackets and strings are looked at.  Where a value has no end (a bracket or a quote is missing), it is given with
its fault, and the cutting goes on where the next value of its kind begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from udfs.open_source import FileError
from udfs.read_lines import raising

# Memory is bounded by the longest value, and that by this.
MAX_VALUE_BYTES: Final = 64 << 20
# A value that has grown to this, and to each double of it, is tried: where it is broken at its beginning, its end will
# never come.
FIRST_TRY_BYTES: Final = 1 << 20
# What may stand between two values: also the marks of files that were joined.  A comma too many loses nothing.
BETWEEN: Final = re.compile(rb"(?:[ \t\r\n,]|\xef\xbb\xbf)*+")
# All up to the next bracket, or to a quote that opens no whole string: JSON allows no line end inside one.
STRING: Final = rb'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+'
FLAT: Final = re.compile(rb'(?:[^"\[\]{}]++|' + STRING + rb'")*+')
OPEN_STRING: Final = re.compile(STRING + rb"\\?\Z")
# A value without brackets, or what stands in place of one.
SCALAR: Final = re.compile(STRING + rb'"|[^,\[\]{}\r\n]++|.', re.DOTALL)
FIRST_KEY: Final = re.compile(rb'[{]\s*("[^"\\\r\n]*")\s*:')
CLOSING: Final = {ord("{"): ord("}"), ord("["): ord("]")}
TAIL_BYTES: Final = 1 << 12
TOO_LONG: Final = f"a value of more than {MAX_VALUE_BYTES >> 20} MiB"


@dataclass(frozen=True)
class Value:
    """One value as it stands in the file: number (from 1), line and column (in bytes) of its beginning, text.

    fault: why it has no end and where that was seen, None where it has one.
    """

    number: int
    line: int
    column: int
    text: bytes
    fault: str | None = None


class _Window:
    """The part of the stream that is being cut.

    at: the byte to look at; what is behind it is forgotten on reading more.  line, column: its place.
    lead: what stands before it in its line where that is only space, else None.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.data, self.at = chunks, b"", 0
        self.line, self.column = 1, 1
        self.lead: bytes | None = b""

    def move(self, to: int) -> bytes:
        """Move on, and return what lies between."""
        self.line, self.column = self.place(to)
        passed, self.at = self.data[self.at : to], to
        return passed

    def place(self, of: int) -> tuple[int, int]:
        """Line and column, in bytes, of a byte that is not behind."""
        lines = self.data.count(b"\n", self.at, of)
        return self.line + lines, of - self.data.rfind(b"\n", self.at, of) if lines else self.column + of - self.at

    def more(self) -> bool:
        """Read as much again as there is, so that to look at all of it again costs no more than to read it."""
        parts = [self.data[self.at :]]
        wanted = max(len(parts[0]), 1)
        try:
            while wanted > 0 and (chunk := next(self.chunks, b"")):
                parts.append(chunk)
                wanted -= len(chunk)
        except FileError as error:  # what came before it is cut first
            self.chunks = raising(error)
            if len(parts) == 1:
                raise
        self.data, self.at = b"".join(parts), 0
        return len(parts) > 1


def cut_values(chunks: Iterator[bytes]) -> Iterator[Value]:
    """Yield the elements of each array at the top, and every other value as it is.

    Raises what `chunks` raise, after the values before.
    """
    window, number, is_inside = _Window(chunks), 0, False
    while _skip(window):
        if window.data[window.at] == ord("]" if is_inside else "["):
            is_inside, window.lead = not is_inside, None
            window.move(window.at + 1)
            continue
        number += 1
        line, column = window.line, window.column
        end, fault = _find_end(window)
        yield Value(number, line, column, b"" if fault else window.move(end), fault)
        if fault:
            _resume(window)
            is_inside = is_inside and window.at < len(window.data)
        else:
            window.lead = None
    if is_inside:
        yield Value(number + 1, window.line, window.column, b"", _said(window, "the array has no end", window.at))


def _skip(window: _Window) -> bool:
    """Move to the next bracket or value; False where there is none."""
    while True:
        gap = window.move(_end(BETWEEN, window.data, window.at))
        if b"\n" in gap:
            window.lead = gap.rpartition(b"\n")[2]
        elif window.lead is not None:
            window.lead += gap
        if window.lead and len(window.lead) > TAIL_BYTES:  # _resume would not find it again
            window.lead = None
        if window.at < len(window.data):
            return True
        if not window.more():
            return False


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return found.end() if found else at


def _find_end(window: _Window) -> tuple[int, str | None]:
    """Return the end of the value at hand, or why there is none and where that was seen."""
    if window.data[window.at] not in CLOSING:
        return _find_scalar_end(window)
    open_brackets, at, next_try = bytearray(), window.at, FIRST_TRY_BYTES
    while True:
        at = _end(FLAT, window.data, at)
        if at == len(window.data) or OPEN_STRING.match(window.data, at):
            seen, length = at - window.at, len(window.data) - window.at
            if length > MAX_VALUE_BYTES:
                return 0, TOO_LONG
            if length >= next_try and _will_not_end(window):
                return 0, _said(window, "no valid value", at)
            next_try = max(next_try, 2 * length)
            has_grown, at = window.more(), seen
            if not has_grown:
                return 0, _said(window, "unexpected end of data", at)
            continue
        token = window.data[at]
        if token in CLOSING:
            open_brackets.append(CLOSING[token])
        elif token == ord('"'):
            return 0, _said(window, "a string that does not end in its line", at)
        elif (expected := open_brackets.pop()) != token:
            return 0, _said(window, f"found {chr(token)}, expected {chr(expected)}", at)
        at += 1
        if not open_brackets:
            return at, None


def _find_scalar_end(window: _Window) -> tuple[int, str | None]:
    while True:
        end = _end(SCALAR, window.data, window.at)
        is_cut = end == len(window.data) or OPEN_STRING.match(window.data, window.at)
        if end - window.at > MAX_VALUE_BYTES:
            return 0, TOO_LONG
        if not is_cut or not window.more():
            return _end(SCALAR, window.data, window.at), None


def _said(window: _Window, fault: str, at: int) -> str:
    line, column = window.place(at)
    return f"{fault}: line {line} column {column}"


def _will_not_end(window: _Window) -> bool:
    """Whether a long value is broken at its beginning, and another one of its kind stands behind."""
    text = window.data[window.at :].decode("utf-8", "ignore")
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return error.pos < len(text) // 2 and _next_one(window).search(window.data, window.at + 1) is not None
    return False


def _next_one(window: _Window) -> re.Pattern[bytes]:
    """How the next value begins: where this one begins a line, in the same column of another line; else with the same
    bracket and first key, behind a comma or bracket."""
    first = re.escape(window.data[window.at : window.at + 1])
    if window.lead is not None:
        return re.compile(rb"\n" + re.escape(window.lead) + rb"(?=" + first + rb")")
    key = FIRST_KEY.match(window.data, window.at)
    named = rb"\s*" + re.escape(key[1]) + rb"\s*:" if key else b""
    return re.compile(rb"[,}\]\s](?=" + first + named + rb")")


def _resume(window: _Window) -> None:
    """Move to the next value of the same kind, or to the end."""
    pattern, start = _next_one(window), window.at + 1
    while not (found := pattern.search(window.data, start)):
        window.move(max(len(window.data) - TAIL_BYTES, window.at))
        if not window.more():
            window.move(len(window.data))
            return
        start = 0
    window.move(found.end())
