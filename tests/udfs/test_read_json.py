"""JSON that is not one object a line: arrays, documents, what is broken in them, and where the reading goes on."""

import bz2
import gzip
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.cut_json import Value, cut_values
from udfs.open_source import FileError, open_source
from udfs.read_json import read_json
from udfs.read_rows import Row, read_rows
from udfs.record_ids import keyless_record_id


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[place : place + size] for place in range(0, len(data), size))


def read(data: bytes) -> list[Row]:
    return list(read_rows(io.BytesIO(data), "json", "p"))


def payloads(data: bytes) -> list[str | None]:
    return [row.payload for row in read(data)]


def faults(data: bytes) -> list[tuple[int, str | None, str | None]]:
    return [(row.position, row.drop_reason, row.detail) for row in read(data) if row.drop_reason]


ONE, TWO = '{"a": 1, "t": "x]}\\"{["}', '{"a": 2, "t": [{}, "你"]}'


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n",
        f"[{ONE},{TWO}]",
        f" [\n{ONE},\r\n  {TWO}\n ] \n",
        f"[\n  {ONE}\n, {TWO}\n]",
        f"[{ONE}]\n[{TWO}]",
        f"{ONE}{TWO}",
        f"{ONE} {TWO}\n",
        f"\n\n[{ONE}, {TWO},]",
        f"\ufeff[{ONE}]\ufeff[{TWO}]",
    ],
)
def test_the_same_records_whatever_stands_around_them(text: str) -> None:
    assert payloads(text.encode()) == [ONE, TWO]
    assert [keyless_record_id("s", str(payload), 0) for payload in payloads(text.encode())] == [
        keyless_record_id("s", payload, 0) for payload in (ONE, TWO)
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=5)


@given(OBJECTS, st.sampled_from([None, 0, 1, "\t"]), st.booleans(), st.booleans(), st.integers(1, 9))
def test_round_trip(
    objects: list[object], indent: int | str | None, as_array: bool, ascii_only: bool, size: int
) -> None:
    def dump(value: object) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    if not as_array and indent is not None:
        objects = [value for value in objects if value]  # {} in the first line is one object a line
    whole = dump(objects) if as_array else "\n".join(map(dump, objects))
    values = list(cut_values(pieces(whole.encode(), size)))
    assert [json.loads(value.text) for value in values] == objects and not any(value.fault for value in values)
    lines = [whole.encode()[: whole.encode().index(value.text)].count(b"\n") + 1 for value in values[:1]]
    assert [value.line for value in values[:1]] == lines
    found = [json.loads(payload or "") for payload in payloads(whole.encode())]
    assert found == objects
    spaced = (", ", ": ") if indent is None else (",", ":")
    written = [json.dumps(value, ensure_ascii=ascii_only, separators=spaced) for value in objects]
    assert payloads(whole.encode()) == written


@given(st.binary(max_size=60) | st.text(alphabet='[]{},:"\\\n 1a', max_size=60).map(str.encode), st.integers(1, 7))
def test_rubbish_ends_and_does_not_depend_on_the_pieces_it_comes_in(data: bytes, size: int) -> None:
    def cut(size: int) -> list[Value]:
        return list(cut_values(pieces(data, size)))

    assert [value.text for value in cut(size)] == [value.text for value in cut(1000)]
    assert all(value.text or value.fault for value in cut(size))


def test_a_document_over_lines_is_one_record_without_the_space_between_its_tokens() -> None:
    text = '{\n  "name" : "a  b",\n  "list": [\n    1.50,\n    {"x":\t"\\n"}\n  ]\n}\n'
    assert read(text.encode()) == [Row(1, '{"name":"a  b","list":[1.50,{"x":"\\n"}]}', None, None)]
    assert payloads((text * 2).encode()) == ['{"name":"a  b","list":[1.50,{"x":"\\n"}]}'] * 2
    assert payloads(text.replace("{\n", "\n\n{\n\n", 1).encode()) == ['{"name":"a  b","list":[1.50,{"x":"\\n"}]}']


