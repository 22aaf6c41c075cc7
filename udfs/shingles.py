"""Cut texts into shingles: hashed runs of characters (fine grain) and of words (coarse grain).

Two documents are as similar as the greatest exact Jaccard over the grains that both have.  Short texts have
the fine grain, long texts the coarse one, texts in an overlap band both, so that a copy on the other side of
a limit still shares a grain.  Mixed scripts need no switch: every character and every unit carries a weight
and a shingle ends where its weights add up, so a small edit changes few shingles whatever the mixture.

Measured by tests/benchmarks/shingle_bands.py (which defines R, P, c): English copies with 8 kinds of edits.

| overlap, words | R at 30-40 words | 40-50 | 50-60 | 60-80 | 80-120 | shingles a text of 50-60 words |
|---|---|---|---|---|---|---|
| hard cut at 40 | .967 | .894 | .990 | .996 | .9975 | 51 |
| 30-50 | .9998 | .9998 | .998 | .997 | .9975 | 156 |
| **40-60** | .9998 | .9998 | .9996 | .998 | .9976 | 253 |
| 40-80 | .9998 | .9998 | .9998 | .9999 | .998 | 258 |
| peers: 5 words | .843 | .882 | .876 | .881 | .881 | 46 |

P is within .004 and c within 1.3 times of each other for the first four (P .94-.99, c 1e-5 to 7e-5); only
copies with 10 % edits lose above 60 words (.98).  Chinese with 10 to 70 % English words: R .997-.998.
Thai in 3, then 6 letters instead of the ideographs' 2 and 3: c 8e-5 for 5e-4 in sentences, 3e-5 for 1e-2 in
3,000 letters.  Korean in 2 syllables instead of 5 letters: R .969 for .895.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from udfs.folding import (
    HAN,
    HANGUL,
    LETTER,
    OTHER,
    UNSPACED,
    CodePoints,
    classify,
    code_points,
    normalise,
)
from udfs.hashing import LONGEST_RUN, hash_runs, hash_windows, mix_bits
from udfs.ragged import row_offsets, row_sums

# Texts are cut together up to this many characters: the working set (about 60 bytes a character) then
# stays near the caches and a huge document stands alone.
CHUNK_CHARS: Final = 1 << 17
_FINE_SEED, _COARSE_SEED = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F


@dataclass(frozen=True)
class ShingleRule:
    """Say how long a shingle is and which lengths of text have which grain.

    fine_*: characters of a fine shingle: letters of spaced scripts; letters of unspaced alphabets such as
    Thai; syllables, that is ideographs, kana and Hangul.  A shingle over several scripts weighs each character
    1/k and ends where the weights reach 1.  coarse_units: units of a coarse shingle.  A unit is a word of a
    spaced script, one ideograph or kana, or two letters of an unspaced alphabet.
    overlap_*: (lowest, highest) units; a text has the coarse grain from the lowest up and the fine grain up
    to the highest.  A mixed text interpolates the two bands by the share of its units.
    """

    fine_letters: int = 5
    fine_unspaced: int = 3
    fine_syllables: int = 2
    coarse_units: int = 3
    overlap_spaced: tuple[int, int] = (40, 60)
    overlap_unspaced: tuple[int, int] = (40, 60)

    def __post_init__(self) -> None:
        """Raise ValueError on a length below 1 or a band that leaves some texts without any grain."""
        if min(lengths := (self.fine_letters, self.fine_unspaced, self.fine_syllables, self.coarse_units)) < 1:
            raise ValueError(f"a shingle needs at least one character or unit, got {lengths}")
        for low, high in (self.overlap_spaced, self.overlap_unspaced):
            if not 0 <= low <= high:
                raise ValueError(f"an overlap band needs 0 <= lowest <= highest, got {(low, high)}")

    @classmethod
    def words(cls, num_words: int) -> "ShingleRule":
        """Return the rule of most peers: shingles of `num_words` words, whatever the length of the text."""
        return cls(coarse_units=num_words, overlap_spaced=(0, 0), overlap_unspaced=(0, 0))


@dataclass(frozen=True)
class Shingles:
    """Hold one grain of n documents: document i has `hashes[offsets[i]:offsets[i + 1]]`, distinct, ascending.

    offsets [n + 1] int64; hashes [offsets[-1]] uint32; present [n] bool, false where the document lacks the
    grain.  32 bits: between two unrelated texts of 196 shingles a chance match adds 1e-5 matches, and a text
    of 1 million shingles loses 0.01 % of them, so an exact Jaccard moves by less than 3e-4.
    """

    offsets: NDArray[np.int64]
    hashes: NDArray[np.uint32]
    present: NDArray[np.bool_]


def shingle(texts: Sequence[str], rule: ShingleRule) -> tuple[Shingles, Shingles]:
    """Return the fine and the coarse grain of each text.

    A text too short for one shingle has a single shingle made of all its letters or units; a text without
    letters and digits has neither grain.  Each text's hashes depend on that text and the rule alone.
    """
    normal = [normalise(text) for text in texts]
    parts = [_shingle_chunk(chunk, rule) for chunk in _chunks(normal)]
    return _concatenate([fine for fine, _ in parts]), _concatenate([coarse for _, coarse in parts])


def jaccard(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    """Return |left & right| / |left | right| of two arrays of distinct hashes; 0 where both are empty."""
    shared = len(np.intersect1d(left, right, assume_unique=True))
    total = len(left) + len(right) - shared
    return shared / total if total else 0.0


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    """Yield the texts in order, in lists of about CHUNK_CHARS characters."""
    chunk: list[str] = []
    room = CHUNK_CHARS
    for text in texts:
        if chunk and len(text) >= room:
            yield chunk
            chunk, room = [], CHUNK_CHARS
        chunk.append(text)
        room -= len(text) + 1
    if chunk:
        yield chunk


def _shingle_chunk(texts: list[str], rule: ShingleRule) -> tuple[Shingles, Shingles]:
    """Return the fine and the coarse grain of normalised texts that fit in memory together."""
    codes = code_points("\n".join([*texts, ""]))  # the line break ends words and takes no part in any shingle
    bounds = row_offsets(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
    classes, shown = classify(codes)
    if shown is not None:
        codes, bounds = codes[shown], row_offsets(shown)[bounds]
    letters = classes.copy()  # the fine grain has no words that could be too long
    starts, ends = _unit_bounds(classes)
    unit_offsets = np.searchsorted(starts, bounds)
    unit_classes = classes[starts]
    weights = np.where(unit_classes == UNSPACED, np.uint8(1), np.uint8(2))  # in half units
    has_fine, has_coarse = _grains(weights, unit_classes >= UNSPACED, unit_offsets, rule)
    fine = _fine_grain(codes, letters, bounds, has_fine, rule)
    kept = np.repeat(has_coarse, np.diff(unit_offsets))
    values = hash_runs(codes, starts[kept], ends[kept])
    del starts, ends  # 160 MB for 10 million units, while the coarse grain takes more
    offsets = row_offsets(np.diff(unit_offsets) * has_coarse)
    return fine, _grain(values, weights[kept], offsets, 2 * rule.coarse_units, _COARSE_SEED)


def _unit_bounds(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and past-the-end position of each unit; reclass letter runs too long to be words.

    Such a run is base64, DNA or a script missing from folding's table: its characters then count like those
    of an unspaced alphabet.
    """
    starts, ends = _spaced_runs(classes)
    long = ends - starts > LONGEST_RUN
    for first, last in zip(starts[long], ends[long], strict=True):
        classes[first:last] = UNSPACED
    starts, ends = starts[~long], ends[~long]
    singles = np.flatnonzero(classes >= UNSPACED)
    if not len(singles):
        return starts, ends
    # Units do not overlap, so putting both lists in order apart keeps each start with its end.
    return _merged(starts, singles, len(classes)), _merged(ends, singles + 1, len(classes))


