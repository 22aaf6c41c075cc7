"""Records mapped and cleaned. One row: a revision of a record under one cleaning, its document or drop reason."""

from pyspark.sql import types as T

from schemas.column_types import DOUBLE, FINGERPRINT, LONG, MESSAGES, STRING, STRINGS
from schemas.table import Table, column, drop_columns

CLEAN_RECORDS = Table(
    name="clean_records",
    columns=T.StructType(
        [
            column("record_id", STRING, "id of the record in raw_records", required=True),
            column("revision", LONG, "revision of the record that was cleaned", required=True),
            FINGERPRINT,
            column("source", STRING, "name of the source", required=True),
            column("path", STRING, "logical path of the file"),
            column("position", LONG, "line (or definition) in the file, from 1"),
            column("document_id", STRING, "document that the record became; null when dropped"),
            column("kind", STRING, "text or chat; null where it was dropped before that was known"),
            column("text", STRING, "contents joined by a blank line; null when dropped"),
            column("messages", MESSAGES, "turns of a chat; null for texts"),
            column("rejected", STRING, "rejected reply of a preference example"),
            column("labels", STRINGS, "labels the record brought; empty when unlabelled"),
            column("license", STRING, "licence of the record"),
            column("groups", STRINGS, "source/key=value: rows that must share a split"),
            column("subject", STRING, "person or account the record is about, for deletion"),
            column("language", STRING, "ISO code by lid.176, und when undecided"),
            column(
                "language_confidence",
                DOUBLE,
                "probability of that language, or share of Han letters where these decide; 0 to 1, 4 digits",
            ),
            column("num_chars", LONG, "characters of text"),
            column("changed_by", STRINGS, "cleaning functions that changed the record, in order"),
            column("fold_digest", STRING, "digest of its letters and digits after folding"),
            column("prompt_digest", STRING, "fold digest of everything before the last reply; null for texts"),
            column("batch", LONG, "version of this table it was planned on: orders cleanings", required=True),
            *drop_columns(),
        ]
    ),
    key=(
        "record_id",
        "revision",
        "fingerprint",
    ),
    lifetime="ledger",
    checks={
        "has_document": "length(document_id) = 32",
        "has_text": "num_chars >= 1",
        "confidence_range": "language_confidence IS NULL OR language_confidence BETWEEN 0 AND 1",
    },
    reasons={
        "vanished": "the record is no longer in its source (on_vanish: drop)",
        "missing_field": "a mapped field is absent or null, or the columns have no known shape",
        "unread_field": "a column that may belong to the example is read by no known shape",
        "bad_field": "a mapped field holds a list or an object where text is expected",
        "bad_messages": "a turn of the conversation cannot be understood",
        "empty_text": "nothing is left of the text, or of a turn, after cleaning",
        "too_short": "the text has fewer characters than min_chars",
        "too_long": "the text has more characters than max_chars",
        "language": "the language is not one the recipe keeps",
        "unknown_label": "the label is not in the declared label set",
    },
)
