"""What a column's name and kind tell: that it is said about the example, or may be a part of it."""

from typing import Any

import pytest

from udfs.known_shapes import SHAPE_COLUMNS
from udfs.unread_columns import ABOUT, PARTS, is_about


@pytest.mark.parametrize(
    "name", ["id", "messageId", "source_URL", "chosen_score", "created-at", "sha256", "Model Name"]
)
def test_the_last_word_of_a_name_tells(name: str) -> None:
    assert is_about(name, "any text") and is_about(name, ["any text"])


@pytest.mark.parametrize("name", ["id_card", "score_chosen", "modelling", "idea", "问题", "_", "source text"])
def test_other_names_do_not_whatever_they_begin_with(name: str) -> None:
    assert not is_about(name, "any text") and not is_about(name, {"a": 1})
    assert is_about(name, 5) and is_about(name, True) and is_about(name, " ") and is_about(name, {})


@pytest.mark.parametrize(
    "name", ["label", "weak_labels", "A", "option_b", "choice3", "correctAnswer", "tools", "question"]
)
def test_a_part_of_an_example_may_be_a_number(name: str) -> None:
    assert not is_about(name, 5) and not is_about(name, "5") and is_about(name, None)


@pytest.mark.parametrize(
    ("value", "says_nothing"),
    [
        ("12", True),
        ("-1,200.5", True),
        ("1e-3", True),
        ("97%", True),
        ("FALSE", True),
        ("n/a", True),
        ("2024-01-05", True),
        ("2024-01-05 10:00:00+01:00", True),
        ("s3://bucket/key", True),
        ("0f3a9c41aa2b4c5d", True),
        ("123e4567-e89b-12d3-a456-426614174000", True),
        ("12 apples", False),
        ("on 2024-01-05", False),
        ("see s3://bucket/key for more", False),
        ("deadbeef", False),
        ("1 2", False),
        ("x", False),
        ([1, 2], False),
        ({"a": 1}, False),
    ],
)
def test_texts_that_say_no_more_than_a_number(value: Any, says_nothing: bool) -> None:
    assert is_about("anything", value) == says_nothing


def test_no_name_is_both() -> None:
    assert not ABOUT & (PARTS | SHAPE_COLUMNS)
