"""The rules of splits, duplicates and versions as one story: what users do to their sources, run after run."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from jobs.runtime.errors import GateRefusal
from jobs.runtime.explain import facts_of
from jobs.runtime.story import tell
from jobs.runtime.views import register
from tests.pipeline.story import (
    BANK_ROWS,
    GROUP,
    PAIRS,
    THREADS,
    Story,
    assert_told,
    drawn,
    explainable,
    first_faq,
    first_notes,
    first_rows,
    pair,
    words,
)

pytestmark = pytest.mark.spark

# By the second recipe.
ELSEWHERE = {"language"}
CACHED = ("raw_records", "clean_records", "documents", "duplicate_matches", "splits", "labels", "selections")
OF_THE_LAKE = ("clean_text", "collect_documents", "hash_shingles", "match_duplicates", "assign_splits")


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Story]:
    """The lake of the story; the tests below are its chapters and run in their order."""
    folder = tmp_path_factory.mktemp("story")
    conf = {"shuffle.partitions": "8"}  # as a run of its own might have it
    before = {name: spark.conf.get(f"spark.sql.{name}") or "" for name in conf}
    for name, value in conf.items():
        spark.conf.set(f"spark.sql.{name}", value)
    yield Story(folder, spark, first_rows(shared_data), first_notes(), first_faq())
    for name, value in before.items():
        spark.conf.set(f"spark.sql.{name}", value)


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """What a chapter leaves for the next ones."""
    return {}


def test_a_mistyped_mapping_is_mended_and_the_splits_do_not_collapse(story: Story) -> None:
    """`text: label` makes 78 documents of 10,000 questions; mended, no question follows the text all had."""
    typo = story.document()["sources"]
    typo[0]["fields"] = {"text": "label", "label": "label", "group": "thread"}
    story.run(sources=typo)
    few = len(story.splits())
    story.run()
    current = story.ask("""
        SELECT s.split, s.leak_group_id FROM splits s
        WHERE s.document_id IN (SELECT document_id FROM current_records WHERE source = 'bank')""")
    shares = Counter(row["split"] for row in current)
    assert few < 1_000 and len(current) > 9_000
    assert 0.03 < shares["test"] / len(current) < 0.07 and 0.03 < shares["val"] / len(current) < 0.07
    assert max(Counter(row["leak_group_id"] for row in current).values()) < 0.05 * len(current)
    assert story.ask("SELECT 1 FROM duplicate_matches WHERE uncompared > 0"), "no bucket is above the cap"


@pytest.fixture(scope="module")
def grown(story: Story, kept: dict[str, Any]) -> dict[str, Any]:
    """The second chapter's changes, all made before one run."""
    kept["before"] = story.splits()
    kept["typo"] = lone_test_question(story)
    kept["reverted"] = story.record("bank", id="q17")
    kept["doubled"] = story.record("bank", id="q18")
    split = story.split_by_id()
    kept["between"] = next(n for n in range(PAIRS) if (split[f"left{n}"], split[f"right{n}"]) == ("train", "test"))
    kept["thread"] = next(n for n in range(THREADS) if split[f"t{n}"] == "test")
    story.bank[kept["typo"]]["text"] += " please"
    story.bank["q17"]["text"] = " ".join(words("another text", 20))
    story.twice = [{**story.bank["q18"], "text": "one row"}]
    story.bank["q18"] = {**story.bank["q18"], "text": "and another row"}
    del story.faq["two.jsonl"]
    story.faq["three.jsonl"] = [(prompt, f"another {reply}") for prompt, reply in story.faq["one.jsonl"]]
    _, _, story.notes["between"], story.notes["near"] = pair(kept["between"])
    for number in range(400):
        text = " ".join(words(f"grown {number}", 20))
        row = {"id": f"g{number}", "text": text, "label": "talk", "thread": f"{GROUP}-{kept['thread']}"}
        story.bank[row["id"]] = row
    story.run()
    return kept


