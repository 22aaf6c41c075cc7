"""Vectors of real sentences, and what the quantiser, the clusters and the near pairs make of them.

    .venv/bin/python -m tests.benchmarks.vectors

By hand, from the repository root, with ../shared/data beside it; some minutes on one core.  Printed: recall of the near
pairs that the quantiser's cells find of all there are, also where it was fitted on other topics; agreement of the
clusters with the intents that people gave (normalised mutual information), beside faiss on the same vectors where it is
installed; CPU seconds of k-means and of near pairs for 100,000 vectors, beside faiss.
"""

import argparse
import csv
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.runtime.model_places import find_model
from udfs import semantic_pairs
from udfs.centres import Vectors, fit_centres, nearest_centres
from udfs.embedders import EMBEDDERS, load_embedder
from udfs.semantic_pairs import Cell, near_pairs
from udfs.token_batches import answers, cut_ids

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
THRESHOLDS = (0.85, 0.9, 0.945)
PROBES = 3
MANY, CLUSTERS = 100_000, 256


def banking() -> tuple[list[str], list[str]]:
    """Questions to a bank and their intents."""
    found: list[tuple[str, str]] = []
    for name in ("train.csv", "test.csv"):
        with (DATA / "intents_banking77" / name).open(encoding="utf-8", newline="") as file:
            found += [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return [text for text, _ in found], [intent for _, intent in found]


def clinc() -> tuple[list[str], list[str]]:
    """Requests to an assistant and their intents."""
    with gzip.open(DATA / "intents_clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        parts = json.load(file)
    found = [(text, intent) for part in ("train", "val", "test") for text, intent in parts[part]]
    return [text for text, _ in found], [intent for _, intent in found]


def embedded(texts: list[str], model: str) -> Vectors:
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


def exact_pairs(vectors: Vectors, threshold: float) -> set[int]:
    """All near pairs, as one number each."""
    everything = np.ones(len(vectors), np.bool_)
    return pairs_of(Cell(np.arange(len(vectors)), vectors, everything, everything), threshold, len(vectors))


def pairs_of(cell: Cell, threshold: float, count: int) -> set[int]:
    """The near pairs of a cell, as one number each."""
    return {int(number) for pairs in near_pairs(cell, threshold) for number in pairs.left * count + pairs.right}


def routed_pairs(vectors: Vectors, centres: Vectors, threshold: float) -> set[int]:
    """The near pairs that meet in a cell of the quantiser."""
    numbers = nearest_centres(vectors, centres, PROBES)[0]
    found: set[int] = set()
    for cell in range(len(centres)):
        at, probe = np.nonzero(numbers == cell)
        rows = Cell(at, vectors[at], probe == 0, np.ones(len(at), np.bool_))
        found |= pairs_of(rows, threshold, len(vectors))
    return found


def print_recall(name: str, vectors: Vectors, labels: NDArray[np.str_]) -> None:
    """Of all near pairs, and of those of topics that came after the fit."""
    k = round(len(vectors) ** 0.5)
    names = np.unique(labels)
    early = np.isin(labels, names[: len(names) // 2])
    whole = fit_centres(vectors, k, 1, rounds=8)
    frozen = fit_centres(vectors[early], round(early.sum() ** 0.5), 1, rounds=8)
    for threshold in THRESHOLDS:
        exact = exact_pairs(vectors, threshold)
        late = {pair for pair in exact if not early[pair // len(vectors)] and not early[pair % len(vectors)]}
        hit = len(exact & routed_pairs(vectors, whole, threshold)) / max(1, len(exact))
        after = len(late & routed_pairs(vectors, frozen, threshold)) / max(1, len(late))
        print(f"{name} from {threshold:.3f}: {len(exact):,} pairs, {hit:.4f} of them found")
        print(f"  {len(late):,} of topics that came after the fit, {after:.4f} of them found")


def print_agreement(name: str, vectors: Vectors, labels: NDArray[np.str_]) -> None:
    """Normalised mutual information and purity of as many clusters as there are intents."""
    from sklearn.metrics import normalized_mutual_info_score

    k = len(np.unique(labels))
    for who, fit in (("sluice", _ours), ("faiss", _faiss)):
        spent, centres = cpu(fit, vectors, k)
        if centres is None:
            print(f"{name}: faiss is not installed")
            continue
        at = nearest_centres(vectors, centres)[0][:, 0]
        purity = sum(np.unique(labels[at == one], return_counts=True)[1].max() for one in np.unique(at)) / len(at)
        mutual = normalized_mutual_info_score(labels, at)
        print(f"{name}, {k} clusters by {who}: NMI {mutual:.4f}, purity {purity:.4f}, {spent:.1f} CPU s")


def print_speed(vectors: Vectors) -> None:
    """100,000 vectors: the real ones, mixed by twos, with some noise."""
    draw = np.random.default_rng(1)
    pairs = draw.integers(len(vectors), size=(MANY, 2))
    mixed = vectors[pairs].sum(axis=1) + 0.02 * draw.normal(size=(MANY, vectors.shape[1])).astype(np.float32)
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    for who, fit in (("sluice", _ours), ("faiss", _faiss)):
        spent, centres = cpu(fit, mixed, CLUSTERS)
        if centres is not None:
            far = float((1 - nearest_centres(mixed, centres)[1]).sum())
            title = f"k-means {MANY:,} x {mixed.shape[1]}, k {CLUSTERS}, by {who}"
            print(f"{title}: {spent:.1f} CPU s, 1 - cosine in all {far:,.0f}")
    blocks = fit_centres(mixed[:20_000], round(MANY**0.5), 1, rounds=8)
    spent, found = cpu(routed_pairs, mixed, blocks, THRESHOLDS[-1])
    print(f"near pairs of {MANY:,}: {len(found):,} in {spent:.1f} CPU s")


def cpu(work: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """CPU seconds of this process, and what came of it."""
    started = time.process_time()
    result = work(*given)
    return time.process_time() - started, result


def _ours(vectors: Vectors, k: int) -> Vectors:
    return fit_centres(vectors, k, seed=1)


def _faiss(vectors: Vectors, k: int) -> Vectors | None:
    try:
        import faiss
    except ImportError:
        return None
    model = faiss.Kmeans(vectors.shape[1], k, niter=20, spherical=True, seed=1, max_points_per_centroid=len(vectors))
    model.train(vectors)
    centres: Vectors = model.centroids / np.linalg.norm(model.centroids, axis=1, keepdims=True)
    return centres


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="use")
    model = parser.parse_args().model
    semantic_pairs.MOST_PAIRS = 1 << 40  # all are counted here
    for name, (texts, intents) in (("banking77", banking()), ("clinc150", clinc())):
        spent, vectors = cpu(embedded, texts, model)
        print(f"{name}: {len(texts):,} texts, {len(texts) / spent:,.0f} a CPU second")
        print_recall(name, vectors, np.array(intents))
        print_agreement(name, vectors, np.array(intents))
    print_speed(vectors)


if __name__ == "__main__":
    main()
