"""Each type of Arrow in its JSON; nested values against Arrow's own Python values; what JSON cannot hold."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.arrow_payloads import make_payloads
from udfs.payload_fields import DropError

NOON = datetime(2024, 5, 6, 12, 30, 0, 250_000)
UTF8 = pa.string()


def only(array: pa.Array) -> list[Any]:
    """The payloads of a batch of one column `c`, without what all have."""
    return [
        one if isinstance(one, DropError) else one.removeprefix('{"c":').removesuffix("}")
        for one in make_payloads(pa.record_batch([array], ["c"]), {})
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (pa.int8(), -1, "-1"),
        (pa.int64(), 2**53 + 1, "9007199254740993"),
        (pa.uint64(), 2**64 - 1, "18446744073709551615"),
        (pa.bool_(), True, "true"),
        (pa.float64(), 0.1, "0.1"),
        (pa.float32(), 0.1, "0.1"),
        (pa.float16(), 1.5, "1.5"),
        (pa.float64(), float("nan"), "null"),
        (pa.float64(), float("-inf"), '"-Infinity"'),
        (pa.float32(), float("inf"), '"Infinity"'),
        (pa.decimal128(38, 2), Decimal("12.50"), '"12.50"'),
        (pa.decimal128(38, 0), Decimal(10**37 + 1), f'"{10**37 + 1}"'),
        (pa.decimal256(76, 10), Decimal("0.0000000001"), '"0.0000000001"'),
        (pa.string(), 'a "b" 你', '"a \\"b\\" 你"'),
        (pa.large_string(), "a", '"a"'),
        (pa.string_view(), "a", '"a"'),
        (pa.binary(), b"\x00\xff", '"AP8="'),
        (pa.large_binary(), b"", '""'),
        (pa.binary(2), b"ab", '"YWI="'),
        (pa.timestamp("us"), NOON, '"2024-05-06T12:30:00.25"'),
        (pa.timestamp("ns"), NOON, '"2024-05-06T12:30:00.25"'),
        (pa.timestamp("s"), NOON.replace(microsecond=0), '"2024-05-06T12:30:00"'),
        (pa.timestamp("us", "UTC"), NOON.replace(tzinfo=UTC), '"2024-05-06T12:30:00.25+00:00"'),
        (pa.timestamp("ms", "Asia/Shanghai"), NOON.replace(tzinfo=UTC), '"2024-05-06T12:30:00.25+00:00"'),
        (pa.timestamp("us"), datetime(1, 1, 1), '"0001-01-01T00:00:00"'),
        (pa.date32(), date(1969, 12, 31), '"1969-12-31"'),
        (pa.date64(), date(2024, 5, 6), '"2024-05-06"'),
        (pa.time32("ms"), time(3, 4, 5), '"03:04:05"'),
        (pa.time64("ns"), time(3, 4, 5, 60), '"03:04:05.00006"'),
        (pa.duration("ms"), timedelta(seconds=2), "2000"),
        (pa.dictionary(pa.int8(), pa.string()), "x", '"x"'),
        (pa.list_(pa.date32()), [date(2024, 5, 6), None], '["2024-05-06",null]'),
        (pa.list_(pa.float32(), 2), [0.1, 0.2], "[0.1,0.2]"),
        (pa.list_view(pa.int8()), [1, 2], "[1,2]"),
        (pa.map_(pa.string(), pa.decimal128(5, 1)), [("a", Decimal("1.0"))], '{"a":"1.0"}'),
        (pa.map_(pa.int16(), pa.string()), [(1, "x"), (2, None)], '{"1":"x","2":null}'),
        (pa.map_(pa.date32(), pa.bool_()), [(date(2024, 5, 6), False)], '{"2024-05-06":false}'),
        (pa.struct([("a", pa.binary()), ("b", UTF8)]), {"a": b"a", "b": None}, '{"a":"YQ==","b":null}'),
        (pa.null(), None, "null"),
    ],
    ids=str,
)
def test_each_type_has_its_json(kind: pa.DataType, value: Any, expected: str) -> None:
    values = [None, value, value]
    array = pa.array(values, kind.value_type).dictionary_encode() if kind.num_fields == 0 and hasattr(
        kind, "index_type") else pa.array(values, kind)  # fmt: skip
    assert only(array) == ["null", expected, expected]
    assert only(array.slice(1, 1)) == [expected], "a slice knows its place"


def test_years_that_python_does_not_have_and_nanoseconds() -> None:
    stamps = pa.array([253_402_300_800, -62_135_596_801], pa.timestamp("s"))
    assert only(stamps) == ['"10000-01-01T00:00:00"', '"0000-12-31T23:59:59"']
    assert only(pa.array([1], pa.timestamp("ns"))) == ['"1970-01-01T00:00:00.000000001"']


def test_columns_keep_their_order_and_constants_come_last() -> None:
    batch = pa.record_batch({"z": [1], "a": ["x"]})
    assert list(make_payloads(batch, {"lang": "zh", "b": None})) == ['{"z":1,"a":"x","lang":"zh","b":null}']
    nothing = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))
    assert list(make_payloads(nothing, {"lang": "zh"})) == ['{"lang":"zh"}'] * 2


def test_what_json_cannot_hold_is_named_and_other_rows_go_on() -> None:
    torn = pa.Array.from_buffers(UTF8, 3, pa.array([b"ok", b"\xffa", None]).buffers())
    inside = pa.StructArray.from_arrays([torn], ["t"])
    for array, where, good in ((torn, "c", '"ok"'), (inside, "c.t", '{"t":"ok"}')):
        first, fault, _ = only(array)
        assert first == good and (fault.reason, fault.detail) == ("bad_encoding", f"byte 0xff in column {where}")
    twice = pa.array([[("a", 1), ("a", 2)], [("a", 1)]], pa.map_(UTF8, pa.int8()))
    fault, good = only(twice)
    assert (fault.reason, fault.detail, good) == ("bad_value", "a map of column c has one key twice", '{"a":1}')
    [fault] = only(pa.array([pa.MonthDayNano([1, 2, 3])]))
    assert (fault.reason, fault.detail) == ("bad_value", "found MonthDayNano")


PLAIN = (pa.int64(), pa.bool_(), UTF8)
TYPES = st.recursive(
    st.sampled_from(PLAIN),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda kind: pa.list_(kind, 2)),
        inner.map(lambda kind: pa.map_(UTF8, kind)),
        st.lists(inner, min_size=1, max_size=3).map(lambda kinds: pa.struct(list(zip("xyz", kinds, strict=False)))),
    ),
    max_leaves=5,
)


def values_of(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_map(kind):
        found: st.SearchStrategy[Any] = st.dictionaries(st.text(max_size=2), values_of(kind.item_type), max_size=3)
    elif pa.types.is_fixed_size_list(kind):
        found = st.lists(values_of(kind.value_type), min_size=2, max_size=2)
    elif hasattr(kind, "value_field"):
        found = st.lists(values_of(kind.value_type), max_size=3)
    elif pa.types.is_struct(kind):
        found = st.fixed_dictionaries({field.name: values_of(field.type) for field in kind})
    else:
        found = {PLAIN[0]: st.integers(-(2**63), 2**63 - 1), PLAIN[1]: st.booleans(), UTF8: st.text(max_size=3)}[kind]
    return st.none() | found


def pairs(kind: pa.DataType, value: Any) -> Any:
    """A value as Arrow takes it: a map as its pairs."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return [(key, pairs(kind.item_type, inner)) for key, inner in value.items()]
    if pa.types.is_struct(kind):
        return {field.name: pairs(field.type, value[field.name]) for field in kind}
    return [pairs(kind.value_type, inner) for inner in value] if hasattr(kind, "value_field") else value


@given(st.data(), TYPES)
def test_nested_values_come_out_as_they_went_in(data: st.DataObject, kind: pa.DataType) -> None:
    values = data.draw(st.lists(values_of(kind), min_size=1, max_size=6))
    start = data.draw(st.integers(0, len(values) - 1))
    array = pa.array([pairs(kind, value) for value in values], kind).slice(start)
    assert [json.loads(text) for text in only(array)] == values[start:]


@given(st.lists(st.integers(-(10**16), 10**16), min_size=2), st.sampled_from([None, "UTC"]))
def test_times_sort_as_their_texts(numbers: list[int], zone: str | None) -> None:
    """order_by compares texts."""
    numbers = sorted(numbers)
    texts = only(pa.array(numbers, pa.timestamp("us", zone)))
    assert sorted(texts, key=json.loads) == texts
    assert [datetime.fromisoformat(json.loads(text)).replace(tzinfo=UTC) for text in texts] == [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number) for number in numbers
    ]
