"""A recipe: one YAML file with a few top keys, then one section for each job that needs other than its defaults."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from jobs.runtime.catalogs import is_name
from jobs.runtime.errors import ConfigError
from jobs.runtime.job import Job
from jobs.runtime.recipe_errors import explain
from jobs.runtime.recipe_file import read_recipe, without_credentials
from jobs.runtime.source import Source

M = TypeVar("M", bound=BaseModel)


class Tracking(BaseModel, frozen=True, extra="forbid"):
    """Where MLflow is. uri: null takes what the platform configures, locally sqlite:///mlflow.db."""

    uri: str | None = None
    experiment: str = "sluice"


class _Top(BaseModel, frozen=True, extra="forbid"):
    dataset: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,127}$")
    tables: str = Field(min_length=1)
    location: str | None = Field(default=None, min_length=1)
    tracking: Tracking = Tracking()
    sources: tuple[Source, ...] = Field(min_length=1)
    assets: str | None = Field(default=None, min_length=1)

    @field_validator("tables", "location")
    @classmethod
    def _home_is_a_folder(cls, value: str | None) -> str | None:
        return value and os.path.expanduser(value)

    @field_validator("sources")
    @classmethod
    def _names_are_distinct(cls, value: tuple[Source, ...]) -> tuple[Source, ...]:
        names = [source.name for source in value]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"source names repeat: {', '.join(repeated)}")
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
    location: str | None = None
    assets: str | None = None

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
    text = read_recipe(path)
    path = without_credentials(path)
    document = _read_yaml(text, path)
    for override in overrides:
        _apply(document, override)
    if tables:
        document["tables"] = tables
        if not is_name(tables):  # it says where the tables of a catalog lie
            document.pop("location", None)
    sections = {job.name: job for job in jobs}
    top = {key: value for key, value in document.items() if key not in sections}
    _refuse_misplaced(top, path, jobs)
    checked = _validate(_Top, top, path, "top level", list(sections))
    params = {
        name: _validate(job.params, _section(document, path, checked, job), path, name)
        for name, job in sections.items()
    }
    where = {"location": checked.location, "assets": checked.assets}
    return Recipe(path, checked.dataset, checked.tables, checked.tracking, checked.sources, params, **where)


def _read_yaml(text: str, path: str) -> dict[str, Any]:
    try:
        _refuse_repeated_keys(yaml.compose(text, yaml.SafeLoader), path, set())
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        found = "an empty file" if document is None else type(document).__name__
        raise ConfigError(f"{path}: expected a mapping of keys such as dataset, tables and sources; found {found}")
    return document


def _refuse_repeated_keys(node: yaml.Node | None, path: str, above: set[int]) -> None:
    """YAML's reader would silently keep the last of two equal keys, and take an anchor that holds itself."""
    if id(node) in above:
        raise ConfigError(f"{path}: the anchor of line {node.start_mark.line + 1} holds itself" if node else path)
    parts = node.value if isinstance(node, yaml.MappingNode | yaml.SequenceNode) else []
    keys: dict[str, int] = {}
    for part in parts:
        key, value = part if isinstance(part, tuple) else (None, part)
        if key is not None and isinstance(key.value, str):
            line = key.start_mark.line + 1
            if key.value in keys:
                raise ConfigError(f"{path}: key {key.value} stands twice, in lines {keys[key.value]} and {line}")
            keys[key.value] = line
        _refuse_repeated_keys(value, path, above | {id(node)})


def _apply(document: dict[str, Any], override: str) -> None:
    """--set job.key=value, deeper keys with more dots; the value is read as YAML."""
    target, found, value = override.partition("=")
    *sections, key = target.split(".")
    if not (found and key and sections and all(sections)):
        raise ConfigError(f"--set {override}: expected JOB.KEY=VALUE, such as group_duplicates.threshold=0.8")
    values = document
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise ConfigError(f"--set {override}: {section} is not a section of keys")
    try:
        values[key] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:  # a date that no calendar has is a ValueError
        raise ConfigError(f"--set {override}: the value is not valid YAML: {' '.join(str(error).split())}") from None


def _refuse_misplaced(top: dict[Any, Any], path: str, jobs: Sequence[Job]) -> None:
    """A job's key at the top level: say which sections have it."""
    for key in top:
        owners = [job.name for job in jobs if key in job.params.model_fields]
        if owners and key not in _Top.model_fields:
            raise ConfigError(f"{path}: top level, key {key}: unknown key; it belongs to section {' or '.join(owners)}")


def _section(document: dict[str, Any], path: str, top: _Top, job: Job) -> Any:
    section = document.get(job.name)
    section = {} if section is None else section
    if isinstance(section, dict) and "sources" in job.params.model_fields:
        if "sources" in section:
            raise ConfigError(f"{path}: section {job.name}, key sources: it is a key of the top level, not of a job")
        return {**section, "sources": top.sources}
    return section


def _validate(model: type[M], values: Any, path: str, section: str, more: Sequence[str] = ()) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, model, values, section, more)}") from None
