"""Tell which columns of a payload that was read by sight may belong to the example and were read by nobody.

{"question": "2+2?", "choices": ["3", "4"], "answer": "4", "source": "quiz", "stars": 5} is read as question and answer:
`source` by its name and `stars` by its kind are said about the example, `choices` may be a part of it. What tells is a
rule of caution: a column is left out only where that can be told, else its record is set aside and says how to map it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from udfs.known_shapes import MAX_NAME_CHARS, MAX_NAMES, SHAPE_COLUMNS, TEXTS, Seen
from udfs.messages import Message, read_turns
from udfs.payload_fields import DropError, is_empty

# The last word of a name that says something about an example, whatever the value: score_chosen is no such name,
# chosen_score is, and so are messageId and source_url.
SAID_ABOUT: Final = """
id ids idx index uuid guid key hash digest checksum sha md url urls uri link links href domain site host ip
source sources origin dataset datasets corpus collection subset split config configs file filename path offset position
name names title author authors username creator annotator annotators judge model models generator engine
version revision release date datetime time timestamp ts tstamp at year month day created updated modified
lang language languages locale script country region state status license licence licenses
score scores rating ratings rank ranks quality confidence probability perplexity similarity difficulty level grade
toxicity moderation category categories subcategory topic topics tag tags keyword keywords genre kind type format
length len size count counts num number tokens usage cost latency duration
meta metadata stats statistics provenance header headers embedding embeddings emojis
"""
# The last word of a name that is a part of an example, were its value a number.
PART_OF: Final = """
label labels a b c d e f opt option options choice choices candidate candidates distractor distractors ending endings
answer answers response responses solution solutions target targets gold correct incorrect right wrong context
"""
ABOUT, PARTS = frozenset(SAID_ABOUT.split()), frozenset(PART_OF.split())
LABELS: Final = ("label", "labels")
WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\dA-Za-z_]+")
# Texts that say nothing, as CSV has what JSON writes without quotes: numbers, yes and no, dates, addresses, digests.
PLAIN: Final = re.compile(
    r"[-+]?[\d.,]*\d(?:[eE][-+]?\d+)?%?|true|false|yes|no|null|none|nan|n/a"
    r"|\d{4}-\d\d-\d\d(?:[T ][\d:.,+Z -]*)?|[a-z][a-z\d+.-]*://\S+|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def require_all_read(payload: Mapping[str, object], seen: Seen, left: Collection[str]) -> None:
    """DropError (unread_field) for columns that may belong to the example. left: those that `fields` speaks for."""
    names = [
        name
        for name, value in payload.items()
        if name not in seen.columns and name not in left and not (is_about(name, value) or _repeats(name, value, seen))
    ]
    if names:
        raise DropError("unread_field", _cure(names))


def is_about(name: str, value: object) -> bool:
    """Whether a column says nothing, or something about its example: by name, or a number or yes or no."""
    if is_empty(value):
        return True
    word = (WORDS.findall(name) or [""])[-1].lower()
    if name in SHAPE_COLUMNS or word in PARTS:
        return False
    return word in ABOUT or not isinstance(value, str | list | dict) or _is_plain(value)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and PLAIN.fullmatch(value.strip()) is not None


def _repeats(name: str, value: object, seen: Seen) -> bool:
    """Whether a column holds again what was read: a turn, some turns in a row, or all of them, as `text` often has."""
    turns = seen.messages
    if isinstance(value, str):
        said = [turn.content.strip() for turn in turns if turn.content] or [seen.text.strip()]
        is_all = name in TEXTS and len(said) > 1 and _in_order(said, value)
        return is_all or value.strip() in (*said, seen.text.strip(), (seen.rejected or "").strip())
    again = _as_turns(value)
    size = len(again)
    return size > 0 and any(turns[at : at + size] == again for at in range(len(turns)))


def _in_order(parts: Sequence[str], text: str) -> bool:
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _as_turns(value: object) -> Sequence[Message]:
    try:
        return read_turns(value, "") if isinstance(value, list) else ()
    except DropError:
        return ()


def _cure(names: Sequence[str]) -> str:
    shown = [name[:MAX_NAME_CHARS] for name in names[:MAX_NAMES]]
    said = ", ".join(shown) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    if set(names) <= set(LABELS):
        return f"{said}: map it, fields: {{{names[0]}: {names[0]}}}, or leave it out, fields: {{ignore: {names[0]}}}"
    ignored = shown[0] if len(shown) == 1 else f"[{said}]"
    return f"{said}: no known shape has it; leave it out, fields: {{ignore: {ignored}}}, or map what is what"
