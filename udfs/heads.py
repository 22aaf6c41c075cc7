"""Heads: multinomial logistic regression on vectors and signals, kept as plain arrays, and how good they are.

Out-of-fold values come from a head that saw no document of the same leak group, so that a near-copy in train does not
flatter them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
HEX_DIGITS = 8
BINS = 10


class Head(NamedTuple):
    """classes: in order.  weights [c, d + 1]: the last column is what stands alone; one row for two classes."""

    classes: tuple[str, ...]
    weights: Numbers


class OneClassError(ValueError):
    """All rows have one label: there is nothing to tell apart."""


def fit_head(features: Numbers, labels: Sequence[str], strength: float = 1.0) -> Head:
    """A head of features [n, d] and labels [n].  strength: inverse of the regularisation, as scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    if len(set(labels)) < 2:
        raise OneClassError(f"expected two labels or more to learn from, found {len(set(labels))}")
    model = LogisticRegression(C=strength, max_iter=1_000).fit(features, np.asarray(labels))
    weights = np.hstack([model.coef_, model.intercept_[:, None]]).astype(np.float64)
    return Head(tuple(str(one) for one in model.classes_), weights)


def probabilities(head: Head, features: Numbers) -> Numbers:
    """The probability of every class [n, c]; rows add up to 1."""
    scores = features @ head.weights[:, :-1].T + head.weights[:, -1]
    if scores.shape[1] == 1:  # of two classes the second one's odds
        scores = np.hstack([np.zeros_like(scores), scores])
    scores -= scores.max(axis=1, keepdims=True)
    powers = np.exp(scores)
    found: Numbers = powers / powers.sum(axis=1, keepdims=True)
    return found


def folds_of(groups: Sequence[str], folds: int) -> NDArray[np.int64]:
    """The fold of each row by its leak group [n], a hexadecimal id: documents of one group are in one fold."""
    return np.array([int(group[:HEX_DIGITS], 16) % folds for group in groups], np.int64)


class Trust(NamedTuple):
    """Of each row: loss, minus the logarithm of its label's probability, from 0; margin, that probability minus the
    greatest other one, -1 to 1."""

    loss: Numbers
    margin: Numbers


def trust(found: Numbers, classes: Sequence[str], labels: Sequence[str]) -> Trust:
    """Loss and margin of labels [n] under probabilities [n, c]; a label that the head does not know has probability
    0."""
    at = {name: number for number, name in enumerate(classes)}
    places = np.array([at.get(label, -1) for label in labels])
    rows = np.arange(len(places))
    own = np.where(places >= 0, found[rows, places], 0.0)
    others = found.copy()
    others[rows[places >= 0], places[places >= 0]] = -1
    return Trust(-np.log(np.maximum(own, 1e-12)), own - others.max(axis=1))


def out_of_fold(features: Numbers, labels: Sequence[str], folds: NDArray[np.int64]) -> tuple[dict[int, Head], Trust]:
    """The head fitted without each fold, and loss and margin of every row by the one that did not see it.

    A fold whose rest has one class only gives its rows no number."""
    heads: dict[int, Head] = {}
    loss, margin = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    given = np.asarray(labels)
    for fold in np.unique(folds):
        inside = folds == fold
        if len(set(given[~inside])) > 1:
            heads[int(fold)] = head = fit_head(features[~inside], list(given[~inside]))
            found = trust(probabilities(head, features[inside]), head.classes, list(given[inside]))
            loss[inside], margin[inside] = found
    return heads, Trust(loss, margin)


def goodness(found: Numbers, classes: Sequence[str], labels: Sequence[str]) -> Mapping[str, float]:
    """accuracy, f1 (macro), log_loss, calibration_error (expected, ten bins; Guo et al., ICML 2017, section 2); and of
    two classes auroc of the second."""
    from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

    guessed = np.asarray(classes)[found.argmax(axis=1)]
    known = np.asarray(labels)
    values = {
        "accuracy": accuracy_score(known, guessed),
        "f1": f1_score(known, guessed, average="macro", labels=sorted(set(labels))),
        "log_loss": log_loss(known, found, labels=list(classes)) if set(labels) <= set(classes) else float("nan"),
        "calibration_error": calibration_error(found.max(axis=1), guessed == known),
    }
    if len(classes) == 2 and len(set(labels)) == 2:
        values["auroc"] = roc_auc_score(known == classes[1], found[:, 1])
    return {name: float(value) for name, value in values.items()}


def calibration_error(confidence: Numbers, is_right: NDArray[np.bool_]) -> float:
    """The mean difference between how sure and how right, over bins of equal width, by their rows."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sure = np.bincount(bins, weights=confidence, minlength=BINS)
    right = np.bincount(bins, weights=is_right, minlength=BINS)
    return float(np.abs(sure - right).sum() / max(1, counts.sum()))
