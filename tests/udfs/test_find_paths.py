"""Mapped paths in payloads: found or not, by key and not by value; and the columns to choose from."""

import json
from typing import Any

import pyarrow as pa
import pytest

from udfs.find_paths import ANY_SHAPE, find_paths
from udfs.payload_fields import has_path, look_up


@pytest.mark.parametrize(
    ("path", "has", "value"),
    [
        ("a", True, None),
        ("b.c", True, 1),
        ("b.d", False, None),
        ("b.c.d", False, None),
        ("l.1", True, "y"),
        ("l.2", False, None),
        ("x.y", True, 5),
        ("n", True, None),
        ("absent", False, None),
    ],
)
def test_a_path_is_there_whatever_its_value(path: str, has: bool, value: Any) -> None:
    payload = {"a": None, "b": {"c": 1}, "l": ["x", "y"], "x.y": 5, "x": {"y": 6}, "n": float("nan")}
    assert (has_path(payload, path), look_up(payload, path)) == (has, value)


def found(batches: list[list[tuple[str, Any]]], paths: dict[str, tuple[str, ...]]) -> list[tuple[str, str, bool]]:
    made = [
        pa.record_batch({"source": [s for s, _ in rows], "payload": [json.dumps(p) for _, p in rows]})
        for rows in batches
    ]
    return sorted(
        (row["source"], row["name"], row["is_path"])
        for batch in find_paths(made, paths)
        for row in batch.to_pylist()
    )  # fmt: skip


def test_each_path_is_found_once_and_a_first_payload_names_columns() -> None:
    batches: list[list[tuple[str, Any]]] = [
        [("s", {"a": 1, "meta": {"x": 1}}), ("t", {"q": None})],
        [("s", {"a": 2, "rare": 1}), ("s", {"rare": 2}), ("t", {"other": 1})],
    ]
    assert found(batches, {"s": ("a", "rare", "typo"), "t": ("q",)}) == [
        ("s", "a", False),
        ("s", "a", True),
        ("s", "meta.x", False),
        ("s", "rare", True),
        ("t", "q", False),
        ("t", "q", True),
    ]


def test_any_known_shape_is_found_whatever_it_holds() -> None:
    rows: list[tuple[str, Any]] = [("s", {"id": 1}), ("s", {"prompt": None, "response": [1]}), ("t", {"prompt": "q"})]
    assert found([rows], {"s": (ANY_SHAPE,), "t": (ANY_SHAPE, "prompt")}) == [
        ("s", "", True),
        ("s", "id", False),
        ("t", "prompt", False),
        ("t", "prompt", True),
    ]


def test_a_source_of_empty_payloads_is_seen() -> None:
    assert found([[("s", {})]], {"s": ("a",)}) == [("s", "", False)]
    assert found([[]], {"s": ("a",)}) == []
