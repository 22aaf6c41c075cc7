"""Clean records inside Spark: payloads in, cleaned examples with their document id or drop reason out."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pyarrow as pa

from udfs.examples import Drop, Example, build_example, clean_example, document_id, prompt_digest
from udfs.folding import fold_digest
from udfs.language import detect_languages
from udfs.payload_fields import Fields, read_fields

MESSAGE = "struct<role: string, content: string, extra: string>"
CLEANED_SCHEMA = (
    "record_id string, revision bigint, source string, path string, position bigint, document_id string, kind string, "
    f"text string, messages array<{MESSAGE}>, rejected string, labels array<string>, license string, "
    "groups array<string>, subject string, language string, language_confidence double, num_chars bigint, "
    "changed_by array<string>, fold_digest string, prompt_digest string, drop_reason string, drop_value string, "
    "drop_threshold string"
)
_TURN = pa.struct([("role", pa.string()), ("content", pa.string()), ("extra", pa.string())])
_TYPES = {
    "revision": pa.int64(),
    "position": pa.int64(),
    "num_chars": pa.int64(),
    "language_confidence": pa.float64(),
    "messages": pa.list_(_TURN),
    **dict.fromkeys(("labels", "groups", "changed_by"), pa.list_(pa.string())),
}
_NAMES = [part.split()[0] for part in re.split(r", (?![^<]*>)", CLEANED_SCHEMA)]
ARROW_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in _NAMES])


@dataclass(frozen=True)
class Mapped:
    """How the records of one source become examples. key: columns that only tell its records apart."""

    fields: Mapping[str, Any]
    label: str | None
    license: str | None
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """What cleaning keeps. languages, labels: None keeps all. min_chars, max_chars: limits of the text."""

    cleaners: tuple[str, ...]
    min_chars: int
    max_chars: int
    languages: tuple[str, ...] | None
    min_confidence: float
    labels: tuple[str, ...] | None
    language_model: str | None


def clean_payloads(
    batches: Iterable[pa.RecordBatch], sources: Mapping[str, Mapped], rules: Rules
) -> Iterator[pa.RecordBatch]:
    """Input columns: record_id, revision, source, path, position, payload.  Output columns: CLEANED_SCHEMA."""
    fields = {name: _fields(mapped) for name, mapped in sources.items()}
    for batch in batches:
        rows = [_clean(row, sources[row["source"]], fields[row["source"]], rules) for row in batch.to_pylist()]
        _judge_languages(rows, rules)
        yield pa.RecordBatch.from_pylist(rows, ARROW_SCHEMA)


def _fields(mapped: Mapped) -> Fields:
    fields = read_fields(mapped.fields)
    return replace(fields, ignored=(*fields.ignored, *mapped.key))


def _clean(row: Mapping[str, Any], mapped: Mapped, fields: Fields, rules: Rules) -> dict[str, Any]:
    kept = {name: row[name] for name in ("record_id", "revision", "source", "path", "position")}
    if row["payload"] is None:
        return kept | {"drop_reason": "vanished"}
    built = build_example(orjson.loads(row["payload"]), fields)  # an object: readers set aside what is none
    if isinstance(built, Drop):
        return kept | {"drop_reason": built.reason, "drop_value": built.detail}
    cleaned = clean_example(built, rules.cleaners)
    if isinstance(cleaned, Drop):
        return kept | {"drop_reason": cleaned.reason, "drop_value": cleaned.detail}
    example, changed = cleaned
    return kept | _described(example, changed, mapped, row["source"]) | _judge(example, mapped, rules)


def _described(example: Example, changed: Sequence[str], mapped: Mapped, source: str) -> dict[str, Any]:
    return {
        "kind": example.kind,
        "text": example.text,
        "messages": [vars(turn) for turn in example.messages] or None,
        "rejected": example.rejected,
        "labels": _labels(example, mapped),
        "license": example.license or mapped.license,
        "groups": sorted({f"{source}/{key}={value}" for key, value in example.groups}),
        "subject": example.subject,
        "num_chars": len(example.text),
        "changed_by": list(changed),
        "document_id": document_id(example),
        "fold_digest": fold_digest(example.text),
        "prompt_digest": prompt_digest(example),
    }


def _labels(example: Example, mapped: Mapped) -> list[str]:
    return sorted({*example.labels, *([mapped.label] if mapped.label is not None else [])})


def _judge(example: Example, mapped: Mapped, rules: Rules) -> dict[str, Any]:
    size = len(example.text)
    if size < rules.min_chars:
        return _drop("too_short", size, rules.min_chars)
    if size > rules.max_chars:
        return _drop("too_long", size, rules.max_chars)
    if rules.labels is not None and (unknown := [x for x in _labels(example, mapped) if x not in rules.labels]):
        return _drop("unknown_label", unknown[0][:80], ", ".join(rules.labels))
    return {}


def _drop(reason: str, value: object, threshold: object) -> dict[str, Any]:
    """A dropped row keeps its facts, but neither text nor document: nothing downstream may take it."""
    gone = dict.fromkeys(("document_id", "text", "messages", "rejected", "fold_digest", "prompt_digest"))
    return {**gone, "drop_reason": reason, "drop_value": str(value), "drop_threshold": str(threshold)}


def _judge_languages(rows: list[dict[str, Any]], rules: Rules) -> None:
    """Language and confidence of the rows that are left; those in no wanted language are dropped."""
    if rules.language_model is None:
        return
    left = [row for row in rows if row.get("text") is not None]
    codes, confidences = detect_languages([row["text"] for row in left], rules.language_model)
    for row, code, confidence in zip(left, codes, confidences, strict=True):
        row |= {"language": code, "language_confidence": float(confidence)}
        if rules.languages is not None and (code not in rules.languages or confidence < rules.min_confidence):
            row |= _drop("language", f"{code} {confidence:g}", f"{', '.join(rules.languages)} {rules.min_confidence:g}")
