"""What readers of files make: one row for each record, or for what was wrong with it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import orjson

from udfs.read_lines import MAX_LINE_BYTES, OVERLONG
from udfs.transcode import fault_byte

OVERLONG_SAID = f"a line of more than {MAX_LINE_BYTES >> 20} MiB"


@dataclass(frozen=True)
class Row:
    """One record as received (payload: a JSON object), or a quarantined one (payload None, drop_reason, detail).

    position: the line where the row starts; of a Python file the line of the definition, of JSON that is not one
    object a line the number of the value, of a file that is one record 1.
    """

    position: int
    payload: str | None
    drop_reason: str | None
    detail: str | None


def dump(values: dict[str, str]) -> str:
    """Return a payload."""
    return orjson.dumps(values).decode("utf-8")


def parse_lines(lines: Iterable[tuple[int, bytes]], parse: Callable[[int, str], Row]) -> Iterator[Row]:
    """Yield what `parse` makes of each line that is text; the lines are those of read_lines."""
    for position, raw in lines:
        if raw is OVERLONG:
            yield Row(position, None, "too_large", OVERLONG_SAID)
            continue
        try:
            line = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            yield Row(position, None, "bad_encoding", name_byte(error))
            continue
        # Only what a keyboard calls empty is no record: a line of U+3000 is one, and cleaning says why it goes.
        if line.strip(" \t"):
            yield parse(position, line)


def name_byte(error: UnicodeDecodeError) -> str:
    """Say which byte is wrong, and where."""
    return f"byte 0x{fault_byte(error):02x} at column {error.start + 1}"
