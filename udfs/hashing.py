"""Hash runs of code points and mix integers, whole arrays at a time; the same on every machine and process."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from udfs.folding import CodePoints

LONGEST_RUN: Final = 64
BASE: Final = 0xD6E8FEB86659FD93  # odd, so that its powers have inverses modulo 2^64
_BLOCK: Final = 1 << 17  # positions hashed at once: the prefix sums stay in the caches
_SEED: Final = 0x165667B19E3779F9


def mix_bits(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the values with every bit spread over all 64 (finaliser of MurmurHash3); a bijection."""
    mixed = values ^ (values >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


def hash_runs(codes: CodePoints, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the hash [m] of codes[start:end] for runs in ascending order, each of LONGEST_RUN at most.

    A run is the difference of two prefix sums of a polynomial modulo 2^64, brought to a common power.
    """
    hashes = np.empty(len(starts), np.uint64)
    powers, inverses = _powers()
    for begin in range(0, len(codes), _BLOCK):
        first, last = np.searchsorted(starts, (begin, begin + _BLOCK))
        block = codes[begin : begin + _BLOCK + LONGEST_RUN]
        prefix = np.zeros(len(block) + 1, np.uint64)
        # Widened first: numpy 1 would keep bytes bytes, where 255 + 1 is 0.
        np.cumsum((block.astype(np.uint64) + np.uint64(1)) * powers[: len(block)], out=prefix[1:])
        lows = starts[first:last] - begin
        hashes[first:last] = (prefix[ends[first:last] - begin] - prefix[lows]) * inverses[lows]
    hashes += np.uint64(_SEED)
    return mix_bits(hashes)


def hash_windows(
    values: NDArray[np.uint64],
    weights: NDArray[np.uint8] | NDArray[np.int32],
    offsets: NDArray[np.int64],
    whole: int,
    seed: int,
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return the hash [m] of the shortest window of items that weighs `whole` from each item on, and its validity.

    Document i holds items offsets[i] to offsets[i + 1].  A window that would leave its document is invalid [m],
    except the one that holds all of a short document.
    """
    steps = -(-whole // int(weights.min(initial=whole)))
    room = _room(offsets, steps)
    hashes = np.full(len(values), seed, np.uint64)
    missing = np.full(len(values), whole, np.int32)
    for step in range(min(steps, len(values))):
        num = len(values) - step
        growing = (missing[:num] > 0) & (room[:num] > step)
        np.copyto(hashes[:num], hashes[:num] * np.uint64(BASE) + values[step:], where=growing)
        missing[:num] -= weights[step:] * growing
    kept = missing <= 0
    kept[offsets[:-1][np.diff(offsets) > 0]] = True
    return hashes, kept


def _room(offsets: NDArray[np.int64], most: int) -> NDArray[np.int32]:
    """Return how many items each item's document has from it on, `most` at most."""
    room = np.full(offsets[-1], most, np.int32)
    for left in range(1, most):
        items = offsets[1:] - left
        room[items[items >= offsets[:-1]]] = left
    return room


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return BASE^i and BASE^-i modulo 2^64 for each position i of a block."""
    powers = np.full((2, _BLOCK + LONGEST_RUN), [[BASE], [pow(BASE, -1, 1 << 64)]], np.uint64)
    powers[:, 0] = 1
    np.cumprod(powers, axis=1, out=powers)
    return powers[0], powers[1]