def _merged(left: NDArray[np.int64], right: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    """Return both lists of different places, 0 to `last`, in one ascending list; a quarter of a sort's time."""
    taken = np.zeros(last + 1, np.bool_)
    taken[left] = taken[right] = True
    return np.flatnonzero(taken)


def _spaced_runs(classes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and past-the-end position of each run of letters of spaced scripts."""
    spaced = (classes == LETTER) | (classes == HANGUL)
    edges = np.flatnonzero(np.diff(spaced, prepend=False, append=False))
    return edges[0::2], edges[1::2]


def _grains(
    weights: NDArray[np.uint8], unspaced: NDArray[np.bool_], offsets: NDArray[np.int64], rule: ShingleRule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which documents [n] have the fine and which the coarse grain."""
    total = row_sums(weights, offsets)
    alone = row_sums(weights * unspaced, offsets)
    # weight / 2 >= (limits weighted by share), times 2 * weight: whole numbers, the same on every machine
    low, high = (
        2 * (alone * unspaced_limit + (total - alone) * spaced_limit)
        for unspaced_limit, spaced_limit in zip(rule.overlap_unspaced, rule.overlap_spaced, strict=True)
    )
    return (total > 0) & (total * total <= high), (total > 0) & (total * total >= low)


def _fine_grain(
    codes: CodePoints,
    classes: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    has_fine: NDArray[np.bool_],
    rule: ShingleRule,
) -> Shingles:
    """Return the character shingles, over the fold, of the documents that have the fine grain."""
    if not has_fine.any():
        return Shingles(np.zeros_like(bounds), np.zeros(0, np.uint32), has_fine)
    kept = np.flatnonzero(np.repeat(has_fine, np.diff(bounds)) & (classes != OTHER))
    lengths = {
        LETTER: rule.fine_letters, UNSPACED: rule.fine_unspaced,
        HANGUL: rule.fine_syllables, HAN: rule.fine_syllables,
    }  # fmt: skip
    whole = math.lcm(*lengths.values())
    table = np.zeros(HAN + 1, np.int32)
    for script, length in lengths.items():
        table[script] = whole // length
    offsets = np.searchsorted(kept, bounds)
    return _grain(codes[kept].astype(np.uint64), table[classes[kept]], offsets, whole, _FINE_SEED)


def _grain(
    values: NDArray[np.uint64],
    weights: NDArray[np.uint8] | NDArray[np.int32],
    offsets: NDArray[np.int64],
    whole: int,
    seed: int,
) -> Shingles:
    """Return the distinct windows of weight `whole` over the items of each document."""
    hashes, kept = hash_windows(values, weights, offsets, whole, seed)
    counts = row_sums(kept.view(np.uint8), offsets)
    members = (mix_bits(hashes[kept]) >> np.uint64(32)).astype(np.uint32)
    bounds = row_offsets(counts)
    # One document at a time: twice as fast as all at once, with the documents in the upper half of 64 bits.
    for first, last in itertools.pairwise(bounds.tolist()):
        members[first:last].sort()
    fresh = np.diff(members, prepend=~members[:1]) != 0
    fresh[bounds[:-1][counts > 0]] = True
    return Shingles(row_offsets(row_sums(fresh.view(np.uint8), bounds)), members[fresh], counts > 0)


def _concatenate(parts: list[Shingles]) -> Shingles:
    """Return the documents of all parts in order."""
    if not parts:
        return Shingles(np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.bool_))
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    hashes = np.concatenate([part.hashes for part in parts])
    return Shingles(row_offsets(counts), hashes, np.concatenate([part.present for part in parts]))
