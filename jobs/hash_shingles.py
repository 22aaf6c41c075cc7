"""Sign documents with MinHash.  One output row is the band keys and shingle hashes of one document:
{"document_id": "07...", "fingerprint": "c0...", "fine_shingles": "...", "coarse_shingles": null,
"band_keys": [-91, ...]}"""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pydantic import BaseModel, Field
from pyspark.sql import DataFrame

from jobs.frames.shingling import Shingling
from jobs.runtime.job import Job
from jobs.runtime.params import Count
from schemas.documents import DOCUMENTS
from schemas.signatures import SIGNATURES
from udfs.minhash import sign_batches

SIGNED_SCHEMA = "document_id string, fine_shingles binary, coarse_shingles binary, band_keys array<bigint>"


class Params(BaseModel, frozen=True, extra="forbid"):
    """shingles: the shingle rule, by length and script or fixed words.  bands, rows: 32 bands of 4 miss 0.015 % of the
    pairs at Jaccard 0.7.  seed: of the hash functions.  tasks: how many share the signing."""

    shingles: Shingling = Shingling()
    bands: int = Field(default=32, strict=True, ge=1, le=256)
    rows: int = Field(default=4, strict=True, ge=1, le=64)
    seed: int = 1
    tasks: Count = 8


def transform(new_documents: DataFrame, params: Params) -> DataFrame:
    """Input columns: document_id, text.  Output columns: document_id, fine_shingles, coarse_shingles, band_keys."""
    texts = new_documents.select("document_id", "text").repartition(params.tasks, "document_id")
    return texts.mapInArrow(partial(_sign, params=params), SIGNED_SCHEMA)


def _sign(batches: Iterable[pa.RecordBatch], params: Params) -> Iterator[pa.RecordBatch]:
    rule = params.shingles.rule()
    return sign_batches(batches, rule, params.bands * params.rows, params.bands, params.rows, params.seed)


JOB = Job(
    "hash_shingles",
    reads=(),
    writes=SIGNATURES,
    params=Params,
    transform=transform,
    each=DOCUMENTS,
    lake=(DOCUMENTS,),
    lake_params=("shingles", "bands", "rows", "seed"),
    libraries=("unicodedata",),
    revision=3,
)
