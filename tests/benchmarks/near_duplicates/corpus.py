"""Build a corpus with planted near-copies, and find all pairs of it that are alike, exactly.

Every document is made of real sentences, drawn anew for each; a seventh of the documents are copies of others in which
1, 2, 3, 5 or 10 % of the words (Chinese: characters) are replaced, left out or added.  The same seed, language and
number of rows give the same corpus.  The rule of all measurements here: a document is the set of its runs of 5 units,
a unit a word or one ideograph, in small letters; documents are alike by the Jaccard similarity of these sets.
"""

import csv
import gzip
import itertools
import json
import random
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SHARES = (0.01, 0.02, 0.03, 0.05, 0.1)
COPIES = 1 / 7
SENTENCES = {"en": (2.25, 0.6), "zh": (3.2, 0.6)}  # of a document: mean and deviation of the logarithm
JOINT = {"en": " ", "zh": ""}
UNIT = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
PIECE = {"en": re.compile(r"\S+"), "zh": re.compile(r"[\u3400-\u9fff]|[^\u3400-\u9fff]+")}
RUN = 5
PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Corpus:
    """Texts, all different, and for each the row it was copied from, or -1."""

    texts: list[str]
    origins: NDArray[np.int64]


def build(language: str, rows: int, seed: int = 1) -> Corpus:
    """A corpus of so many rows; copies stand anywhere, before or after what they were copied from."""
    rng = random.Random(f"{language} {rows} {seed}")
    pool = sentences(language)
    words = [word for sentence in rng.sample(pool, 2000) for word in PIECE[language].findall(sentence)]
    num_copies = int(rows * COPIES)
    texts = dict.fromkeys(itertools.islice(_distinct(_documents(language, pool, rng)), rows - num_copies))
    originals = list(texts)
    origins = [-1] * len(originals)
    while len(texts) < rows:
        origin = rng.randrange(len(originals))
        copy = _edited(originals[origin], language, rng.choice(SHARES), rng, words)
        if copy not in texts:
            texts[copy] = None
            origins.append(origin)
    order = list(range(rows))
    rng.shuffle(order)
    place = np.empty(rows, np.int64)
    place[order] = np.arange(rows)
    listed = list(texts)
    moved = np.array([-1 if origins[row] < 0 else place[origins[row]] for row in order])
    return Corpus([listed[row] for row in order], moved)