@pytest.mark.parametrize(
    "first", ['{"a": 1', '{"a": "x', '{"a": tru}', "rubbish", '{"a": 1}}', '{"a": 1} {"b"', '"a": 1}']
)
def test_a_bad_first_line_stays_a_line(first: str) -> None:
    rows = read(f'{first}\n{{"b": 2}}\n{{"c"\n{{"d": 4}}\n'.encode())
    assert [(row.position, row.payload) for row in rows] == [(1, None), (2, '{"b": 2}'), (3, None), (4, '{"d": 4}')]
    assert {row.drop_reason for row in rows} == {"bad_json", None} or first == '"a": 1}'


@pytest.mark.parametrize("first", ['{"a":', '{"a": [', '{"a": 1,', "{"])
def test_a_first_line_that_was_cut_where_a_document_may_go_on_costs_itself_alone(first: str) -> None:
    rows = read(f'{first}\n{{"b": 2}}\n{{"c": 3}}\n'.encode())
    assert [(row.position, row.payload) for row in rows] == [(1, None), (2, '{"b": 2}'), (3, '{"c": 3}')]


GOOD = [f'{{"id": {number}, "turns": [{{"id": 0, "t": "a, b"}}]}}' for number in range(5)]
BROKEN = {
    "not a value": ('{"id": 2, "t": tru}', "invalid literal, expected 'true'"),
    "no closing bracket": ('{"id": 2, "t": [1, 2', None),
    "a bracket too many": ('{"id": 2, "t": [1]]}', None),
    "the wrong bracket": ('{"id": 2, "t": [1}}', None),
    "no closing quote": ('{"id": 2, "t": "x}', None),
    "no opening quote": ('{"id": 2, "t": x"}', None),
    "no value": ('{"id": 2, "t": }', None),
    "a bad byte": ('{"id": 2, "t": "\udcff"}', "byte 0xff"),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("layout", ["one line", "a line each", "indented", "commas first", "indented deep"])
def test_a_broken_value_costs_itself_alone(broken: str, layout: str) -> None:
    bad, said = BROKEN[broken]
    between = {"one line": ("[", ",", "]"), "a line each": ("[\n", ",\n", "\n]"), "indented": ("[\n  ", ",\n  ", "\n]"),
               "commas first": ("[ ", "\n, ", "\n]"), "indented deep": ("[\n\t\t", ",\n\t\t", "\n]")}  # fmt: skip
    before, comma, after = between[layout]
    whole = before + comma.join([*GOOD[:2], bad, *GOOD[3:]]) + after
    rows = read(whole.encode("utf-8", "surrogateescape"))
    assert [row.payload for row in rows if row.payload] == [*GOOD[:2], *GOOD[3:]]
    assert [row.position for row in rows] == list(range(1, len(rows) + 1)) and len(rows) == 5
    reason = "bad_encoding" if broken == "a bad byte" else "bad_json"
    assert rows[2].drop_reason == reason and str(rows[2].detail).startswith(said or "")


def test_a_fault_is_told_with_line_and_column() -> None:
    assert faults(b'[{"a": 1},\n {"a": tru},\n 7, {\n"b": \xff},\n {"c": 1]\n') == [
        (2, "bad_json", "invalid literal, expected 'true': line 2 column 8"),
        (3, "not_an_object", "found number, expected an object: line 3 column 2"),
        (4, "bad_encoding", "byte 0xff: line 4 column 6"),
        (5, "bad_json", "found ], expected }: line 5 column 9"),
    ]
    assert faults(b'[{"a": 1}, {"a":\n') == [(2, "bad_json", "unexpected end of data: line 2 column 1")]
    assert faults(b'[{"a": 1}\n') == [(2, "bad_json", "the array has no end: line 2 column 1")]


def test_values_that_repeat_a_fault_are_told_apart() -> None:
    """Each quarantined row has an id of its place."""
    rows = read(b"[{x}, {x}, {x}]")
    assert len({(row.position, row.detail) for row in rows}) == 3


def test_rubbish_between_values_is_set_aside() -> None:
    rows = read(b"[INFO] 2024 started\n" + f"{ONE}\n{TWO}\n".encode())
    assert [row.payload for row in rows if row.payload] == [ONE, TWO]
    assert [row.drop_reason for row in rows if not row.payload] == ["bad_json", "bad_json"]


def test_memory_is_bounded_by_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"["
        while True:
            taken += 1
            yield b'{"a": 1},\n' * 100

    values = cut_values(endless())
    assert [next(values).number for _ in range(10_000)][-1] == 10_000 and taken <= 110
    monkeypatch.setattr("udfs.cut_json.MAX_VALUE_BYTES", 1000)
    first, second, third = read(b'[\n{"a": "' + b"x" * 400_000 + b'"},\n{"a": 2},\n{"a": 3}\n]')
    assert (first.position, first.drop_reason, first.detail) == (1, "too_large", "a value of more than 64 MiB")
    assert (second.payload, third.payload) == ('{"a": 2}', '{"a": 3}')


def test_blank_files_take_no_memory() -> None:
    """As they come from a small packed file."""
    assert read(b"\n" * 3_000_000) == read(b" " * 3_000_000) == []
    assert read(b"\n" * 300_000 + ONE.encode()) == [Row(300_001, ONE, None, None)]
    assert payloads(b"[" + b" " * 300_000 + ONE.encode() + b" " * 300_000 + b"]") == [ONE]


def test_a_value_that_lost_a_bracket_does_not_take_the_rest_of_a_large_file() -> None:
    good = [json.dumps({"id": number, "t": "x" * 200}) for number in range(20_000)]
    broken = good[:]
    for number in (0, 9_000, 9_001, 19_999):
        broken[number] = broken[number][:-1]
    for join in (",\n", ","):
        rows = read(f"[{join.join(broken)}]".encode())
        assert [row.payload for row in rows if row.payload] == good[1:9_000] + good[9_002:19_999]
        assert sum(row.payload is None for row in rows) == 4


def test_a_large_value_with_an_early_fault_is_still_one_value() -> None:
    turns = [{"role": "user", "n": number, "t": "x" * 100} for number in range(20_000)]
    huge = json.dumps({"score": float("nan"), "turns": turns})
    assert len(huge) > 2 << 20
    for whole in (f"[{huge}, {ONE}]", f"[\n{huge},\n{ONE}\n]"):
        first, second = read(whole.encode())
        assert (first.drop_reason, second.payload) == ("bad_json", ONE)


@pytest.mark.parametrize("layout", ["[{}]", "[\n{}\n]"])
def test_a_file_that_was_cut_gives_the_values_before(tmp_path: Path, layout: str) -> None:
    noise = random.Random(1)
    values = [json.dumps({"id": number, "t": noise.randbytes(40).hex()}) for number in range(20_000)]
    packed = bz2.compress(layout.replace("{}", ",\n".join(values)).encode())
    (tmp_path / "a").write_bytes(packed[: len(packed) * 3 // 4])
    seen: list[Row] = []
    with open_source(str(tmp_path / "a")) as stream, pytest.raises(FileError) as caught:
        seen.extend(read_rows(stream, "json", "a"))
    assert caught.value.reason == "truncated_file" and 5_000 < len(seen) < 19_999
    assert [row.payload for row in seen] == values[: len(seen)]
    assert caught.value.position == len(seen) + (layout != "[{}]")


def test_a_first_object_that_was_cut_with_its_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b'{"a": 1}\n{"a":\n')[:-8])
    with open_source(str(tmp_path / "a")) as stream:
        rows = read_json(stream, "a")
        assert next(rows).payload == '{"a": 1}'
        with pytest.raises(FileError):
            list(rows)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "instructions_gpteacher/roleplay.json.gz",
        "judge_pandalm/testset-v1.json.gz",
        "pii_presidio/synth_dataset_v2.json.gz",
    ],
)
def test_real_arrays(shared_data: Path, name: str) -> None:
    with gzip.open(shared_data / name) as packed:
        expected = json.load(packed)
    with open_source(str(shared_data / name)) as stream:
        rows = list(read_rows(stream, "json", name))
    assert [json.loads(row.payload or "") for row in rows] == expected
    assert [row.position for row in rows] == list(range(1, len(expected) + 1))


@pytest.mark.shared
def test_a_real_document_is_one_record(shared_data: Path) -> None:
    path = shared_data / "intents_clinc150" / "data_full.json.gz"
    with open_source(str(path)) as stream:
        [row] = read_rows(stream, "json", "a")
    with gzip.open(path) as packed:
        assert json.loads(row.payload or "") == json.load(packed)
