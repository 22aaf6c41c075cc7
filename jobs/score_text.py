"""Score documents from several views.  One output row is one attempt to score one document by one scorer:
{"document_id": "07...", "scorer": "fluency", "attempt": 1, "view": "quality", "value": -3.1, "error": null}

Scorers run in the order of the recipe, so that cheap ones can spare expensive ones what can not be chosen any more.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.frames.cascade import Reach, counted, in_reach
from jobs.runtime.context import Context
from jobs.runtime.job import Job
from jobs.runtime.model_places import find_model
from jobs.runtime.params import Budget, Count
from jobs.runtime.predicates import require_predicate
from jobs.runtime.staging import staged_model
from schemas.documents import DOCUMENTS
from schemas.embeddings import EMBEDDINGS
from schemas.scores import SCORES
from schemas.table import Table
from udfs.embedders import EMBEDDERS
from udfs.model_files import Dtype, Model
from udfs.score import SCORED_SCHEMA, score_batches
from udfs.scorers import SCORERS
from udfs.scoring import Setting

# A scorer's name stands in predicates of SQL.
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class Top(BaseModel, frozen=True, extra="forbid"):
    """n: so many documents, those of the greatest values of the scorer `by`."""

    n: Count
    by: str


class Asked(BaseModel, frozen=True, extra="forbid"):
    """One scorer.  kind: one of udfs/scorers.py; null takes the scorer's name.  model, dtype, max_tokens: of what
    serves it.  texts, mean_of: what similarity compares with, and how many of these count.  where, top: which documents
    it is asked about, by the scores of earlier scorers."""

    kind: str | None = None
    model: str | None = None
    dtype: Dtype = "float32"
    max_tokens: int | None = Field(default=None, strict=True, ge=2)
    texts: tuple[str, ...] = ()
    mean_of: Count = 1
    where: str | None = None
    top: Top | None = None

    @property
    def reach(self) -> Reach:
        """Which documents it is asked about."""
        return Reach(self.where, self.top.n if self.top else None, self.top.by if self.top else None)


class Params(BaseModel, frozen=True, extra="forbid"):
    """scorers: by name, in the order they run.  token_budget: tokens of one batch of a model, padding included.
    attempts: how often a document is tried.  budget: how much each scorer may be asked for.
    tasks: how many share the work."""

    scorers: dict[Name, Asked] = {}
    token_budget: int = Field(default=2_048, strict=True, ge=1)
    attempts: Count = 3
    budget: Budget | None = None
    tasks: Count = 8

    @model_validator(mode="after")
    def _scorers_are_whole(self) -> Self:
        """Each has its kind's name, what the kind takes, and looks back only."""
        earlier: list[str] = []
        for name, asked in self.scorers.items():
            _require_whole(name, asked, earlier)
            earlier.append(name)
        return self

    def kind_of(self, name: str) -> str:
        """The kind of a scorer."""
        return self.scorers[name].kind or name


def _require_whole(name: str, asked: Asked, earlier: list[str]) -> None:
    kind = asked.kind or name
    if kind not in SCORERS:
        raise ValueError(f"scorers.{name}: expected kind to be one of {', '.join(SCORERS)}; found {kind}")
    given = {key for key in ("model", "texts") if getattr(asked, key)}
    if given != set(SCORERS[kind].takes):
        takes = " and ".join(SCORERS[kind].takes) or "neither model nor texts"
        raise ValueError(f"scorers.{name}: {kind} takes {takes}; found {' and '.join(sorted(given)) or 'neither'}")
    if asked.top is not None and asked.top.by not in earlier:
        said = f"expected one that stands before it ({', '.join(earlier) or 'none does'}), found {asked.top.by}"
        raise ValueError(f"scorers.{name}.top.by: {said}")
    if asked.where is not None and not any(one in asked.where for one in earlier):
        raise ValueError(f"scorers.{name}.where: expected the name of a scorer that stands before it")


def transform(
    new_documents: DataFrame,
    scores: DataFrame,
    embeddings: DataFrame,
    models: Mapping[str, Model | None],
    part: str,
    params: Params,
) -> DataFrame:
    """Input columns: document_id, text, messages, attempt; scorer, value; vector.  Output columns: those of scores but
    fingerprint, for the documents that the scorer can say something of and that are in its reach."""
    asked, kind = params.scorers[part], params.kind_of(part)
    rows = new_documents
    if not asked.reach.is_all:
        earlier = list(params.scorers)[: list(params.scorers).index(part)]
        counting = counted(scores, {name: params.scorers[name].reach for name in earlier})
        rows = rows.join(in_reach(counting, asked.reach, earlier), "document_id", "left_semi")
    if "vector" in SCORERS[kind].reads:
        rows = rows.join(embeddings.select("document_id", "vector"), "document_id")
    setting = Setting(models.get(part), asked.texts, asked.mean_of, params.token_budget)
    shared = rows.select("document_id", "attempt", *SCORERS[kind].reads).repartition(params.tasks, "document_id")
    scored = shared.mapInArrow(partial(score_batches, kind=kind, setting=setting), SCORED_SCHEMA)
    return scored.withColumns({"scorer": F.lit(part), "view": F.lit(SCORERS[kind].view)})


def part_reads(asked: BaseModel) -> tuple[Table, ...]:
    """What is alike to texts is so by its vectors."""
    return (EMBEDDINGS,) if getattr(asked, "texts", ()) else ()


def idle(params: Mapping[str, Any]) -> str | None:
    """Without scorers there is nothing to do."""
    return None if params["score_text"].scorers else "no scorer is named"


def contradiction(params: Mapping[str, Any]) -> str | None:
    """Similarity is of vectors."""
    scoring: Params = params["score_text"]
    without = [name for name in scoring.scorers if "vector" in SCORERS[scoring.kind_of(name)].reads]
    if not without or params["embed_text"].model is not None:
        return None
    return f"scorers.{without[0]} compares vectors, but embed_text names no model. Name one."


def external(context: Context) -> dict[str, Any]:
    """The model of each scorer that has one, its files where every machine sees them."""
    params: Params = context.recipe.params["score_text"]  # type: ignore[assignment]
    embedding: Any = context.recipe.params["embed_text"]
    lake, earlier = context.lake, list[str]()
    models: dict[str, Model | None] = {}
    for name, asked in params.scorers.items():
        if asked.where is not None:  # told before anything is scored
            require_predicate(lake.spark, asked.where, earlier, f"score_text.scorers.{name}.where")
        earlier.append(name)
        scorer, model = SCORERS[params.kind_of(name)], None
        if "vector" in scorer.reads:
            changes = {key: getattr(embedding, key) for key in ("prefix", "pooling", "max_tokens")}
            model = find_model(embedding.model, EMBEDDERS, embedding.dtype, **changes)
        elif asked.model is not None:
            model = find_model(asked.model, scorer.models, asked.dtype, max_tokens=asked.max_tokens)
        models[name] = model and staged_model(lake.spark, model, lake.folder or "", context.recipe.assets)
    return {"models": models}


JOB = Job(
    "score_text",
    reads=(SCORES, EMBEDDINGS),
    writes=SCORES,
    params=Params,
    transform=transform,
    each=DOCUMENTS,
    external=external,
    idle=idle,
    contradiction=contradiction,
    parts=lambda params: params.scorers,
    part_column="scorer",
    part_reads=part_reads,
    in_rounds=True,
    models=("model",),
)
