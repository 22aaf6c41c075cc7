"""Terms of clusters, by hand."""

import numpy as np
import pytest

from udfs.cluster_terms import cluster_terms, terms_of

pytest.importorskip("sklearn", reason="needs sluice-sft[models]")


def test_words_of_both_languages() -> None:
    assert terms_of("My CARD was stolen in 2024, on a bus!") == ["card", "was", "stolen", "bus"]
    assert terms_of("这家酒店的早餐非常好，wifi很快") == ["这家", "酒店", "早餐", "非常", "wifi", "很快"]
    assert terms_of("12 !?") == []


def test_what_a_cluster_has_alone_comes_first_and_what_all_have_never() -> None:
    texts = [
        "the card was lost",
        "the card was stolen",
        "the loan was late",
        "the loan was paid",
        "the card and the loan",
        "the weather",
        "the weather today",
    ]
    clusters = np.array([0, 0, 1, 1, 1, 2, 2], np.int32)
    # card stands in two of three clusters, "was" too, "the" in all: none tells them apart
    assert cluster_terms(texts, clusters, 3, most=2) == [[], ["loan"], ["weather"]]
    assert cluster_terms(texts[:4], clusters[:4], 2, most=1) == [["card"], ["loan"]]


def test_one_cluster_has_its_commonest_terms_and_no_text_none() -> None:
    texts = ["red red green", "red green", "red blue"]
    assert cluster_terms(texts, np.zeros(3, np.int32), 1, most=2) == [["red", "green"]]
    assert cluster_terms(["1", "2"], np.zeros(2, np.int32), 1, most=2) == [[]]
    assert cluster_terms(["word"], np.zeros(1, np.int32), 1, most=2) == [["word"]]
