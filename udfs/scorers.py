"""Every kind of scorer: what it looks at, which models serve it, and the function that scores a batch.

To add one: write its function in a file of its own, test it, and give it a line in SCORERS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import pyarrow as pa

from udfs.lm_scores import bits_per_byte, fluency, instruction_following_difficulty, perplexity
from udfs.model_files import Kind
from udfs.scoring import Scored, Setting, plain
from udfs.similarity import similarity
from udfs.text_signals import SIGNALS

View = Literal["relevance", "diversity", "difficulty", "quality"]


@dataclass(frozen=True)
class Scorer:
    """view: what it says something about.  score: rows with the columns `reads` to values.  reads: text, messages,
    vector.  models: the kinds that serve it; empty where it needs none.  takes: what a recipe must give it."""

    view: View
    score: Callable[[pa.RecordBatch, Setting], Scored]
    reads: tuple[str, ...] = ("text",)
    models: tuple[Kind, ...] = ()
    takes: tuple[str, ...] = ()


def _signal(signal: Callable[[str], float], batch: pa.RecordBatch, setting: Setting) -> Scored:
    """A function of one text."""
    return plain([signal(text) for text in batch.column("text").to_pylist()])


SCORERS: Final[Mapping[str, Scorer]] = {
    **{name: Scorer("quality", partial(_signal, signal)) for name, signal in SIGNALS.items()},
    "similarity": Scorer("relevance", similarity, reads=("vector",), takes=("texts",)),
    "perplexity": Scorer("difficulty", perplexity, models=("causal",), takes=("model",)),
    "bits_per_byte": Scorer("difficulty", bits_per_byte, models=("causal",), takes=("model",)),
    "fluency": Scorer("quality", fluency, models=("causal",), takes=("model",)),
    "ifd": Scorer(
        "difficulty", instruction_following_difficulty, reads=("messages",), models=("causal",), takes=("model",)
    ),
}
