"""Causal language models: how likely each token of a text is after those before it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.model_files import Model, model_folder
from udfs.token_batches import CHARACTERS_A_TOKEN
from udfs.torch_models import tokenizer_of, weights_of

Ids = list[int]
# Logits held at once, 4 bytes each: a batch's tokens times the vocabulary would be gigabytes.
LOGITS_AT_ONCE = 1 << 25
# What ChatML puts around a turn; models that have a template of their own say so in their tokenizer.
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class Judged(NamedTuple):
    """ids: tokens.  first: the first one whose likelihood counts; what stands before is given.  num_bytes: of UTF-8
    that the counted ones stand for.  is_truncated: whether the text went on."""

    ids: Ids
    first: int
    num_bytes: int = 0
    is_truncated: bool = False

    @property
    def tokens(self) -> int:
        """How many count."""
        return len(self.ids) - self.first


class CausalModel:
    """A causal language model with the tokenizer of its folder."""

    def __init__(self, model: Model, device: str) -> None:
        """Load the model on the device."""
        import torch

        folder = model_folder(model)
        self._torch, self._device = torch, device
        self._tokens = tokenizer_of(folder)
        begun = self._tokens("", add_special_tokens=True)["input_ids"][:1]
        self._start = begun if begun == [self._tokens.bos_token_id] else []
        self._model = weights_of("AutoModelForCausalLM", folder, model.dtype, device)

    def tokenize(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text, without special tokens."""
        found: list[Ids] = self._tokens(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return found

    def judged(self, texts: Sequence[str], most: int) -> list[Judged]:
        """Each text as at most `most` tokens.  The first one counts where the model begins texts with a token of its
        own; else nothing stands before it."""
        shown = [text[: CHARACTERS_A_TOKEN * most] for text in texts]
        found = self._tokens(shown, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        first = 0 if self._start else 1
        cut = []
        for text, ids, ends in zip(shown, found["input_ids"], found["offset_mapping"], strict=True):
            kept = ids[: most - len(self._start)]
            before = ends[first - 1][1] if first and len(kept) > first else 0
            counted = text[before : ends[len(kept) - 1][1]] if len(kept) > first else ""
            num_bytes = len(counted.encode("utf-8", "surrogatepass"))
            is_truncated = len(kept) < len(ids) or len(ids) > most
            cut.append(Judged([*self._start, *kept], min(1, len(kept) + len(self._start)), num_bytes, is_truncated))
        return [
            one._replace(is_truncated=one.is_truncated or len(text) > len(part))
            for one, text, part in zip(cut, texts, shown, strict=True)
        ]

    def prompt(self, turns: Sequence[dict[str, str]]) -> tuple[str, str]:
        """The turns as the model's template writes them up to where the assistant begins to speak, and the header with
        which it begins."""
        template = None if self._tokens.chat_template else CHATML
        closed, opened = (
            self._tokens.apply_chat_template(
                list(turns), chat_template=template, tokenize=False, add_generation_prompt=adds
            )
            for adds in (False, True)
        )
        return opened, opened[len(closed) :]

    def log_likelihoods(self, batch: Sequence[Judged]) -> NDArray[np.float64]:
        """The sum of the natural logarithms of the probabilities of each text's tokens from `first` on [n]."""
        torch = self._torch
        most = max(len(one.ids) for one in batch)
        # Padded behind: no token sees what follows it.
        ids = torch.tensor([one.ids + [0] * (most - len(one.ids)) for one in batch], device=self._device)
        mask = torch.tensor([[1] * len(one.ids) + [0] * (most - len(one.ids)) for one in batch], device=self._device)
        wanted = torch.zeros_like(mask)
        for row, one in enumerate(batch):
            wanted[row, max(one.first, 1) : len(one.ids)] = 1
        with torch.inference_mode():
            hidden = self._model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
            rows, places = wanted.nonzero(as_tuple=True)
            found = self._token_logs(hidden[rows, places - 1], ids[rows, places])
            sums = torch.zeros(len(batch), dtype=torch.float64, device=self._device).index_add_(0, rows, found.double())
        values: NDArray[np.float64] = sums.cpu().numpy()
        return values

    def _token_logs(self, hidden: Any, ids: Any) -> Any:
        """log p of each token, some at a time."""
        torch = self._torch
        head = self._model.get_output_embeddings()
        step = max(1, LOGITS_AT_ONCE // head.weight.shape[0])
        parts = []
        for first in range(0, len(ids), step):
            logits = head(hidden[first : first + step]).float()
            picked = logits.gather(1, ids[first : first + step, None])[:, 0]
            parts.append(picked - torch.logsumexp(logits, dim=1))
        return torch.cat(parts) if parts else torch.zeros(0, device=self._device)
