"""Work in batches of about as many tokens: sorted by length, cut by what they hold with padding, order restored.

A batch that fails is halved where the device ran out of memory, down to one text; what fails then is told for its texts
alone.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ids = Sequence[int]
Item = TypeVar("Item")
Result = TypeVar("Result")
# No tokenizer is given more of a text than could matter: few tokens are longer, and some tokenizers are slow.
CHARACTERS_A_TOKEN = 64


def token_batches(lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.intp]]:
    """Return the places of the texts of each batch, the longest first; a text above the budget is a batch of its own.

    lengths: tokens of each text [n].  budget: tokens of a batch, its longest text times its texts.
    The longest first, so that a batch too great for the device fails at once and not after an hour.
    """
    order = np.argsort(-lengths, kind="stable")
    batches, first = [], 0
    while first < len(order):
        count = max(1, budget // max(1, int(lengths[order[first]])))
        batches.append(order[first : first + count])
        first += count
    return batches


def cut_ids(ids: Ids, most: int) -> Ids:
    """Ids of at most `most` tokens; the last one, which closes a text, stays."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def answers(
    items: Sequence[Item], lengths: Sequence[int], budget: int, work: Callable[[list[Item]], Result]
) -> Iterator[tuple[NDArray[np.intp], Result | Exception]]:
    """Yield the places of each batch with what `work` gives for it, or what it raised.  All places come once.

    lengths: tokens of each item."""
    waiting = token_batches(np.array(lengths, np.int64), budget)[::-1]
    while waiting:
        places = waiting.pop()
        try:
            yield places, work([items[place] for place in places])
        except Exception as error:
            if is_out_of_memory(error) and len(places) > 1:
                free_memory()
                half = len(places) // 2
                waiting += [places[half:], places[:half]]
            else:
                yield places, error


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device, or this process, ran out of memory."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def free_memory() -> None:
    """Give back what torch keeps of a device's memory."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
