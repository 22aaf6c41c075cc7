"""Say what is wrong in a recipe: section, key, what was expected, what was found, the nearest valid key."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

# An unquoted `1`, `no` or 2024-01-05 is not text in YAML.
QUOTE_IT = "; YAML reads it as {kind}: write it in quotes"
FOUND_CHARS = 80


def explain(error: ValidationError, model: type[BaseModel], values: Any, section: str, more: Sequence[str] = ()) -> str:
    """Every problem of one section in words; `more` are keys that its model does not declare."""
    problems = error.errors()
    # A list is called too short also where its only item is wrong, and said so.
    told = [p for p in problems if not (p["type"] == "too_short" and _has_inner(p, problems))]
    return "; ".join(_explain(problem, model, values, section, more) for problem in told)


def _has_inner(problem: Any, problems: Sequence[Any]) -> bool:
    place = problem["loc"]
    return any(other["loc"][: len(place)] == place and len(other["loc"]) > len(place) for other in problems)


def nearest(name: str, known: Sequence[str]) -> str:
    """A guess and the whole choice, for a name that is not among `known`."""
    if not known:
        return "nothing can be set here: remove it"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"did you mean {near[0]}? Valid: {', '.join(known)}"


def _explain(problem: Any, model: type[BaseModel], values: Any, section: str, more: Sequence[str]) -> str:
    *outer, last = problem["loc"] or ("",)
    where = _place(problem["loc"], values, section)
    if problem["type"] == "extra_forbidden":
        known = [*_keys_at(model, outer), *([] if outer else more)]
        return f"{where}: unknown key; {nearest(str(last), known)}"
    if problem["type"] == "missing":
        return f"{where}: required, but absent; add it"
    said = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("model_type", "model_attributes_type"):
        said = "expected a mapping of keys"
    return f"{where}: {said}{_found(problem)}"


def _place(loc: Sequence[str | int], values: Any, section: str) -> str:
    """section SECTION, key KEY; a source goes by its name."""
    if loc and loc[0] in ("sources", "tracking"):
        section, loc = str(loc[0]), loc[1:]
    if section == "sources" and loc and isinstance(loc[0], int):
        source = values["sources"][loc[0]]
        name = source.get("name") if isinstance(source, Mapping) else None
        section, loc = f"sources, source {name or f'number {loc[0] + 1}'}", loc[1:]
    where = section if section == "top level" else f"section {section}"
    return f"{where}, key {'.'.join(map(str, loc))}" if loc else where


def _found(problem: Any) -> str:
    if problem["type"] == "value_error":
        return ""
    value = problem["input"]
    said = f", found {value!r}"[:FOUND_CHARS]
    if problem["type"] == "string_type" and not isinstance(value, list | dict | None):
        said += QUOTE_IT.format(kind={"bool": "yes or no", "int": "a number"}.get(type(value).__name__, "no text"))
    return said


def _keys_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that a recipe may write at this place; a job's `sources` come from the top of the recipe."""
    for part in path:
        if isinstance(part, str):
            inner = _model_in(model.model_fields[part].annotation) if part in model.model_fields else None
            if inner is None:
                return []
            model = inner
    inside_job = not path and "dataset" not in model.model_fields
    return [name for name in model.model_fields if not (inside_job and name == "sources")]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, be it alone, optional or in a sequence."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
