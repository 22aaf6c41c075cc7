"""Tell what is known of one record or document in plain sentences, oldest first.  Pure: facts in, sentences out."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from jobs.runtime.times import shown
from schemas.clean_records import CLEAN_RECORDS
from schemas.labels import LABELS
from schemas.raw_records import RAW_RECORDS
from schemas.selections import SELECTIONS
from schemas.splits import SPLITS
from schemas.table import Table

Facts = dict[str, Any]

EXCERPT_CHARS = 80
NAMED = 5
GENERIC = "too many for it to tie them"
DROPPING = (RAW_RECORDS, CLEAN_RECORDS, LABELS, SPLITS, SELECTIONS)
SPLIT_REASONS = {
    "hash": "drawn from its component's id",
    "lent": "lent by a document that it is tied to",
    "large_group": "its ties are more than a held-out split may take",
    "merged": "it ties documents of several splits together",
}


def tell(facts: Facts, *, with_text: bool = True) -> list[str]:
    """The story. with_text: whether a short excerpt of the text is in it."""
    document = facts["document"]
    story = list(_record_story(facts)) if facts["kind"] == "record" else []
    if document is not None:
        story += _document_story(document, facts["dataset"], with_text)
    if facts["kind"] == "record":
        story += _record_outcomes(facts)
    else:
        story += _document_outcomes(facts)
    if not facts["versions"]:
        story.append(f"{facts['dataset']} has no published version in this lake.")
    return [*story, _draft(facts)]


def excerpt(text: str, limit: int = EXCERPT_CHARS) -> str:
    """One line of at most `limit` characters that no terminal takes for a command, cut between whole letters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(flat) <= limit:
        return flat
    end = limit - 1
    while end > 0 and _continues(flat[end]):
        end -= 1
    return flat[:end] + "…"


def _continues(char: str) -> bool:
    """Whether the character belongs to the one before: a combining mark or a variation."""
    return unicodedata.category(char).startswith("M")


def in_words(reason: str, table: Table | None = None) -> str:
    """What a reason code means, as its table declares."""
    tables = (table,) if table else DROPPING
    if reason.startswith("rule:"):
        rule = reason.removeprefix("rule:")
        predicates = [t.checks[rule] for t in tables if rule in t.checks]
        return f"it breaks the row rule {rule}" + (f" ({predicates[0]})" if predicates else "")
    return next((t.reasons[reason] for t in tables if reason in t.reasons), reason)


def _dropped(row: Facts, table: Table | None = None) -> str:
    """The reason in words, its code, value and limit."""
    found = [row["drop_reason"]]
    found += [f"found {row['drop_value']}"] if row.get("drop_value") is not None else []
    found += [f"limit {row['drop_threshold']}"] if row.get("drop_threshold") is not None else []
    return f"{in_words(row['drop_reason'], table)} ({'; '.join(found)})"


def _record_story(facts: Facts) -> Iterator[str]:
    for place, row in enumerate(facts["revisions"]):
        yield _origin(facts["id"], row, is_first=place == 0)
        cleaned = next((c for c in facts["cleanings"] if c["revision"] == row["revision"]), None)
        if cleaned is not None:
            yield _cleaning(cleaned)
        elif row["drop_reason"] is None and row["file_rows"] is None:
            yield f"Revision {row['revision']} is not cleaned for {facts['dataset']}: " + (
                "a newer one came before it was."
                if place + 1 < len(facts["revisions"])
                else "its source is not in the recipe, or no run has cleaned it yet."
            )


def _origin(ident: str, row: Facts, *, is_first: bool) -> str:
    where = f"source {row['source']}, file {row['path']}" + (f", line {row['position']}" if row["position"] else "")
    detail = f" What was found: {row['detail']}." if row["detail"] else ""
    number = f"revision {row['revision']}"
    if row["file_rows"] is not None:
        ended = f": {_dropped(row, RAW_RECORDS)}" if row["drop_reason"] else ""
        return f"{ident} stands for a whole file: {where}, {number}, {row['file_rows']} rows read{ended}.{detail}"
    if row["drop_reason"] is not None:
        return f"Record {ident} ({where}, {number}) was set aside: {_dropped(row, RAW_RECORDS)}.{detail}"
    if row["is_empty"]:
        return f"In {number} it was no longer in its source {row['source']}."
    return f"Record {ident} came from {where} ({number})." if is_first else f"Another content came: {where} ({number})."


def _cleaning(row: Facts) -> str:
    changed = f"changed it by {', '.join(row['changed_by'])}" if row["changed_by"] else "changed nothing"
    number = f"Cleaning of revision {row['revision']}"
    if row["drop_reason"] is not None:
        return f"{number} dropped it: {_dropped(row, CLEAN_RECORDS)}."
    sure = f" ({row['language_confidence']:.2f})" if row["language_confidence"] is not None else ""
    language = f"language {row['language']}{sure}" if row["language"] else "no language detected"
    labels = f", label {', '.join(row['labels'])}" if row["labels"] else ""
    return f"{number} {changed}; {language}{labels}; it became document {row['document_id']}."


