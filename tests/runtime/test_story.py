"""What a story says, without Spark."""

from typing import Any

from jobs.runtime.story import excerpt, in_words, tell


def test_an_excerpt_is_one_harmless_line() -> None:
    assert excerpt("a\n\tb\x1b[31m  c\u202e d\x00") == "a b [31m c d"
    assert excerpt("商品" * 40) == "商品" * 40
    assert excerpt("x" * 81) == "x" * 79 + "…"
    assert len(excerpt("e\u0301" * 100)) <= 80
    assert not excerpt("e\u0301" * 100)[:-1].endswith("e")


def test_reasons_in_words() -> None:
    assert in_words("bad_json") == "the line, or the element of an array, is not one valid JSON value"
    assert in_words("rule:has_text") == "it breaks the row rule has_text (num_chars >= 1)"
    assert in_words("some_new_code") == "some_new_code"


def test_a_text_of_many_records_names_the_first_and_counts_all() -> None:
    records = [{"record_id": f"r{n}", "source": "faq", "path": "a.csv", "position": n} for n in range(1, 101)]
    document: dict[str, Any] = {"document_id": "d", "kind": "text", "num_chars": 3, "text": "谢谢！"}
    document |= {"records": records, "num_records": 4_000, "split": None, "duplicate_group": None, "label": None}
    document |= {name: [] for name in ("matches", "ties", "leaks", "selected")}
    of_dataset: dict[str, Any] = {"kind": "document", "dataset": "faq", "versions": [], "draft_version": None}
    told = tell(of_dataset | {"document": document})
    assert told[0] == 'Document d is a text of 3 characters: "谢谢！".'
    assert told[1].startswith("Current records of faq with this text: r1 (faq, a.csv, line 1), r2 (faq,")
    assert told[1].endswith("r5 (faq, a.csv, line 5) and 3995 more.")
    assert told[-2:] == ["faq has no published version in this lake.", "There is no open draft of faq."]
    tie = {"tie": "the same prompt", "documents": 7, "named": list("abcde"), "binds": True}
    split = {"split": "val", "reason": "hash", "leak_group_id": "g", "group_size": 8, "drop_reason": None}
    document |= {"split": split, "ties": [tie, tie | {"binds": False}]}
    bound, generic = [line for line in tell(of_dataset | {"document": document}) if "the same prompt" in line]
    assert bound == "Tied by the same prompt to a, b, c, d, e and 2 more."
    assert generic == "It has the same prompt as a, b, c, d, e and 2 more: too many for it to tie them."
