"""Fingerprints: the digest of everything that shapes a job's output."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import orjson
from pydantic import BaseModel

from jobs.runtime.job import Job
from jobs.runtime.models import model_digest
from jobs.runtime.recipe import Recipe
from jobs.runtime.source import Source
from schemas.table import Table

# Sources enter by the part that shapes rows.  How the work is shared, how often it is tried and of which documents a
# scorer is asked at all shapes no row.
UNSHAPING = {"sources", "tasks", "token_budget", "attempts", "budget", "where", "top"}

Fingerprint = str | dict[str, str]


def digest(value: Any) -> str:
    """First 16 hex of the sha2-256 of canonical JSON: short enough to read, long enough never to meet."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def all_fingerprints(jobs: Iterable[Job], recipe: Recipe) -> dict[str, Fingerprint]:
    """Job name -> fingerprint; one a source or a part where the job has these. Jobs come in the order they run."""
    prints: dict[str, Fingerprint] = {}
    producers: dict[str, str] = {}
    for job in jobs:
        params = recipe.params[job.name]
        upstream = {t.name: prints[producers[t.name]] for t in _upstream(job) if t.name in producers}
        if job.per_source:
            prints[job.name] = {one.name: _digest_of(job, params, upstream, one) for one in recipe.sources}
        elif job.parts:
            prints[job.name] = {
                name: _digest_of(job, part, _read_by(job, part, upstream)) for name, part in job.parts(params).items()
            }
        else:
            prints[job.name] = _digest_of(job, params, upstream | _sources(params, recipe))
        producers[job.writes.name] = job.name
    return prints


def _read_by(job: Job, part: BaseModel, upstream: Mapping[str, Fingerprint]) -> dict[str, Fingerprint]:
    """The fingerprints of the tables that shape one part."""
    if job.part_reads is None:
        return dict(upstream)
    return {table.name: upstream[table.name] for table in job.part_reads(part) if table.name in upstream}


def flat(value: Fingerprint) -> str:
    """One string for a fingerprint of any shape."""
    return value if isinstance(value, str) else digest(value)


def _upstream(job: Job) -> list[Table]:
    """Tables whose fingerprint enters. A cache that hangs on document_id alone takes only other caches' fingerprints:
    a document is its content, whatever cleaning made it."""
    if job.writes.lifetime != "cache" and not job.per_source:
        return [t for t in job.inputs if t not in job.feedback]
    return [t for t in job.inputs if t.lifetime == "cache"]


def _digest_of(job: Job, params: BaseModel, upstream: Mapping[str, Any], source: Source | None = None) -> str:
    return digest(
        {
            "job": job.name,
            "revision": job.revision,
            "params": params.model_dump(mode="json", exclude=UNSHAPING),
            "source": source.shaping() if source else None,
            "libraries": {name: _version(name) for name in job.libraries},
            "models": {name: model_digest(value) for name in job.models if (value := getattr(params, name, None))},
            "upstream": dict(upstream),
        }
    )


def _version(library: str) -> str:
    return unicodedata.unidata_version if library == "unicodedata" else version(library)


def _sources(params: BaseModel, recipe: Recipe) -> dict[str, Any]:
    """Jobs that take the sources themselves (listing, ingesting) depend on all that is said of them."""
    if "sources" not in type(params).model_fields:
        return {}
    return {"sources": [source.model_dump(mode="json") for source in recipe.sources]}
