"""Every record has one outcome in every version, counted by hand; growth changes no old one."""

from collections import Counter

import pytest

from jobs.runtime.views import register
from tests.grown_lake import GrownLake

EXPECTED = {
    1: {
        ("published", None): 52,
        ("merged", None): 2,
        ("dropped", "duplicate"): 1,
        ("dropped", "label_conflict"): 2,
        ("dropped", "too_short"): 1,
        ("dropped", "missing_field"): 1,
        ("dropped", "bad_json"): 1,
    },
    2: {
        ("published", None): 54,
        ("merged", None): 3,
        ("dropped", "duplicate"): 2,
        ("dropped", "label_conflict"): 2,
        ("dropped", "too_short"): 1,
        ("dropped", "missing_field"): 1,
        ("dropped", "bad_json"): 1,
    },
    3: {
        ("published", None): 52,
        ("merged", None): 3,
        ("dropped", "duplicate"): 2,
        ("dropped", "label_conflict"): 4,
        ("dropped", "too_short"): 1,
        ("dropped", "missing_field"): 1,
        ("dropped", "bad_json"): 1,
        ("dropped", "vanished"): 1,
    },
}


@pytest.fixture(autouse=True, scope="module")
def registered(grown_lake: GrownLake) -> None:
    """Views are the session's: tests of another lake may have put theirs in place."""
    register(grown_lake.lake)


@pytest.mark.spark
@pytest.mark.parametrize("version", EXPECTED)
def test_each_record_has_the_outcome_counted_by_hand(grown_lake: GrownLake, version: int) -> None:
    rows = grown_lake.outcomes[version - 1]
    assert Counter((row["outcome"], row["drop_reason"]) for row in rows) == EXPECTED[version]
    assert len({row["record_id"] for row in rows}) == len(rows) == sum(EXPECTED[version].values())


@pytest.mark.spark
@pytest.mark.parametrize("version", (1, 2))
def test_growth_changes_no_outcome_of_an_old_version(grown_lake: GrownLake, version: int) -> None:
    assert grown_lake.outcomes_of(version) == grown_lake.outcomes[version - 1]


@pytest.mark.spark
def test_published_records_are_the_examples(grown_lake: GrownLake) -> None:
    rows = grown_lake.ask("""
        SELECT dataset_version, document_id FROM outcomes WHERE outcome = 'published'
        EXCEPT ALL SELECT dataset_version, document_id FROM dataset_examples""")
    assert rows == []
    counts = {
        row["dataset_version"]: row["n"]
        for row in grown_lake.ask(
            "SELECT dataset_version, sum(examples) AS n FROM split_sizes GROUP BY dataset_version"
        )
    }
    assert counts == {1: 52, 2: 54, 3: 52}


@pytest.mark.spark
def test_merged_records_name_the_record_and_dropped_ones_the_document(grown_lake: GrownLake) -> None:
    last = {row["record_id"]: row for row in grown_lake.outcomes[2]}
    merged = [row for row in last.values() if row["outcome"] == "merged"]
    assert all(last[row["merged_into"]]["document_id"] == row["document_id"] for row in merged)
    assert all(last[row["merged_into"]]["outcome"] == "published" and row["partner_id"] is None for row in merged)
    published = {row["document_id"] for row in last.values() if row["outcome"] == "published"}
    duplicates = [row for row in last.values() if row["drop_reason"] == "duplicate"]
    assert {row["partner_id"] in published for row in duplicates} == {True}
    assert {row["merged_into"] for row in last.values() if row["outcome"] != "merged"} == {None}


@pytest.mark.spark
def test_a_changed_record_is_another_document_and_reverted_the_first_again(grown_lake: GrownLake) -> None:
    record = grown_lake.record("alpha", 7)
    found = [next(row for row in rows if row["record_id"] == record) for rows in grown_lake.outcomes]
    assert [(row["outcome"], row["revision"]) for row in found] == [
        ("published", 1),
        ("published", 2),
        ("published", 3),
    ]
    assert found[0]["document_id"] == found[2]["document_id"] != found[1]["document_id"]
    both = f"('{found[0]['document_id']}', '{found[1]['document_id']}')"
    splits = grown_lake.ask(f"SELECT DISTINCT split FROM splits WHERE document_id IN {both}")
    assert len(splits) == 1


@pytest.mark.spark
def test_decisions_say_each_thing_once_for_its_dataset(grown_lake: GrownLake) -> None:
    rows = grown_lake.ask("SELECT * FROM decisions")
    assert len(set(rows)) == len(rows)
    assert {row["dataset"] for row in rows} == {"grown"}
    found = Counter((row["job"], row["decision"], row["reason"], row["dataset_version"]) for row in rows)
    assert found[("ingest_records", "dropped", "bad_json", None)] == 1
    assert found[("clean_text", "dropped", "vanished", None)] == 1
    assert found[("clean_text", "dropped", "too_short", None)] == 1
    assert found[("infer_labels", "dropped", "label_conflict", None)] == 2
    selected = {key: n for key, n in found.items() if key[0] == "select_examples"}
    assert selected == {
        ("select_examples", decision, reason, version): n
        for version, counts in {1: (2, 1, 2), 2: (3, 2, 2), 3: (3, 2, 4)}.items()
        for (decision, reason), n in zip(
            (("merged", "same_text"), ("dropped", "duplicate"), ("dropped", "label_conflict")), counts, strict=True
        )
    }
    assert not any(row["is_draft"] for row in rows)


@pytest.mark.spark
def test_quarantine_holds_what_could_not_be_taken_once(grown_lake: GrownLake) -> None:
    rows = grown_lake.ask("SELECT job, drop_reason, position FROM quarantine ORDER BY position DESC")
    assert [tuple(row) for row in rows] == [("ingest_records", "bad_json", 3), ("clean_text", "missing_field", 2)]


@pytest.mark.spark
def test_current_records_are_one_row_a_record(grown_lake: GrownLake) -> None:
    row = grown_lake.ask("""
        SELECT count(*) AS n, count(DISTINCT record_id) AS records, count_if(drop_reason IS NULL) AS kept
        FROM current_records""")[0]
    # 65 records less the line that is no JSON; three of them dropped by cleaning.
    assert (row["n"], row["records"], row["kept"]) == (64, 64, 61)


@pytest.mark.spark
def test_fingerprints_have_one_row_a_job_and_source(grown_lake: GrownLake) -> None:
    rows = grown_lake.ask("SELECT job, source FROM fingerprints WHERE job IN ('clean_text', 'documents', 'find_leaks')")
    assert sorted(map(tuple, rows), key=str) == [("clean_text", "alpha"), ("clean_text", "beta"), ("find_leaks", None)]
