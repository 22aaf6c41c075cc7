"""Read the fields of one payload by the paths of a recipe: {"meta": {"lang": "zh"}} at "meta.lang" holds "zh".

What cannot be read raises `DropError`, which `udfs.examples` turns into a row's drop reason; its details name
paths, turns and kinds of value, never what a payload holds.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

SHAPES = (frozenset({"text"}), frozenset({"prompt", "response"}), frozenset({"messages"}))
# Of a chat that `fields` maps; where it maps none, they are known by their own names.
CHAT_FIELDS = frozenset({"system", "rejected"})
OPTIONAL_FIELDS = CHAT_FIELDS | {"label", "labels", "group", "subject", "license", "ignore"}
FIELD_NAMES = ("text", "prompt", "response", "messages", *sorted(OPTIONAL_FIELDS))
# From here on a double no longer tells neighbouring integers apart, and JSON's readers make doubles of longer ones.
EXACT_FLOATS = 2**53
_ABSENT = object()
# What a source without `fields` means, by its format.
DEFAULT_FIELDS: Mapping[str, Mapping[str, object]] = {
    "text": {"text": "text"},
    "file": {"text": "text"},
    "python": {"prompt": "prompt", "response": "response", "group": "group"},
}


@dataclass(frozen=True)
class Fields:
    """Where the payloads of a source keep what: field name -> path, and (key name, path) of its group keys.

    by_sight: the shape of each payload is told by its columns (`udfs.known_shapes`); ignored: those that are no part
    of an example then.
    """

    paths: Mapping[str, str]
    groups: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def by_sight(self) -> bool:
        """Whether no path says where text, prompt, response or messages are."""
        return not has_shape(self.paths)


class DropError(Exception):
    """A record makes no example: missing_field, unread_field, bad_field, bad_messages or empty_text, and where."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason code, and the place."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def read_fields(mapping: Mapping[str, object]) -> Fields:
    """Check a recipe's `fields` and return them; ValueError says what is wrong.

    A group is one path, a list of paths, or a mapping key name -> path; a path without a name is its own.
    A mapping without text, prompt, response and messages leaves these to be seen.
    """
    if not has_shape(mapping) and not CHAT_FIELDS.isdisjoint(mapping):
        raise ValueError("fields: system and rejected stand beside prompt and response; map these too, or none of them")
    if has_shape(mapping) and "ignore" in mapping:
        raise ValueError("fields: ignore is for rows known by sight; here only what is mapped is read, so remove it")
    if has_shape(mapping) and frozenset(mapping) - OPTIONAL_FIELDS not in SHAPES:
        found = ", ".join(map(str, mapping)) or "none"
        optional = ", ".join(sorted(OPTIONAL_FIELDS))
        raise ValueError(
            f"fields: expected text, or prompt and response, or messages, and beside them {optional}; found {found}"
        )
    if "text" in mapping and not {"system", "rejected"}.isdisjoint(mapping):
        raise ValueError("fields: system and rejected belong to chats; a text has neither")
    if "messages" in mapping and "system" in mapping:
        raise ValueError("fields: messages hold their own system turn; remove system")
    paths = {name: _check_path(name, path) for name, path in mapping.items() if name not in ("group", "ignore")}
    ignored = tuple(path for _, path in _named_paths(mapping.get("ignore"), "ignore"))
    return Fields(paths, tuple(_named_paths(mapping.get("group"), "group")), ignored)


def has_shape(mapping: Mapping[str, object]) -> bool:
    """Say whether a mapping tells where text, prompt, response or messages are."""
    return any(name in mapping for shape in SHAPES for name in shape)


def _named_paths(group: object, field: str) -> Iterator[tuple[str, str]]:
    """Yield the key names of a group declaration with their paths; columns to ignore are declared alike."""
    if isinstance(group, Mapping):
        yield from ((str(name), _check_path(f"{field}.{name}", path)) for name, path in group.items())
    elif group is not None:
        for value in group if isinstance(group, list | tuple) else [group]:
            path = _check_path(field, value)
            yield path, path


def _check_path(name: str, path: object) -> str:
    """Return the path if it is one."""
    if not (isinstance(path, str) and path):
        raise ValueError(f"fields.{name}: expected a column or a dotted path, found {path!r}")
    return path


def look_up(payload: Mapping[str, object], path: str) -> object:
    """Return the value at the path, None where there is none; a column whose own name has dots comes first."""
    value = _find(payload, path)
    # pandas writes NaN for what is missing.
    return None if value is _ABSENT or (isinstance(value, float) and not math.isfinite(value)) else value


def is_empty(value: object) -> bool:
    """Say whether a column says nothing: null, not a number, blank, an empty list or object."""
    is_blank = isinstance(value, str) and not value.strip()
    is_gone = value is None or (isinstance(value, float) and not math.isfinite(value))
    return is_blank or is_gone or value in ([], {})


def has_path(payload: Mapping[str, object], path: str) -> bool:
    """Say whether the payload has the path at all, be its value null."""
    return _find(payload, path) is not _ABSENT


def _find(payload: Mapping[str, object], path: str) -> object:
    value: object = payload
    for step in [path] if path in payload else path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step, _ABSENT)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _ABSENT
    return value


def require_text(payload: Mapping[str, object], fields: Fields, name: str) -> str:
    """Return the text of a mapped field that no row can lack."""
    path = fields.paths[name]
    if look_up(payload, path) is None:
        raise DropError("missing_field", path)
    text = read_text(payload, fields, name)
    if text is None:
        raise DropError("empty_text", path)
    return text


def read_text(payload: Mapping[str, object], fields: Fields, name: str) -> str | None:
    """Return the text of a field, None where it is not mapped, absent, null or blank."""
    path = fields.paths.get(name)
    if path is None:
        return None
    text = scalar_text(look_up(payload, path), "bad_field", path)
    return text if text.strip() else None


def read_texts(payload: Mapping[str, object], path: str) -> Iterator[str]:
    """Yield the non-blank texts of a scalar or of a list of scalars."""
    value = look_up(payload, path)
    for item in value if isinstance(value, list) else [value]:
        text = scalar_text(item, "bad_field", path)
        if text.strip():
            yield text


def scalar_text(value: object, reason: str, where: str) -> str:
    """Return a text as it is, a number or boolean as its JSON, a null as ""; anything else is dropped."""
    if isinstance(value, str):
        return value
    if value is not None and not isinstance(value, int | float):
        raise DropError(reason, f"{where}: expected text, found {kind_name(value)}")
    if isinstance(value, float) and abs(value) >= EXACT_FLOATS:
        raise DropError(reason, f"{where}: a number of more digits than JSON's readers keep: write it in quotes")
    return "" if value is None else orjson.dumps(value).decode()


def kind_name(value: object) -> str:
    """Return JSON's name for the kind of a value: what a message may say of it."""
    names = {"dict": "object", "list": "list", "str": "text", "bool": "boolean", "NoneType": "null"}
    return names.get(type(value).__name__, "number")