def _document_story(document: Facts, dataset: str, with_text: bool) -> Iterator[str]:
    if "text" in document:
        shown = f': "{excerpt(document["text"])}"' if with_text else ""
        size = f"{document['kind']} of {document['num_chars']} characters"
        yield f"Document {document['document_id']} is a {size}{shown}."
    yield _records(document, dataset)
    yield from _split(document)
    yield _matches(document)
    group = document["duplicate_group"]
    if group is not None and group["group_size"] > 1:
        others = [name for name in group["named"] if name != document["document_id"]]
        size = group["group_size"]
        yield f"Its duplicate group {group['group_id']} has {size} documents, with {_named(others, size - 1)}."
    if (label := document["label"]) is not None:
        yield _label(label)
    for leak in document["leaks"]:
        like = f" {leak['similarity']:.2f}" if leak["similarity"] is not None else ""
        yield f"The leak check ties it by {leak['method']}{like} to {leak['other_id']} in {leak['other_split']}."


def _records(document: Facts, dataset: str) -> str:
    records = document["records"]
    if not records:
        return f"No current record of {dataset} has this text."
    # A table's rows have no position.
    lines = [f", line {r['position']}" if r["position"] else "" for r in records[:NAMED]]
    places = [f"{r['record_id']} ({r['source']}, {r['path']}{line})" for r, line in zip(records, lines, strict=False)]
    return f"Current records of {dataset} with this text: {_named(places, document['num_records'])}."


def _split(document: Facts) -> Iterator[str]:
    split = document["split"]
    if split is None:
        yield "It has no split yet."
        return
    why = SPLIT_REASONS.get(split["reason"], split["reason"])
    size = split["group_size"]
    group = f"its leak group {split['leak_group_id']} has {size} document{'s' if size > 1 else ''} of the lake"
    yield f"Its split is {split['split']} for ever, {why} ({split['reason']}); {group}."
    if split["drop_reason"] is not None:
        yield f"It is set aside: {_dropped(split, SPLITS)}."
    for tie in document["ties"]:
        others = _named(tie["named"], tie["documents"])
        yield f"Tied by {tie['tie']} to {others}." if tie["binds"] else f"It has {tie['tie']} as {others}: {GENERIC}."


def _matches(document: Facts) -> str:
    matches = document["matches"]
    if not matches:
        return "No other document of the lake is a near-duplicate of it."
    named = [f"{match['other_id']} ({match['similarity']:.2f})" for match in matches[:NAMED]]
    return f"Near-duplicates by exact Jaccard similarity: {_named(named, len(matches))}."


def _label(label: Facts) -> str:
    if label["drop_reason"] is not None:
        return f"Its label is open: {_dropped(label, LABELS)}."
    if not label["labels"]:
        return "It has no label."
    records = f"{label['num_records']} labelled record{'s' if label['num_records'] != 1 else ''}"
    return f"Its label is {', '.join(label['labels'])} ({label['label_source']}, from {records})."


def _named(names: list[str], total: int) -> str:
    shown = names[:NAMED]
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + more


def _record_outcomes(facts: Facts) -> Iterator[str]:
    found = {row["dataset_version"]: row for row in facts["outcomes"]}
    now = facts["document"]["document_id"] if facts["document"] else None
    was_known = False
    for version in facts["versions"]:
        row = found.get(version["dataset_version"])
        told = _outcome(row, facts["document"], now) if row else _unknown(facts, version, was_known)
        was_known = was_known or row is not None
        yield _in_version(facts, version, told)


def _unknown(facts: Facts, version: Facts, was_known: bool) -> str:
    came = facts["revisions"][0]
    if came["file_rows"] is not None:
        return "files have no outcome, only their records"
    if was_known and came["drop_reason"] is not None:
        return "no longer among its records: a later reading of the file found no such row"
    taken = came["source"] in version["sources"]
    return "not known yet" if taken else f"not part of it: source {came['source']} is not in its recipe"


def _outcome(row: Facts, document: Facts | None, now: str | None) -> str:
    as_text = f" as document {row['document_id']}" if row["document_id"] and row["document_id"] != now else ""
    if row["outcome"] == "dropped":
        return f"dropped{as_text}: {_dropped(row)}{_partner(row, document)}"
    merged = f" into record {row['merged_into']}, which has the same text" if row["merged_into"] else ""
    return f"{row['outcome']}{merged}{as_text}"


def _partner(row: Facts, document: Facts | None) -> str:
    if row.get("partner_id") is None:
        return ""
    matches = document["matches"] if document else []
    like = [f", similarity {m['similarity']:.2f}" for m in matches if m["other_id"] == row["partner_id"]]
    return f"; in favour of document {row['partner_id']}{''.join(like[:1])}"


def _document_outcomes(facts: Facts) -> Iterator[str]:
    document = facts["document"]
    found = {row["dataset_version"]: row for row in document["selected"]}
    for version in facts["versions"]:
        row = found.get(version["dataset_version"])
        yield _in_version(facts, version, _selected(row, document) if row else "no record of it had this text")


def _selected(row: Facts, document: Facts) -> str:
    if row["drop_reason"] is not None:
        return f"dropped: {_dropped(row, SELECTIONS)}{_partner(row, document)}"
    return f"published, as record {row['first_record']}"


def _in_version(facts: Facts, version: Facts, said: str) -> str:
    at = shown(version["published_at"])
    return f"In version {version['dataset_version']} of {facts['dataset']} ({at} UTC): {said}."


def _draft(facts: Facts) -> str:
    draft = facts["draft_version"]
    if draft is None:
        return f"There is no open draft of {facts['dataset']}."
    rows = facts["document"]["selected"] if facts["document"] else []
    row = next((row for row in rows if row["dataset_version"] == draft), None)
    said = _selected(row, facts["document"]) if row else "not in it"
    return f"In the open draft of version {draft}: {said.replace('published', 'kept', 1)}."
