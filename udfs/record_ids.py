"""Ids of source records: the first 32 hex digits of the sha2-256 of a canonical JSON list.

The list names its kind, so a key that happens to equal a payload, or a source name that swallows part of a key,
never gives the id of another record.
"""

import hashlib
from collections.abc import Sequence

import orjson

Key = str | int | float | bool | Sequence[str | int | float | bool]


def keyed_record_id(source: str, key: Key) -> str:
    """Return the id of a record of a source that declares a key."""
    return json_digest([source, "key", key])


def keyless_record_id(source: str, payload: str, ordinal: int) -> str:
    """Return the id of a record without a key; `ordinal` counts equal payloads within one file, from 0."""
    return json_digest([source, "payload", payload_digest(payload), ordinal])


def payload_digest(payload: str) -> str:
    """Return the digest of a payload as received, byte for byte: what says that a record changed."""
    return json_digest(["payload", payload])


def json_digest(value: object) -> str:
    """Return the first 32 hex digits of the sha2-256 of the canonical JSON (sorted keys, no spaces, UTF-8)."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
