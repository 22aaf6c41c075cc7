"""What sets the texts of a cluster apart, in words: class-based tf-idf (Grootendorst, BERTopic, 2022, section 3.3)."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

HAN = re.compile("[\u3400-\u9fff]")
WORD = re.compile(r"[^\W\d_]{3,}")
LEAST_HAN = 2
# A term that more clusters than these share tells them not apart; nor is a term of fewer texts one.
MOST_CLUSTERS, LEAST_TEXTS = 0.5, 2


def terms_of(text: str) -> list[str]:
    """Words in small letters: of Chinese those of two characters or more as jieba cuts them, else of three letters."""
    words = text.lower()
    if not HAN.search(words):
        return WORD.findall(words)
    import rjieba  # its dictionary takes a moment to load

    return [word for word in rjieba.cut(words) if (len(word) >= LEAST_HAN if HAN.match(word) else WORD.fullmatch(word))]


def cluster_terms(texts: Sequence[str], clusters: NDArray[np.int32], k: int, most: int) -> list[list[str]]:
    """At most `most` terms of each of the k clusters, the most telling first.

    texts [n], clusters: number of each text's cluster, 0 to k - 1."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=terms_of, min_df=min(LEAST_TEXTS, len(texts)), dtype=np.float64)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # no term at all
        return [[] for _ in range(k)]
    ones = np.ones(len(texts))
    members = sparse.csr_array((ones, (clusters, np.arange(len(texts)))), (k, len(texts)))
    weights = _class_tf_idf((members @ counts).tocsr())
    names = counter.get_feature_names_out()
    return [_best(weights[[number]], names, most) for number in range(k)]


def _class_tf_idf(counts: sparse.csr_array) -> sparse.csr_array:
    """Share of a term in its cluster times log(1 + words of a cluster on average / times the term stands anywhere)."""
    k = counts.shape[0]
    total = np.asarray(counts.sum(axis=0)).ravel()
    clusters_with = np.asarray((counts > 0).sum(axis=0)).ravel()
    is_common = (clusters_with > max(1, MOST_CLUSTERS * k)) if k > 1 else np.zeros(len(total), np.bool_)
    rarity = np.where(is_common, 0, np.log1p(total.sum() / k / np.maximum(total, 1)))
    lengths = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    return counts.multiply(rarity[None, :]).multiply(1 / lengths[:, None]).tocsr()


def _best(row: sparse.csr_array, names: NDArray[np.object_], most: int) -> list[str]:
    """The terms of the greatest weights; equal ones in order of the alphabet."""
    found = [(-weight, names[at]) for at, weight in zip(row.indices, row.data, strict=True) if weight > 0]
    return [str(name) for _, name in sorted(found)[:most]]
