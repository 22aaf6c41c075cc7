"""Languages of records by the real lid.176 model: which stay, and what the row of one that does not stay says."""

import json
from typing import Any

import pyarrow as pa
import pytest

from jobs.runtime.assets import resolve_asset
from udfs.clean_payloads import Mapped, Rules, clean_payloads
from udfs.examples import Example, document_id
from udfs.folding import fold_digest

pytestmark = pytest.mark.network

CHINESE = "今天北京的天气很好。"
ENGLISH = "The weather in London is fine today."
GERMAN = "Das Wetter in Berlin ist heute schön."
# English by the model, with a confidence of 0.38.
UNSURE = "no problem amigo"
GONE = ("document_id", "text", "messages", "rejected", "fold_digest", "prompt_digest")


@pytest.fixture(scope="module")
def model() -> str:
    return str(resolve_asset("lid176/model"))


def clean(model: str | None, languages: tuple[str, ...] | None, confidence: float, *texts: str) -> list[dict[str, Any]]:
    """The rows of records that hold these texts, of which those below four characters are too short."""
    places = list(range(1, len(texts) + 1))
    names = {"record_id": [f"r{place}" for place in places], "source": ["s"] * len(texts), "path": ["f"] * len(texts)}
    payloads = [json.dumps({"text": text}) for text in texts]
    columns = names | {"revision": [1] * len(texts), "position": places, "payload": payloads}
    rules = Rules((), 4, 1000, languages, confidence, None, model)
    [found] = clean_payloads([pa.RecordBatch.from_pydict(columns)], {"s": Mapped({"text": "text"}, None, None)}, rules)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def outcomes(rows: list[dict[str, Any]]) -> list[tuple[str | None, ...]]:
    return [(row["language"], row["drop_reason"], row["drop_value"], row["drop_threshold"]) for row in rows]


def test_records_in_no_wanted_language_are_dropped(model: str) -> None:
    """One that is too short lies between them: a language belongs to its own text."""
    rows = clean(model, ("en", "zh"), 0.0, GERMAN, CHINESE, "好的", ENGLISH)
    assert outcomes(rows) == [
        ("de", "language", "de 0.9996", "en, zh 0"),
        ("zh", None, None, None),
        (None, "too_short", "2", "4"),
        ("en", None, None, None),
    ]
    german, chinese, _, english = rows
    assert (chinese["text"], english["text"]) == (CHINESE, ENGLISH)
    assert chinese["document_id"] == document_id(Example("text", CHINESE))
    assert english["fold_digest"] == fold_digest(ENGLISH)
    assert chinese["language_confidence"] == 1.0 and 0.9 < english["language_confidence"] <= 1.0
    # Of a dropped one the facts stay, and nothing that a later job could take for a document.
    assert {german[name] for name in GONE} == {None} and german["language_confidence"] > 0.9
    assert (german["record_id"], german["kind"], german["num_chars"]) == ("r1", "text", len(GERMAN))


def test_a_wanted_language_below_the_confidence_is_dropped(model: str) -> None:
    assert outcomes(clean(model, ("en", "zh"), 0.5, UNSURE, ENGLISH)) == [
        ("en", "language", "en 0.3825", "en, zh 0.5"),
        ("en", None, None, None),
    ]
    assert outcomes(clean(model, ("en", "zh"), 0.3, UNSURE)) == [("en", None, None, None)]


def test_a_text_without_letters_is_in_no_language(model: str) -> None:
    assert outcomes(clean(model, ("en",), 0.0, "123 + 4")) == [("und", "language", "und 0", "en 0")]


def test_where_no_languages_are_named_all_stay_and_are_told(model: str) -> None:
    rows = clean(model, None, 0.9, UNSURE, GERMAN)
    assert outcomes(rows) == [("en", None, None, None), ("de", None, None, None)]
    assert outcomes(clean(None, None, 0.9, UNSURE)) == [(None, None, None, None)]
