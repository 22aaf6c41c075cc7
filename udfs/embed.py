"""Embed texts.  One output row is one document: a vector, or what went wrong:
{"document_id": "07...", "attempt": 1, "vector": [0.03, ...], "num_tokens": 12, "is_truncated": false, "error": null}"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.embedders import Embedder, Vectors, load_embedder
from udfs.model_cache import loaded, task_device
from udfs.model_files import Model
from udfs.scoring import NOT_FINITE
from udfs.token_batches import CHARACTERS_A_TOKEN, Ids, answers, cut_ids

EMBEDDED_SCHEMA: Final = (
    "document_id string, attempt int, vector array<float>, num_tokens int, is_truncated boolean, error string"
)
NAMES: Final = [field.split()[0] for field in EMBEDDED_SCHEMA.split(", ")]


def embed_batches(batches: Iterable[pa.RecordBatch], model: Model, budget: int) -> Iterator[pa.RecordBatch]:
    """Input columns: document_id, attempt, text.  Output columns: EMBEDDED_SCHEMA, in the order of the rows.

    budget: tokens of one batch of the model, with padding."""
    embedder = None
    for batch in batches:
        embedder = embedder or loaded(model, task_device(), load_embedder)
        yield _embed(batch, embedder, model, budget)


def _embed(batch: pa.RecordBatch, embedder: Embedder, model: Model, budget: int) -> pa.RecordBatch:
    texts = batch.column("text")
    most = CHARACTERS_A_TOKEN * model.max_tokens
    ids = embedder.tokenize(pc.utf8_slice_codeunits(texts, 0, most).to_pylist())
    is_long = np.array([len(one) > model.max_tokens for one in ids], np.bool_)
    is_long |= pc.greater(pc.utf8_length(texts), most).to_numpy(zero_copy_only=False)
    cut = [cut_ids(one, model.max_tokens) for one in ids]
    vectors, errors = _vectors(cut, embedder, budget)
    lengths = pa.array([len(one) for one in cut], pa.int32())
    columns = [batch.column("document_id"), batch.column("attempt"), vectors, lengths, pa.array(is_long)]
    return pa.RecordBatch.from_arrays([*columns, pa.array(errors, pa.string())], NAMES)


def _vectors(texts: list[Ids], embedder: Embedder, budget: int) -> tuple[pa.ListArray, list[str | None]]:
    """The vector of each text, null where it failed, and what failed."""
    found: dict[int, Vectors] = {}
    errors: list[str | None] = [None] * len(texts)
    for places, result in answers(texts, [len(ids) for ids in texts], budget, embedder.embed):
        for number, place in enumerate(places):
            if isinstance(result, Exception):
                errors[place] = type(result).__name__
            elif np.isfinite(result[number]).all():
                found[place] = result[number]
            else:
                errors[place] = NOT_FINITE
    return pa.array([found.get(place) for place in range(len(texts))], pa.list_(pa.float32())), errors
