"""A recipe: one YAML file with a few top keys, then one section for each job that needs other than its defaults."""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson
import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job

FieldPath = str | tuple[str, ...] | dict[str, str]
M = TypeVar("M", bound=BaseModel)


class Source(BaseModel, frozen=True, extra="forbid"):
    """One source of records.

    path: file, folder, glob, URI, `asset:NAME/MEMBER`, or `package:NAME` for format python.
    key: columns that identify a record; without one its content does.
    order_by: column that decides between two rows with one key in a batch, the greatest wins.
    on_vanish: what becomes of records that leave the source: keep them, or drop them.
    fields: what of a record is text, prompt, response, messages, rejected, label, labels, group, subject, license.
    label, license: constants for every record of the source.
    """

    name: str = Field(min_length=1)
    path: str = Field(min_length=1)
    format: Literal["text", "csv", "tsv", "json", "python"]
    key: tuple[str, ...] = ()
    order_by: str | None = None
    on_vanish: Literal["keep", "drop"] = "keep"
    fields: dict[str, FieldPath] = {}
    label: str | None = None
    license: str | None = None

    @field_validator("key", mode="before")
    @classmethod
    def _one_key_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    def shaping(self) -> dict[str, Any]:
        """The part of the source that shapes cleaned rows: its mapping and constants, not its place."""
        return self.model_dump(mode="json", include={"name", "format", "fields", "label", "license"})


class Tracking(BaseModel, frozen=True, extra="forbid"):
    """Where MLflow is. uri: null takes what the platform configures, locally sqlite:///mlflow.db."""

    uri: str | None = None
    experiment: str = "sluice"


class _Top(BaseModel, frozen=True, extra="forbid"):
    dataset: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,127}$")
    tables: str = Field(min_length=1)
    tracking: Tracking = Tracking()
    sources: tuple[Source, ...] = Field(min_length=1)

    @field_validator("sources")
    @classmethod
    def _names_are_distinct(cls, value: tuple[Source, ...]) -> tuple[Source, ...]:
        names = [source.name for source in value]
        if len(set(names)) < len(names):
            raise ValueError(f"source names repeat: {sorted({n for n in names if names.count(n) > 1})}")
        return value


@dataclass(frozen=True)
class Recipe:
    """A recipe as resolved: every job has its parameters."""

    path: str
    dataset: str
    tables: str
    tracking: Tracking
    sources: tuple[Source, ...]
    params: dict[str, BaseModel]

    def as_json(self) -> str:
        """The resolved recipe, canonical JSON."""
        resolved = {
            "dataset": self.dataset,
            "sources": [source.model_dump(mode="json") for source in self.sources],
            **{name: params.model_dump(mode="json", exclude={"sources"}) for name, params in self.params.items()},
        }
        return orjson.dumps(resolved, option=orjson.OPT_SORT_KEYS).decode()

    def digest(self) -> str:
        """First 32 hex of the sha2-256 of the resolved recipe."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:32]


def load_recipe(path: str, jobs: Sequence[Job], overrides: Sequence[str] = (), tables: str | None = None) -> Recipe:
    """Read, override and validate a recipe. Raises ConfigError that names file, section, key and nearest valid key."""
    document = _read_yaml(path)
    for override in overrides:
        _apply(document, override)
    if tables:
        document["tables"] = tables
    sections = {job.name: job for job in jobs}
    top = {key: value for key, value in document.items() if key not in sections}
    known = [*_Top.model_fields, *sections]
    checked = _validate(_Top, top, path, "top level", known)
    params = {
        name: _validate(job.params, _section(document, name, checked, job), path, name, list(job.params.model_fields))
        for name, job in sections.items()
    }
    return Recipe(path, checked.dataset, checked.tables, checked.tracking, checked.sources, params)


def _read_yaml(path: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: the recipe cannot be read: {error.strerror}. Give the path of a YAML file."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: a recipe is a mapping of keys; found {type(document).__name__}")
    return document


def _apply(document: dict[str, Any], override: str) -> None:
    """--set job.key=value; the value is read as YAML."""
    target, found, value = override.partition("=")
    section, dot, key = target.partition(".")
    if not (found and dot and section and key):
        raise ConfigError(f"--set {override}: expected JOB.KEY=VALUE, such as group_duplicates.threshold=0.8")
    values = document.setdefault(section, {})
    if not isinstance(values, dict):
        raise ConfigError(f"--set {override}: {section} is not a section of keys")
    values[key] = yaml.safe_load(value)


def _section(document: dict[str, Any], name: str, top: _Top, job: Job) -> Any:
    section = document.get(name) or {}
    if isinstance(section, dict) and "sources" in job.params.model_fields:
        if "sources" in section:
            raise ConfigError(f"section {name}: `sources` is a top key of the recipe, not of a job")
        return {**section, "sources": top.sources}
    return section


def _validate(model: type[M], values: Any, path: str, section: str, known: list[str]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [_explain(problem, section, known) for problem in error.errors()]
        raise ConfigError(f"{path}: " + "; ".join(lines)) from None


def _explain(problem: Any, section: str, known: list[str]) -> str:
    keys = [str(part) for part in problem["loc"]]
    where = f"section {section}, key {'.'.join(keys) or '(all)'}"
    if problem["type"] == "extra_forbidden":
        candidates = known if len(keys) == 1 else list(Source.model_fields) if keys[0] == "sources" else []
        candidates = list(Tracking.model_fields) if keys[0] == "tracking" else candidates
        near = difflib.get_close_matches(keys[-1], candidates, n=1, cutoff=0.0)
        return f"{where}: unknown key; " + (f"did you mean {near[0]}?" if near else "remove it")
    found = "" if problem["type"] == "missing" else f" (found {problem['input']!r})"[:120]
    return f"{where}: {problem['msg']}{found}"
