"""Embed documents.  One output row is the vector of one document, or what went wrong in an attempt:
{"document_id": "07...", "fingerprint": "c0...", "attempt": 1, "vector": [0.03, ...], "num_tokens": 12,
"is_truncated": false, "error": null}"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, Field
from pyspark.sql import DataFrame

from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.model_places import find_model
from jobs.runtime.params import Budget, Count
from jobs.runtime.staging import staged_model
from schemas.documents import DOCUMENTS
from schemas.embeddings import EMBEDDINGS
from udfs.embed import EMBEDDED_SCHEMA, embed_batches
from udfs.embedders import EMBEDDERS
from udfs.model_files import Dtype, Model, Pooling


class Params(BaseModel, frozen=True, extra="forbid"):
    """model: a name of conf/assets.yaml, a folder or URI, or hub:ORGANISATION/NAME; null embeds nothing.
    prefix, pooling, max_tokens: null takes what the model's files say.  dtype: of the weights.
    token_budget: tokens of one batch of the model, padding included.  attempts: how often a text is tried.
    budget: how much the model may be asked for.  tasks: how many share the work."""

    model: str | None = None
    prefix: str | None = None
    pooling: Pooling | None = None
    max_tokens: int | None = Field(default=None, strict=True, ge=2)
    dtype: Dtype = "float32"
    token_budget: int = Field(default=4_096, strict=True, ge=1)
    attempts: Count = 3
    budget: Budget | None = None
    tasks: Count = 8


def transform(new_documents: DataFrame, model: Model, params: Params) -> DataFrame:
    """Input columns: document_id, text, attempt.  Output columns: EMBEDDED_SCHEMA."""
    texts = new_documents.select("document_id", "attempt", "text").repartition(params.tasks, "document_id")
    return texts.mapInArrow(partial(embed_batches, model=model, budget=params.token_budget), EMBEDDED_SCHEMA)


def idle(params: Mapping[str, Any]) -> str | None:
    """Without a model there is nothing to do."""
    return "no model is named" if params["embed_text"].model is None else None


def external(context: Context) -> dict[str, Any]:
    """The model, its files where every machine sees them."""
    params: Params = context.recipe.params["embed_text"]  # type: ignore[assignment]
    changes = {"prefix": params.prefix, "pooling": params.pooling, "max_tokens": params.max_tokens}
    model = find_model(params.model or "", EMBEDDERS, params.dtype, **changes)
    lake = context.lake
    return {"model": staged_model(lake.spark, model, lake.folder or "", context.recipe.assets)}


JOB = Job(
    "embed_text",
    reads=(),
    writes=EMBEDDINGS,
    params=Params,
    transform=transform,
    each=DOCUMENTS,
    in_rounds=True,
    external=external,
    idle=idle,
    models=("model",),
)