def lone_test_question(story: Story) -> str:
    """A question of test that is tied to no other document, so that only its older text can lend a split."""
    found = story.ask(f"""
        SELECT get_json_object(r.payload, '$.id') AS id
        FROM current_records c JOIN raw_records r ON r.record_id = c.record_id AND r.revision = c.revision
        JOIN splits s ON s.document_id = c.document_id
        WHERE c.source = 'bank' AND s.split = 'test' AND s.leak_group_id = s.document_id
          AND length(c.text) > 150 AND r.position < {BANK_ROWS}
        ORDER BY c.record_id LIMIT 1""")
    return str(found[0]["id"])


def test_no_old_document_moves(story: Story, grown: dict[str, Any]) -> None:
    assert grown["before"].items() <= story.splits().items()


def test_a_mended_typo_stays_test(story: Story, grown: dict[str, Any]) -> None:
    now = story.record("bank", id=grown["typo"])
    assert now["text"].endswith(" please") and now["revision"] > 1
    assert (now["split"], now["reason"]) == ("test", "lent")


def test_two_rows_with_one_key_are_set_aside_and_the_record_keeps_what_it_had(
    story: Story, grown: dict[str, Any]
) -> None:
    query = "SELECT drop_reason FROM quarantine WHERE source = 'bank'"
    assert [row[0] for row in story.ask(query)] == ["duplicate_key", "duplicate_key"]
    kept = grown["doubled"]
    now = story.ask(f"SELECT document_id FROM outcomes WHERE record_id = '{kept['record_id']}' AND dataset_version = 3")
    assert [row[0] for row in now] == [kept["document_id"]]


def test_records_of_a_vanished_file_leave(story: Story, grown: dict[str, Any]) -> None:
    gone = "SELECT count(*) FROM outcomes WHERE dataset_version = {} AND path LIKE '%two.jsonl' AND outcome = '{}'"
    assert story.ask(gone.format(2, "published"))[0][0] == 10
    assert story.ask(gone.format(3, "published"))[0][0] == 0
    vanished = "SELECT count(*) FROM outcomes WHERE dataset_version = 3 AND drop_reason = 'vanished'"
    assert story.ask(vanished)[0][0] == 10


def test_other_answers_share_the_split_of_their_prompt(story: Story, grown: dict[str, Any]) -> None:
    rows = story.ask("""
        SELECT c.prompt_digest, collect_set(s.split) AS splits, count(*) AS n
        FROM current_records c JOIN splits s ON s.document_id = c.document_id
        WHERE c.source = 'faq' AND c.document_id IS NOT NULL GROUP BY c.prompt_digest""")
    assert {(len(row["splits"]), row["n"]) for row in rows} == {(1, 2)} and len(rows) == 50
    assert "test" in {row["splits"][0] for row in rows}


def test_between_train_and_test(story: Story, grown: dict[str, Any]) -> None:
    """The text between is linked to both and published in neither; the one near it only stays, in train."""
    between, near = story.record("notes", id="between"), story.record("notes", id="near")
    assert (between["split"], between["reason"], between["set_aside"]) == ("train", "merged", "conflict")
    assert (between["outcome"], between["drop_reason"]) == ("dropped", "conflict")
    assert (near["split"], near["reason"], near["set_aside"], near["outcome"]) == ("train", "merged", None, "published")
    for side, split in (("left", "train"), ("right", "test")):
        end = story.record("notes", id=f"{side}{grown['between']}")
        assert (end["split"], end["outcome"]) == (split, "published")


def test_a_group_that_grows_past_the_limit_keeps_its_split(story: Story, grown: dict[str, Any]) -> None:
    rows = story.ask("""
        SELECT s.split, s.drop_reason, s.drop_threshold, s.leak_group_id FROM splits s JOIN current_records c
          ON c.document_id = s.document_id
        WHERE c.source = 'bank' AND c.record_id IN (
          SELECT record_id FROM raw_records WHERE get_json_object(payload, '$.id') LIKE 'g%')""")
    assert len(rows) == 400 and {row["split"] for row in rows} == {"test"}
    assert len({row["leak_group_id"] for row in rows}) == 1
    limit = 0.05 / 2 * len(story.splits())
    marked = [row for row in rows if row["drop_reason"] == "large_group"]
    assert len(rows) - len(marked) + 1 == int(limit)  # with the one that was there
    assert {float(row["drop_threshold"]) for row in marked} == {round(limit, 1)}


