"""Distinct examples. One row is one distinct example text, whatever its origin."""

from pyspark.sql import types as T

from schemas.column_types import DOCUMENT_ID, LONG, MESSAGES, STRING
from schemas.table import Table, column

DOCUMENTS = Table(
    name="documents",
    columns=T.StructType(
        [
            DOCUMENT_ID,
            column("kind", STRING, "text or chat", required=True),
            column("text", STRING, "contents joined by a blank line", required=True),
            column("messages", MESSAGES, "turns of a chat; null for texts"),
            column("rejected", STRING, "rejected reply of a preference example"),
            column("origin", STRING, "record, generated or augmented: where it first came from", required=True),
            column("num_chars", LONG, "characters of text", required=True),
            column("fold_digest", STRING, "digest of letters and digits after folding", required=True),
            column("prompt_digest", STRING, "fold digest of everything before the last reply; null for texts"),
        ]
    ),
    key=("document_id",),
    lifetime="ledger",
    checks={
        "id_length": "length(document_id) = 32",
        "has_text": "num_chars >= 1",
        "known_kind": "kind IN ('text', 'chat')",
    },
)
