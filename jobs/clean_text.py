"""Map, clean and measure records.  One output row is one revision of one record under one cleaning:
{"record_id": "9f...", "revision": 3, "document_id": "07...", "text": "...", "changed_by": ["repair_unicode"]}"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, Field, field_validator, model_validator
from pyspark.sql import DataFrame

from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.mapped_fields import require_mapped_fields
from jobs.runtime.models import model_file
from jobs.runtime.params import Count, Share
from jobs.runtime.recipe_errors import nearest
from jobs.runtime.source import Source
from jobs.runtime.staging import staged
from schemas.clean_records import CLEAN_RECORDS
from schemas.raw_records import RAW_RECORDS
from udfs.clean_functions import CLEANERS
from udfs.clean_payloads import CLEANED_SCHEMA, Mapped, Rules, clean_payloads


class Params(BaseModel, frozen=True, extra="forbid"):
    """cleaners: names of cleaning functions, in order.  min_chars, max_chars: limits of the cleaned text.
    languages: ISO codes to keep, null keeps all; language_confidence: the floor, 0 to 1, where languages are named.
    labels: the label set, null takes any.  language_model: an asset, null detects no language.
    tasks: how many share the work, whatever files the records come from."""

    sources: tuple[Source, ...] = ()
    cleaners: tuple[str, ...] = tuple(CLEANERS)
    min_chars: Count = 1
    max_chars: Count = 1_000_000
    languages: tuple[str, ...] | None = Field(default=None, min_length=1)
    language_confidence: Share = 0.0
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    language_model: str | None = "asset:lid176/model"
    tasks: Count = 8

    @field_validator("cleaners")
    @classmethod
    def _cleaners_exist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in CLEANERS]
        if unknown:
            raise ValueError(f"unknown cleaning function {unknown[0]}; {nearest(unknown[0], tuple(CLEANERS))}")
        return value

    @model_validator(mode="after")
    def _some_length_is_kept(self) -> "Params":
        if self.max_chars < self.min_chars:
            raise ValueError(f"no text has {self.min_chars} characters or more and {self.max_chars} or fewer")
        return self

    @model_validator(mode="after")
    def _languages_need_a_model(self) -> "Params":
        if self.languages is not None and self.language_model is None:
            raise ValueError("languages are kept by detecting them: language_model must not be null beside them")
        return self


def transform(new_raw_records: DataFrame, language_model: str | None, params: Params) -> DataFrame:
    """Input columns: those of raw_records.  Output columns: those of clean_records but fingerprint and batch."""
    records = new_raw_records.select("record_id", "revision", "source", "path", "position", "payload")
    # A number of its own, because Spark would run the few partitions of a small ingest on one core.
    spread = records.repartition(params.tasks, "record_id")
    return spread.mapInArrow(partial(_clean_batches, params=params, model=language_model), CLEANED_SCHEMA)


def _clean_batches(batches: Iterable[pa.RecordBatch], params: Params, model: str | None) -> Iterator[pa.RecordBatch]:
    rules = Rules(
        params.cleaners,
        params.min_chars,
        params.max_chars,
        params.languages,
        params.language_confidence,
        params.labels,
        model,
    )
    return clean_payloads(batches, {source.name: _mapped(source) for source in params.sources}, rules)


def _mapped(source: Source) -> Mapped:
    order_by = (source.order_by,) if source.order_by else ()
    return Mapped(source.mapping(), source.label, source.license, (*source.key, *order_by))


def external(context: Context) -> dict[str, Any]:
    """The language model's file, where executors find it; ConfigError where a mapping names what no record has."""
    params = context.recipe.params["clean_text"]
    assert isinstance(params, Params)
    require_mapped_fields(context.scope)
    if params.language_model is None:
        return {"language_model": None}
    file = model_file(params.language_model)
    return {"language_model": staged(context.lake.spark, file, context.lake.folder or "", context.recipe.assets)}


JOB = Job(
    "clean_text",
    reads=(),
    writes=CLEAN_RECORDS,
    params=Params,
    transform=transform,
    each=RAW_RECORDS,
    external=external,
    per_source=True,
    libraries=("ftfy", "fasttext-predict", "unicodedata"),
    models=("language_model",),
    revision=3,
)
