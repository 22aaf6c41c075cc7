"""Calibrate from which cosine an embedder's texts say the same, on pairs that people labelled.

    .venv/bin/python -m tests.benchmarks.semantic_threshold --model use

By hand, from the repository root, with ../shared/data beside it.  Rephrased questions of GSM8K with their originals,
and sentences of HWU64 with their translations to another language and back, are pairs that say the same; each rephrased
text with the nearest original of another question is one that does not, and the hardest there is.  Printed: for each
threshold the share of same pairs found and the share of texts that would be tied to a wrong one; and the least
threshold at which at most one text in a hundred is.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.runtime.model_places import find_model
from udfs.embedders import EMBEDDERS, Vectors, load_embedder
from udfs.token_batches import answers, cut_ids

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MOST_PAIRS = 2_000
MOST_WRONG = 0.01


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The objects of a compressed file of lines."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def question(text: str) -> str:
    """What GSM8K asks, without its answer."""
    return text.removeprefix("Question:").partition("\nAnswer:")[0].strip()


def gsm8k() -> tuple[list[str], list[str]]:
    """Originals and their rephrased forms."""
    path = next((DATA / "benchmarks").glob("*gsm8k*"), None) or next((DATA / "benchmarks").rglob("*gsm8k*"))
    originals = [str(row["question"]).strip() for row in lines(str(path.relative_to(DATA)))]
    rephrased = [question(str(row["text"])) for row in lines("benchmarks_rephrased/rephrase__rephrase_gsm8k.jsonl.gz")]
    return originals, rephrased


def hwu64() -> tuple[list[str], list[str]]:
    """Sentences, and what their first translation came back as; those that came back unchanged are left out."""
    pairs = [
        (str(row["src_text"]), str(row["tgt_texts"][0])) for row in lines("augment_hwu64/back-translations.jsonl.gz")
    ]
    other = {one: two for one, two in pairs if one.casefold().strip(" .?!") != two.casefold().strip(" .?!")}
    return list(other), list(other.values())


def embedded(model: str, texts: list[str]) -> Vectors:
    """One vector for each text [n, d]."""
    found = find_model(model, EMBEDDERS)
    embedder = load_embedder(found, "cpu")
    ids = [cut_ids(one, found.max_tokens) for one in embedder.tokenize(texts)]
    places, parts = [], []
    for at, result in answers(ids, [len(one) for one in ids], 4_096, embedder.embed):
        if isinstance(result, Exception):
            raise result
        places.append(at)
        parts.append(result)
    vectors: Vectors = np.concatenate(parts)[np.argsort(np.concatenate(places))]
    return vectors


def cosines(model: str, originals: list[str], others: list[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of each other text the cosine with its own original, and with the nearest one of another text."""
    products = embedded(model, others) @ embedded(model, originals).T
    same = np.diag(products).copy()
    np.fill_diagonal(products, -1)
    return same, products.max(axis=1)


def main() -> None:
    """Print the table of each set, and the threshold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="use")
    model = parser.parse_args().model
    for name, pairs in (("gsm8k", gsm8k()), ("hwu64", hwu64())):
        originals, others = (side[:MOST_PAIRS] for side in pairs)
        same, wrong = cosines(model, originals, others)
        middle = f"median cosine {np.median(same):.3f}, with the nearest other text {np.median(wrong):.3f}"
        print(f"{model} on {name}: {len(same):,} pairs; {middle}")
        print("threshold  found  wrong")
        for threshold in np.arange(0.6, 1.0, 0.05):
            print(f"{threshold:9.2f} {np.mean(same >= threshold):6.3f} {np.mean(wrong >= threshold):6.3f}")
        least = np.quantile(wrong, 1 - MOST_WRONG)
        print(f"at most {MOST_WRONG:.0%} wrong from {least:.3f} up: {np.mean(same >= least):.3f} found\n")


if __name__ == "__main__":
    main()