def test_another_cleaning_and_a_record_reverted(story: Story, grown: dict[str, Any]) -> None:
    """Texts that cleaning changes are new documents in the old splits; no old text is published any more."""
    before = story.splits()
    old = {row["record_id"]: row for row in untidy(story)}
    story.bank["q17"]["text"] = grown["reverted"]["text"]
    story.sections = {"clean_text": story.cleaning()}
    story.run()
    assert before.items() <= story.splits().items()
    now = {row["record_id"]: row for row in untidy(story)}
    assert len(now) == 60 and old.keys() == now.keys()
    assert all(now[one]["document_id"] != row["document_id"] for one, row in old.items())
    assert all(now[one]["split"] == row["split"] for one, row in old.items())
    assert "test" in {row["split"] for row in now.values()}
    ghosts = story.ask("""
        SELECT 1 FROM dataset_examples WHERE dataset_version = 4
          AND document_id NOT IN (SELECT document_id FROM current_records WHERE document_id IS NOT NULL)""")
    assert ghosts == []
    assert story.record("bank", id="q17")["document_id"] == grown["reverted"]["document_id"]


def untidy(story: Story) -> list[Row]:
    return story.ask("""
        SELECT c.record_id, c.document_id, s.split FROM current_records c
        JOIN raw_records r ON r.record_id = c.record_id AND r.revision = c.revision
        JOIN splits s ON s.document_id = c.document_id
        WHERE c.source = 'notes' AND c.dataset = 'story' AND get_json_object(r.payload, '$.id') LIKE 'untidy%'""")


def test_a_second_recipe_on_the_lake_changes_nothing_of_the_first(story: Story, grown: dict[str, Any]) -> None:
    manifests = "SELECT dataset_version, content_digest FROM dataset_versions WHERE dataset = 'story' ORDER BY ALL"
    before = story.ask(manifests)
    story.run("other.yaml", **other_sections(story))
    again = {outcome.job: outcome for outcome in story.run().outcomes}
    assert again["ingest_records"].status == "skipped"
    # Other tables of the lake have grown by what the other recipe made of the same records: looked at, nothing taken.
    assert [again[job].rows_out for job in OF_THE_LAKE] == [0] * len(OF_THE_LAKE)
    assert [again[job].status for job in ("write_dataset", "publish_dataset")] == ["skipped"] * 2
    assert story.ask(manifests) == before
    moved = """
        SELECT 1 FROM dataset_examples a JOIN dataset_examples b ON a.document_id = b.document_id
        WHERE a.dataset = 'story' AND b.dataset = 'other' AND a.split <> b.split"""
    assert story.ask(moved) == []


def other_sections(story: Story) -> dict[str, Any]:
    """What the second recipe has other than the first."""
    cleaning = {"min_chars": 40, "language_model": "asset:lid176/model", "languages": ["en"]}
    return {
        "dataset": "other",
        "clean_text": story.cleaning(cleaners=["repair_unicode"], **cleaning),
        "group_duplicates": {"threshold": 0.9},
        "select_examples": {"order": ["shortest"]},
    }


@pytest.fixture(scope="module")
def moved(story: Story, grown: dict[str, Any]) -> tuple[str, str]:
    """Two linked examples of test; the first one is moved to train by hand."""
    low, high = story.ask("""
        SELECT m.document_id, m.match.document_id AS other_id
        FROM (SELECT document_id, explode(matches) AS match FROM duplicate_matches) m
        JOIN dataset_examples a ON a.document_id = m.document_id JOIN dataset_examples b
          ON b.document_id = m.match.document_id AND b.dataset_version = a.dataset_version AND b.dataset = a.dataset
        WHERE a.dataset = 'story' AND a.dataset_version = 4 AND a.split = 'test' AND m.match.similarity < 0.69
        ORDER BY 1, 2 LIMIT 1""")[0]
    story.spark.sql(f"UPDATE {table(story, 'splits')} SET split = 'train' WHERE document_id = '{low}'")
    return low, high


