"""What a card declares of the columns; that loaders take it is tested in tests/runtime/test_export_loads.py."""

import pytest

from tests.exported import example, turn
from udfs.export_features import features
from udfs.export_shapes import SHAPES

REPLY = turn("assistant", "2")


def names(form: str, *traits: str) -> list[str]:
    """The columns in order."""
    return [column["name"] for column in features(form, frozenset(traits)) or []]


def test_columns_are_those_of_the_rows() -> None:
    plain = example("a", turn("user", "1+1?"), REPLY, label="sum", labels=["sum"])
    several = example("a", turn("system", "s"), *[turn("user", "q"), REPLY] * 2, rejected="3", labels=["x", "y"])
    for form in ("chat", "sharegpt", "alpaca", "classification", "text"):
        for row in (plain, several):
            traits = frozenset(SHAPES[form].traits(row))
            encoded = SHAPES[form].encode(row, traits)
            assert sorted(encoded) == sorted(names(form, *traits))


@pytest.mark.parametrize(
    ("extra", "trait"),
    [
        ('{"name":"ann"}', "with name"),
        ('{"name":7}', "odd"),
        ('{"weight":0}', "odd"),
        ('{"tool_calls":[{"id":"c","type":"function","function":{"name":"a","arguments":"{}"}}]}', "with tool_calls"),
        ('{"tool_calls":[{"function":{"name":"a","arguments":{}}}]}', "odd"),
        ('{"tool_calls":[{"id":"c","index":0}]}', "odd"),
        ('{"function_call":{"name":"a","arguments":"{}"}}', "with function_call"),
        ('{"content":[{"type":"text","text":"x"}]}', "parts"),
    ],
)
def test_keys_of_turns_are_declared_where_their_form_is_known(extra: str, trait: str) -> None:
    found = set(SHAPES["chat"].traits(example("a", turn("user", "x", extra), REPLY)))
    assert found == {trait}
    declared = features("chat", frozenset(found))
    assert (declared is None) == (trait in ("odd", "parts"))
    if declared:
        assert [one["name"] for one in declared[0]["list"]] == ["role", "content", trait.removeprefix("with ")]


def test_parquet_says_its_types_itself() -> None:
    assert features("parquet", frozenset()) is None
