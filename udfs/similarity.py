"""How alike documents are to texts that stand for a task: cosine of their vectors."""

from functools import lru_cache

import pyarrow as pa

from udfs.embedders import Vectors, load_embedder
from udfs.model_cache import loaded, task_device
from udfs.model_files import Model
from udfs.scoring import Scored, Setting, plain
from udfs.token_batches import cut_ids
from udfs.vectors import vectors_of


def similarity(rows: pa.RecordBatch, setting: Setting) -> Scored:
    """Mean cosine with the `top` nearest of the texts, -1 to 1 (the greatest where top is 1).

    Input columns: vector, of the model that also embeds the texts."""
    assert setting.model is not None  # the recipe was checked
    texts = embedded(setting.model, setting.texts, task_device())
    cosines = vectors_of(rows.column("vector")) @ texts.T
    top = min(setting.top, len(texts))
    cosines.partition(cosines.shape[1] - top, axis=1)
    return plain(cosines[:, -top:].mean(axis=1).tolist())


@lru_cache(maxsize=8)
def embedded(model: Model, texts: tuple[str, ...], device: str) -> Vectors:
    """One vector for each text [n, d]; a worker embeds them once."""
    embedder = loaded(model, device, load_embedder)
    return embedder.embed([cut_ids(ids, model.max_tokens) for ids in embedder.tokenize(texts)])
