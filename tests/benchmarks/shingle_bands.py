"""Measure which shingles and which overlap band keep edited copies linked and unrelated texts apart.

Run by hand from the repository root, about 2 CPU minutes:  .venv/bin/python tests/benchmarks/shingle_bands.py
R: share of edited copies found at Jaccard >= .5, times the chance that MinHash 32x4 makes them candidates.
P: copies found / (copies found + natural pairs found), one copy of each text; natural near-copies count as
errors.  c: mean chance that two different texts become candidates.
"""

import csv
import gzip
import json
import random
import re
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from udfs.folding import fold_digest
from udfs.minhash import band_keys, sign_batches, signatures
from udfs.shingles import ShingleRule, Shingles, jaccard, shingle

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Edit = Callable[[list[str], random.Random, list[str]], list[str]]
EVERY_FINE = (10**9, 10**9)
EVERY_COARSE = (0, 0)


def edit_share(share: float) -> Edit:
    """Return an edit that replaces, deletes or inserts a share of the tokens, at least one."""

    def edit(tokens: list[str], rng: random.Random, vocabulary: list[str]) -> list[str]:
        edited: list[list[str]] = [[token] for token in tokens]
        for place in rng.sample(range(len(tokens)), max(1, round(share * len(tokens)))):
            word = rng.choice(vocabulary)
            edited[place] = rng.choice([[word], [], [tokens[place], word]])
        return [token for group in edited for token in group]

    return edit


def punctuate(tokens: list[str], rng: random.Random, vocabulary: list[str]) -> list[str]:
    return [token.upper() + rng.choice(["", "", ",", "!", " -"]) for token in tokens]