def table(story: Story, name: str) -> str:
    return f"delta.`{story.folder}/lake/{name}`"


def dropped(story: Story, document: str, version: int) -> tuple[Any, ...]:
    row = story.ask(f"""
        SELECT drop_reason, partner_id, split_part(drop_value, ' ', 1) AS found FROM selections
        WHERE dataset = 'story' AND dataset_version = {version} AND document_id = '{document}'""")[0]
    return tuple(row)


def test_the_lower_end_of_a_moved_row_is_left_out(story: Story, moved: tuple[str, str]) -> None:
    low, high = moved
    story.run()
    assert dropped(story, low, 5) == ("cross_split", high, "match")


def test_without_its_matches_the_second_look_finds_it(story: Story, moved: tuple[str, str]) -> None:
    low, high = moved
    story.spark.sql(f"""
        UPDATE {table(story, "duplicate_matches")} SET matches =
          CASE WHEN document_id = '{low}' THEN array() ELSE filter(matches, m -> m.document_id <> '{low}') END""")
    story.run()
    assert dropped(story, low, 6) == ("cross_split", high, "shingles")


def test_a_document_whose_matches_are_deleted_is_matched_again(story: Story, moved: tuple[str, str]) -> None:
    low, high = moved
    story.spark.sql(f"DELETE FROM {table(story, 'duplicate_matches')} WHERE document_id = '{low}'")
    again = {outcome.job: outcome for outcome in story.run().outcomes}
    assert again["match_duplicates"].rows_out == 1
    assert dropped(story, low, 7) == ("cross_split", high, "match")


def test_the_gate_refuses_repairs_where_none_are_allowed(story: Story, moved: tuple[str, str]) -> None:
    with pytest.raises(GateRefusal, match=moved[0]) as refused:
        story.run(check_gates={"repair": 0.0})
    assert refused.value.exit_code == 3


def test_a_hundred_random_records_are_explained_as_the_outcomes_say(story: Story, moved: tuple[str, str]) -> None:
    """In every version that knows them, each outcome and reason code among them, older versions after growth too."""
    register(story.lake)
    cached = (*CACHED, "outcomes")
    for name in cached:  # each record asks them a dozen questions
        story.spark.catalog.cacheTable(name)
    fates: dict[str, list[Row]] = {}
    for row in story.ask("SELECT * FROM outcomes WHERE dataset = 'story' ORDER BY dataset_version, record_id"):
        fates.setdefault(row["record_id"], []).append(row)
    assert explainable() - {fate["drop_reason"] for row in fates.values() for fate in row} == ELSEWHERE
    recipe = story.recipe()
    for ident in drawn(fates)[:100]:
        told = tell(facts_of(story.lake, recipe, ident))
        for fate in fates[ident]:
            assert_told(told, fate)
    (foreign,) = story.ask("SELECT * FROM outcomes WHERE dataset = 'other' AND drop_reason = 'language' LIMIT 1")
    assert_told(
        tell(facts_of(story.lake, story.recipe("other.yaml", **other_sections(story)), foreign["record_id"])), foreign
    )
    for name in cached:
        story.spark.catalog.uncacheTable(name)


def test_the_sums_of_every_version_add_up(story: Story, moved: tuple[str, str]) -> None:
    """Each record has one outcome in each version, and what is published are its examples."""
    sums = story.ask("""
        SELECT dataset, dataset_version, count(*) AS outcomes, count(DISTINCT record_id) AS records,
               count_if(outcome = 'missing') AS missing, count_if(outcome = 'published') AS published
        FROM outcomes GROUP BY ALL""")
    examples = story.ask("SELECT dataset, dataset_version, count(*) AS n FROM dataset_examples GROUP BY ALL")
    assert {(row["dataset"], row["dataset_version"]): row["published"] for row in sums} == {
        (row["dataset"], row["dataset_version"]): row["n"] for row in examples
    }
    assert len(sums) == 8
    assert all(row["outcomes"] == row["records"] and not row["missing"] for row in sums), sums
