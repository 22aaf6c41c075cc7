"""One record of every kind tells its story; unknown ids say what was searched."""

import json
from collections.abc import Iterator

import pytest

from jobs.runtime.errors import ConfigError
from jobs.runtime.explain import explain, facts_of
from jobs.runtime.show import show_story
from jobs.runtime.story import tell
from jobs.runtime.tables import Lake
from jobs.runtime.views import register
from tests.grown_lake import GrownLake, text_of

CACHED = (
    "raw_records",
    "clean_records",
    "documents",
    "duplicate_matches",
    "splits",
    "labels",
    "selections",
    "outcomes",
)


@pytest.fixture(scope="module", autouse=True)
def cached(grown_lake: GrownLake) -> Iterator[None]:
    """Each record asks these a dozen questions, and nothing here writes."""
    catalog = grown_lake.lake.spark.catalog
    register(grown_lake.lake)
    for name in (*CACHED, "outcomes"):
        catalog.cacheTable(name)
    yield
    for name in (*CACHED, "outcomes"):
        catalog.uncacheTable(name)


def story_of(grown: GrownLake, ident: str) -> str:
    return "\n".join(tell(facts_of(grown.lake, grown.recipe, ident)))


@pytest.mark.spark
def test_a_reverted_record_tells_its_revisions_oldest_first(grown_lake: GrownLake) -> None:
    ident = grown_lake.record("alpha", 7)
    story = story_of(grown_lake, ident)
    assert f"Record {ident} came from source alpha, file {grown_lake.folder}/alpha.csv, line 7 (revision 1)." in story
    assert story.count("Another content came") == 2
    assert "Tied by another text of one record" in story
    assert "In version 2 of grown" in story and "published as document" in story
    assert story.index("(revision 1)") < story.index("(revision 3)") < story.index("In version 1")
    assert story.endswith("There is no open draft of grown.")


@pytest.mark.spark
@pytest.mark.parametrize(
    ("source", "position", "path", "said"),
    [
        ("alpha", 5, "", "dropped: a near-duplicate of the survivor of its group (duplicate"),
        ("alpha", 6, "", "changed it by"),
        ("alpha", 30, "", "Its label is open: its records disagree and no label has the majority (label_conflict"),
        (
            "beta",
            1,
            "bad.jsonl",
            "dropped it: the text has fewer characters than min_chars (too_short; found 2; limit 5)",
        ),
        ("beta", 2, "bad.jsonl", "is absent or null, or the columns have no known shape (missing_field; found text)"),
        ("beta", 3, "bad.jsonl", "the line, or the element of an array, is not one valid JSON value (bad_json)"),
        ("beta", 27, "one.jsonl", "In revision 3 it was no longer in its source beta."),
        ("beta", 1, "two.jsonl", "not known yet"),
        ("beta", 1, "three.jsonl", "not known yet"),
    ],
)
def test_each_kind_of_record(grown_lake: GrownLake, source: str, position: int, path: str, said: str) -> None:
    assert said in story_of(grown_lake, grown_lake.record(source, position, path))


@pytest.mark.spark
def test_a_merged_record_names_the_published_one(grown_lake: GrownLake) -> None:
    merged = next(row for row in grown_lake.outcomes[0] if row["outcome"] == "merged")
    story = story_of(grown_lake, merged["record_id"])
    assert f"merged into record {merged['merged_into']}, which has the same text" in story


@pytest.mark.spark
def test_a_document_and_a_prefix_of_its_id(grown_lake: GrownLake, capsys: pytest.CaptureFixture[str]) -> None:
    row = next(row for row in grown_lake.outcomes[2] if row["drop_reason"] == "duplicate")
    lake = Lake(grown_lake.lake.spark.newSession(), grown_lake.lake.location)  # where no view is registered yet
    facts = explain(lake, grown_lake.recipe, row["document_id"][:10].upper())
    story = "\n".join(tell(facts))
    assert f"in favour of document {row['partner_id']}, similarity 0." in story
    assert "Its duplicate group" in story and "2 documents" in story
    text = facts["document"]["text"]
    show_story(facts, "json")
    shown = capsys.readouterr().out
    assert text[:40] not in shown and json.loads(shown)["story"]
    assert len(text) > 80 and f'"{text[:79]}…"' in story and text[:80] not in story


@pytest.mark.spark
def test_wrong_ids(grown_lake: GrownLake) -> None:
    with pytest.raises(ConfigError, match=r"nothing begins with 0{12}: searched every record_id of raw_records"):
        explain(grown_lake.lake, grown_lake.recipe, "0" * 12)
    for wrong in ("abc", text_of("a1"), "g" * 32, "'; --" + "a" * 8):
        with pytest.raises(ConfigError, match="expected a record_id or document_id"):
            explain(grown_lake.lake, grown_lake.recipe, wrong)
