"""bzip2, xz and zstandard as gzip: whole, in parts, cut, damaged, padded, and far larger than they look."""

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from udfs.open_source import FileError, open_source
from udfs.read_rows import Row, read_rows
from udfs.unpack import BLOCK_BYTES, packed_with, unpacked

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    # As the program zstd does; the library leaves the checksum out.
    "zstandard": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
EXTENSIONS = {"gzip": "gz", "bzip2": "bz2", "xz": "xz", "zstandard": "zst"}
# Hexadecimal digits pack to half: a cut in the middle of the packed bytes is one in the middle of the lines.
LINES = random.Random(1).randbytes(400_000).hex(" ", 40).replace(" ", "\n").encode()
# A frame of zstandard that readers skip.
SKIPPED = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"

each = pytest.mark.parametrize("packer", PACKERS)


def read(path: Path) -> tuple[list[Row], tuple[str, int, str] | None]:
    """The rows, and the fault behind them if there is one."""
    rows: list[Row] = []
    try:
        with open_source(str(path)) as stream:
            rows.extend(read_rows(stream, "text", "p"))
    except FileError as error:
        return rows, (error.reason, error.position, error.detail)
    return rows, None


def rows_of(lines: list[bytes]) -> list[Row]:
    return [Row(n, f'{{"text":"{line.decode()}"}}', None, None) for n, line in enumerate(lines, start=1)]


@each
def test_members_one_after_the_other_whatever_the_name(tmp_path: Path, packer: str) -> None:
    pack = PACKERS[packer]
    for name in ("a", f"a.txt.{EXTENSIONS[packer].upper()}", "a.gz"):
        (tmp_path / name).write_bytes(pack(b"one\ntw") + pack(b"") + pack(b"o\n"))
        assert read(tmp_path / name) == (rows_of([b"one", b"two"]), None)


@each
def test_what_was_cut_gives_the_rows_before_the_break(tmp_path: Path, packer: str) -> None:
    packed = PACKERS[packer](LINES)
    for part in (packed[: len(packed) // 2], packed[:-1]):
        (tmp_path / "a").write_bytes(packed[:0] + part)
        rows, fault = read(tmp_path / "a")
        assert fault == ("truncated_file", len(rows), "the compressed data stop before their end")
        assert rows == rows_of(LINES.split(b"\n")[: len(rows)])
    assert len(rows) > 5000


@each
def test_a_file_of_no_bytes_is_cut_and_one_of_others_is_misnamed(tmp_path: Path, packer: str) -> None:
    path = tmp_path / f"a.{EXTENSIONS[packer]}"
    path.write_bytes(b"")
    assert read(path) == ([], ("truncated_file", 0, f"expected {packer} data, found a file of 0 bytes"))
    path.write_bytes(b"plain text\n")
    said = f"named .{EXTENSIONS[packer]} but not {packer}: download it again, or rename it if it is text"
    assert read(path) == ([], ("unreadable_file", 0, said))


@each
def test_damage_and_what_stands_behind_are_faults(tmp_path: Path, packer: str) -> None:
    """The classes of Python's own modules pass by what follows a whole member, be it a damaged one."""
    pack = PACKERS[packer]
    damaged = bytearray(pack(LINES))
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "a").write_bytes(damaged)
    fault = read(tmp_path / "a")[1]
    assert fault is not None and fault[0] == "unreadable_file"
    for behind in (b"rubbish", pack(b"two\n")[:-9] + bytes(range(9))):
        (tmp_path / "a").write_bytes(pack(b"one\n") + behind)
        rows, fault = read(tmp_path / "a")
        assert fault is not None and fault[0] in ("unreadable_file", "truncated_file")
        assert rows in (rows_of([b"one"]), rows_of([b"one", b"two"]))


def test_padding_and_frames_to_be_skipped_are_no_faults(tmp_path: Path) -> None:
    for packed in (
        lzma.compress(b"one\n") + bytes(8) + lzma.compress(b"two\n") + bytes(512),
        bz2.compress(b"one\n") + bz2.compress(b"two\n") + bytes(100_000),
        SKIPPED + zstd.compress(b"one\n") + SKIPPED + zstd.compress(b"two\n") + SKIPPED,
    ):
        (tmp_path / "a").write_bytes(packed)
        assert read(tmp_path / "a") == (rows_of([b"one", b"two"]), None)


@each
def test_a_small_file_that_holds_much_comes_in_small_pieces(packer: str) -> None:
    packed = PACKERS[packer](bytes(50 << 20))
    assert len(packed) < 60_000
    with unpacked(io.BufferedReader(io.BytesIO(packed)), packer) as stream:
        sizes = [len(piece) for piece in iter(lambda: stream.read1(BLOCK_BYTES), b"")]  # type: ignore[attr-defined]
    assert sum(sizes) == 50 << 20 and max(sizes) <= BLOCK_BYTES


def test_an_archive_that_asks_for_too_much_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.unpack.XZ_MEMORY_BYTES", 1 << 10)
    (tmp_path / "a").write_bytes(lzma.compress(b"one\n"))
    assert read(tmp_path / "a") == ([], ("unreadable_file", 0, "Memory usage limit exceeded"))


@pytest.mark.parametrize("text", [b"BZh91 is a plate\n", b"P*M\n", b"\x1f", b"", b"7zXZ"])
def test_text_is_not_packed(text: bytes) -> None:
    assert packed_with(text) is None