def _distinct(texts: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text


def _documents(language: str, pool: list[str], rng: random.Random) -> Iterator[str]:
    mean, deviation = SENTENCES[language]
    while True:
        size = max(1, round(rng.lognormvariate(mean, deviation)))
        yield JOINT[language].join(rng.choices(pool, k=size))


def _edited(text: str, language: str, share: float, rng: random.Random, words: Sequence[str]) -> str:
    pieces = PIECE[language].findall(text)
    edited: list[list[str]] = [[piece] for piece in pieces]
    for place in rng.sample(range(len(pieces)), max(1, round(share * len(pieces)))):
        word = rng.choice(words)
        edited[place] = rng.choice([[word], [], [pieces[place], word]])
    return JOINT[language].join(piece for group in edited for piece in group)


def sentences(language: str) -> list[str]:
    """The different sentences of real texts: reviews, news, questions, instructions; poems and comments."""
    return sorted({text for text in (_english() if language == "en" else _chinese()) if len(text) > 4})


def _english() -> Iterator[str]:
    for name in ("sentence_polarity", "subjectivity", "movie_reviews"):
        with zipfile.ZipFile(DATA / "reviews_en" / f"{name}.zip") as archive:
            for member in archive.namelist():
                if not member.endswith("/") and "readme" not in member.lower():
                    yield from archive.read(member).decode("latin-1").splitlines()
    for path in ("graded_onestop/texts.jsonl.gz", "benchmarks/mmlu_test.jsonl.gz", "benchmarks/gsm8k_test.jsonl.gz"):
        with gzip.open(DATA / path, "rt", encoding="utf-8") as lines:
            for value in itertools.chain.from_iterable(json.loads(line).values() for line in lines):
                yield from _cut(value)
    for name in ("roleplay", "codegen"):
        with gzip.open(DATA / "instructions_gpteacher" / f"{name}.json.gz", "rt", encoding="utf-8") as file:
            for value in itertools.chain.from_iterable(row.values() for row in json.load(file)):
                yield from _cut(value)


def _cut(value: object) -> list[str]:
    return re.split(r"(?<=[.!?])\s+|\n+", value.strip()) if isinstance(value, str) else []


def _chinese() -> Iterator[str]:
    with gzip.open(DATA / "poems_zh" / "poems.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in itertools.islice(lines, 100_000):
            yield from json.loads(line)["text"].splitlines()
    with gzip.open(DATA / "offensive_zh" / "train.csv.gz", "rt", encoding="utf-8") as rows:
        yield from (row["TEXT"] for row in csv.DictReader(rows))


def units(text: str) -> list[str]:
    """The words and ideographs of a text in small letters."""
    return UNIT.findall(text.lower())


def runs(text: str) -> set[str]:
    """The runs of 5 units of a text, as plain strings: what peers are given."""
    found = units(text)
    return {" ".join(found[i : i + RUN]) for i in range(max(1, len(found) - RUN + 1))}


@dataclass(frozen=True)
class Sets:
    """Document i is the set members[offsets[i]:offsets[i + 1]], ascending: the rarer a run, the smaller its number."""

    offsets: NDArray[np.int64]
    members: NDArray[np.int32]


def sets(texts: Sequence[str]) -> Sets:
    """The runs of every text, numbered from the rarest on."""
    vocabulary: dict[str, int] = {}
    numbered = [[vocabulary.setdefault(unit, len(vocabulary)) for unit in units(text)] for text in texts]
    counts = np.fromiter(map(len, numbered), np.int64, len(numbered))
    flat = np.fromiter(itertools.chain.from_iterable(numbered), np.uint64, int(counts.sum()))
    del numbered
    drawn = np.random.default_rng(1).integers(1, 1 << 63, len(vocabulary), np.uint64)[flat.astype(np.int64)]
    hashes = np.zeros(len(flat), np.uint64)
    for step in range(RUN):
        hashes[: len(flat) - step] = hashes[: len(flat) - step] * np.uint64(0x9E3779B97F4A7C15) + drawn[step:]
    documents = np.repeat(np.arange(len(counts)), counts)
    left = np.repeat(np.cumsum(counts), counts) - np.arange(len(flat))
    kept = (left >= RUN) | (left == np.repeat(counts, counts))
    _, numbers, frequency = np.unique(hashes[kept], return_inverse=True, return_counts=True)
    rank = np.empty(len(frequency), np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    keys = np.unique((documents[kept] << 32) | rank[numbers])
    offsets = np.searchsorted(keys, np.arange(len(counts) + 1) << 32)
    return Sets(offsets, (keys & 0xFFFFFFFF).astype(np.int32))


def true_pairs(found: Sets, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All pairs [n, 2] of documents (smaller first) that are alike from the threshold up, and how alike they are.

    Two sets of that similarity share one of their floor((1 - t) n) + 1 rarest members (Chaudhuri et al. 2006)."""
    sizes = np.diff(found.offsets)
    documents = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(found.members)) - np.repeat(found.offsets[:-1], sizes)
    prefix = place < np.repeat(np.floor((1 - threshold) * sizes + 1e-9).astype(np.int64) + 1, sizes)
    keys = np.sort((found.members[prefix].astype(np.int64) << 32) | documents[prefix])
    members, holders = keys >> 32, keys & 0xFFFFFFFF
    pairs: list[NDArray[np.int64]] = []
    for step in range(1, len(keys)):
        same = np.flatnonzero(members[step:] == members[:-step])
        if not len(same):
            break
        left, right = holders[same], holders[same + step]
        fits = np.minimum(sizes[left], sizes[right]) >= threshold * np.maximum(sizes[left], sizes[right])
        pairs.append(np.unique((left[fits] << 32) | right[fits]))
    packed = np.unique(np.concatenate(pairs)) if pairs else np.zeros(0, np.int64)
    candidates = np.stack([packed >> 32, packed & 0xFFFFFFFF], axis=1)
    similarity = similarities(found, candidates)
    return candidates[similarity >= threshold], similarity[similarity >= threshold]


def similarities(found: Sets, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The exact Jaccard similarity of each pair [n, 2]."""
    parts = [_similarities(found, part) for part in np.array_split(pairs, max(1, len(pairs) // PAIRS_AT_ONCE))]
    return np.concatenate(parts)


def _similarities(found: Sets, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    sizes = np.diff(found.offsets)[pairs]
    starts = found.offsets[pairs].ravel()
    flat = sizes.ravel()
    total = int(flat.sum())
    within = np.arange(total) - np.repeat(np.cumsum(flat) - flat, flat)
    owner = np.repeat(np.repeat(np.arange(len(pairs)), 2), flat)
    keys = np.sort((owner << 32) | found.members[np.repeat(starts, flat) + within])
    shared = np.bincount(keys[1:][keys[1:] == keys[:-1]] >> 32, minlength=len(pairs))
    similarity: NDArray[np.float64] = shared / np.maximum(sizes.sum(axis=1) - shared, 1)
    return similarity


def table(texts: Sequence[str]) -> pa.Table:
    """Columns id (the row) and text."""
    return pa.table({"id": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts, pa.large_string())})