def add_prefix(tokens: list[str], rng: random.Random, vocabulary: list[str]) -> list[str]:
    return [*rng.choices(vocabulary, k=max(2, len(tokens) // 8)), *tokens]


def add_suffix(tokens: list[str], rng: random.Random, vocabulary: list[str]) -> list[str]:
    return add_prefix(tokens[::-1], rng, vocabulary)[::-1]


def prefix_and_edit(tokens: list[str], rng: random.Random, vocabulary: list[str]) -> list[str]:
    return edit_share(0.05)(add_prefix(tokens, rng, vocabulary), rng, vocabulary)


EDITS: dict[str, Edit] = {
    "1%": edit_share(0.01), "2%": edit_share(0.02), "5%": edit_share(0.05), "10%": edit_share(0.1),
    "punct": punctuate, "prefix": add_prefix, "suffix": add_suffix, "pre+5%": prefix_and_edit,
}  # fmt: skip


def candidate_chance(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - (1 - similarity**4) ** 32


def similarities(left: Shingles, right: Shingles) -> NDArray[np.float64]:
    """Return the Jaccard [n] of document i of both sides, 0 where a side lacks the grain."""
    bounds = zip(left.offsets[:-1], left.offsets[1:], right.offsets[:-1], right.offsets[1:], strict=True)
    return np.array([jaccard(left.hashes[a:b], right.hashes[c:d]) for a, b, c, d in bounds])


def found(pairs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the chance of a link, given the similarity of each grain."""
    missed = np.prod([1 - candidate_chance(similarity) for similarity in pairs], axis=0)
    chance: NDArray[np.float64] = (np.maximum(*pairs) >= 0.5) * (1 - missed)
    return chance


def all_pairs(grain: Shingles) -> NDArray[np.float64]:
    """Return the Jaccard [n, n] of all documents, 0 on and below the diagonal."""
    columns = np.unique(grain.hashes, return_inverse=True)[1]
    counts = np.diff(grain.offsets)
    shape = (len(counts), int(columns.max(initial=0)) + 1)
    matrix = csr_array((np.ones(len(columns)), columns, grain.offsets), shape=shape)
    shared = (matrix @ matrix.T).toarray()
    return np.triu(shared / np.maximum(counts[:, None] + counts - shared, 1), 1)


def report(name: str, texts: list[str], copies: dict[str, list[str]], rule: ShingleRule) -> None:
    """Print one line: recall of every edit, the mean, precision, candidates, shingles a text."""
    originals = shingle(texts, rule)
    recalls = {}
    for edit, copied in copies.items():
        grains = zip(originals, shingle(copied, rule), strict=True)
        recalls[edit] = float(found([similarities(left, right) for left, right in grains]).mean())
    natural = [all_pairs(grain) for grain in originals]
    mean = float(np.mean(list(recalls.values())))
    false = float(found(natural).sum())
    chance = 1 - np.prod([1 - candidate_chance(pairs) for pairs in natural], axis=0)
    unrelated = chance.sum() / (len(texts) * (len(texts) - 1) / 2)
    size = sum(len(grain.hashes) for grain in originals) / len(texts)
    cells = " ".join(f"{value:.3f}" for value in recalls.values())
    precision = mean * len(texts) / (mean * len(texts) + false)
    print(f"{name:26} {cells} | R {mean:.4f} P {precision:.3f} c {unrelated:.1e} | {size:.0f} shingles")


def compare(title: str, documents: list[list[str]], joint: str, rules: dict[str, ShingleRule]) -> None:
    """Print a block: the rules on these tokenised documents and their edited copies."""
    rng = random.Random(1)
    vocabulary = [token for document in documents for token in document]
    texts = [joint.join(document) for document in documents]
    copies = {
        name: [joint.join(edit(document, rng, vocabulary)) for document in documents] for name, edit in EDITS.items()
    }
    print(f"\n{title}: {len(texts)} texts\n{'':26} " + " ".join(f"{name:5.5}" for name in EDITS))
    for name, rule in rules.items():
        report(name, texts, copies, rule)


def read_english() -> list[str]:
    """Return banking questions, SMS, YouTube comments, review sentences and whole reviews."""
    with (DATA / "intents_banking77" / "train.csv").open(encoding="utf-8") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    for folder in ("spam_sms", "spam_youtube"):
        with gzip.open(DATA / folder / "train.jsonl.gz", "rt", encoding="utf-8") as rows:
            texts += [json.loads(row)["text"] for row in rows]
    for name in ("sentence_polarity", "movie_reviews"):
        with zipfile.ZipFile(DATA / "reviews_en" / f"{name}.zip") as archive:
            for member in archive.namelist():
                if member.endswith((".txt", ".pos", ".neg")) and "README" not in member:
                    body = archive.read(member).decode("latin-1")
                    texts += body.splitlines() if name == "sentence_polarity" else [body]
    return texts


def english_documents(shortest: int, longest: int, most: int) -> list[list[str]]:
    """Return texts of so many words; longer ones are cut to a random length in that range."""
    rng = random.Random(f"{shortest}-{longest}")
    documents = [words for text in read_english() if len(words := text.split()) >= shortest]
    cut = [words[: rng.randint(shortest, longest)] for words in documents]
    return rng.sample(cut, min(most, len(cut)))


def read_language(language: str) -> list[str]:
    with gzip.open(DATA / "language_sentences" / "sentences.jsonl.gz", "rt", encoding="utf-8") as rows:
        return [row["text"] for row in map(json.loads, rows) if row["language"] == language]


def joined(texts: list[str], least: int, token: str) -> list[list[str]]:
    """Return documents of at least `least` characters of joined texts, cut into tokens by a pattern."""
    documents, current = [], ""
    for text in texts:
        current += " " + text
        if len(current) >= least:
            documents.append(re.findall(token, re.sub(r"\s+", " ", current)))
            current = ""
    return documents


def mixed_documents(share: float) -> list[list[str]]:
    """Return Chinese comments of 15-110 units in which a share of the units are English words."""
    rng = random.Random(f"mixed {share}")
    words = [word for text in read_english()[:3000] for word in re.findall("[a-z]+", text.lower())]
    with gzip.open(DATA / "offensive_zh" / "train.csv.gz", "rt", encoding="utf-8") as rows:
        texts = [re.findall("[\u4e00-\u9fff]", row["TEXT"]) for row in csv.DictReader(rows)]
    texts = [text[:110] for text in texts if len(text) >= 15][:2000]
    return [[f" {rng.choice(words)} " if rng.random() < share else char for char in text] for text in texts]


def report_speed() -> None:
    """Print CPU microseconds a document: 4,000 pieces of 1,100 characters, best of 3."""
    text = " ".join(read_english())
    pieces = [text[i : i + 1100] for i in range(0, 4_400_000, 1100)]
    batch = pa.RecordBatch.from_pydict({"document_id": [str(i) for i in range(len(pieces))], "text": pieces})
    rule = ShingleRule()
    coarse = shingle(pieces, rule)[1]
    signed = signatures(coarse)
    steps: dict[str, Callable[[], object]] = {
        "fold_digest": lambda: [fold_digest(piece) for piece in pieces],
        "shingle": lambda: shingle(pieces, rule),
        "signatures": lambda: signatures(coarse),
        "band_keys": lambda: band_keys(signed),
        "sign_batches": lambda: list(sign_batches(iter([batch]), rule)),
    }
    print(f"\n{len(coarse.hashes) / len(pieces):.0f} shingles a document")
    for name, step in steps.items():
        seconds = []
        for _ in range(3):
            begin = time.process_time()
            step()
            seconds.append(time.process_time() - begin)
        print(f"{name:14} {min(seconds) / len(pieces) * 1e6:5.1f} us")


def main() -> None:
    if not DATA.is_dir():
        print(f"skipped: needs the data sets in {DATA}")
        return
    report_speed()
    default = ShingleRule()
    bands = {
        "characters only": EVERY_FINE, "hard cut 40": (40, 40), "30-40": (30, 40), "30-50": (30, 50),
        "40-50": (40, 50), "40-60": (40, 60), "40-80": (40, 80), "60-80": (60, 80), "60-100": (60, 100),
    }  # fmt: skip
    rules = {name: replace(default, overlap_spaced=band) for name, band in bands.items()}
    rules["words only"] = replace(default, overlap_spaced=EVERY_COARSE)
    rules["5 words (peers)"] = ShingleRule.words(5)
    for limits in ((10, 20), (20, 30), (30, 40), (40, 50), (50, 60), (60, 80), (80, 120), (10, 120)):
        compare(f"English, {limits[0]}-{limits[1]} words", english_documents(*limits, most=2000), " ", rules)
    for share in (0.1, 0.3, 0.5, 0.7):
        compare(f"Chinese with {share:.0%} English words", mixed_documents(share), "", {"default": default})
    # Edits of Thai and Japanese act on pieces of about a word; no piece begins with a Thai mark.
    tokens = {"th": ".{1,4}[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*", "ja": "..?", "ko": r"\S+"}
    for language, token in tokens.items():
        rules = {
            f"fine {length}": replace(default, fine_unspaced=length, fine_syllables=length) for length in (2, 3, 4, 5)
        }
        rules["default"] = default
        rules["fine 3, every length"] = replace(
            default, fine_unspaced=3, fine_syllables=3, overlap_unspaced=EVERY_FINE, overlap_spaced=EVERY_FINE
        )
        for least in (1, 300, 3000):
            documents = joined(read_language(language), least, token)
            joint = " " if language == "ko" else ""
            compare(f"{language}, at least {least} characters", documents, joint, rules)


if __name__ == "__main__":
    main()
