"""Heads against scikit-learn's own answers and against numbers worked by hand."""

import numpy as np
import pytest

from udfs import heads
from udfs.heads import (
    Head,
    OneClassError,
    calibration_error,
    fit_head,
    folds_of,
    goodness,
    out_of_fold,
    probabilities,
    trust,
)

linear_model = pytest.importorskip("sklearn.linear_model", reason="needs sluice-sft[models]")


def clouds(classes: int, each: int, seed: int = 1) -> tuple[np.ndarray, list[str]]:
    draw = np.random.default_rng(seed)
    middles = 3 * draw.normal(size=(classes, 4))
    places = np.repeat(np.arange(classes), each)
    return middles[places] + draw.normal(size=(len(places), 4)), [f"c{place}" for place in places]


@pytest.mark.parametrize("classes", [2, 3])
def test_arrays_say_what_the_fitted_model_says(classes: int) -> None:
    features, labels = clouds(classes, 30)
    head = fit_head(features, labels)
    model = linear_model.LogisticRegression(max_iter=1_000).fit(features, labels)
    assert head.classes == tuple(model.classes_)
    np.testing.assert_allclose(probabilities(head, features), model.predict_proba(features), atol=1e-9)


def test_one_class_is_nothing_to_learn() -> None:
    with pytest.raises(OneClassError, match="expected two labels or more to learn from, found 1"):
        fit_head(np.zeros((3, 2)), ["a", "a", "a"])


def test_loss_and_margin_by_hand() -> None:
    found = trust(np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.7, 0.2, 0.1]]), ["a", "b", "c"], ["a", "b", "new"])
    assert found.margin == pytest.approx([0.5, -0.5, -0.7])
    assert found.loss[:2] == pytest.approx([-np.log(0.7), -np.log(0.2)]) and found.loss[2] > 20


def test_no_row_is_judged_by_a_head_that_saw_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(2, 20)
    groups = [f"{number % 10:08x}aa" for number in range(40)]
    folds = folds_of(groups, 5)
    assert all(len({int(folds[at]) for at in range(40) if groups[at] == group}) == 1 for group in groups)
    seen: list[int] = []

    def fit(rows: np.ndarray, known: list[str], strength: float = 1.0) -> Head:
        seen.append(len(rows))
        return fit_head(rows, known, strength)

    monkeypatch.setattr(heads, "fit_head", fit)
    fitted, judged = out_of_fold(features, labels, folds)
    assert sorted(fitted) == [0, 1, 2, 3, 4] and seen == [32] * 5
    for fold in range(5):
        inside = folds == fold
        known = np.asarray(labels)
        alone = fit_head(features[~inside], list(known[~inside]))
        expected = trust(probabilities(alone, features[inside]), alone.classes, list(known[inside]))
        assert judged.margin[inside] == pytest.approx(expected.margin)


def test_a_fold_that_leaves_one_class_gives_no_number() -> None:
    _, judged = out_of_fold(np.array([[0.0], [1.0], [2.0]]), ["a", "b", "b"], np.array([0, 1, 1]))
    assert np.isnan(judged.margin).all()


def test_goodness_by_hand() -> None:
    found = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.6, 0.4]])
    values = goodness(found, ["no", "yes"], ["no", "no", "yes", "yes"])
    assert values["accuracy"] == 0.75 and values["auroc"] == 1
    assert values["f1"] == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)
    assert values["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.4]).mean())
    assert values["calibration_error"] == pytest.approx((0.1 + 0.2 + (1.2 - 1)) / 4)


def test_calibration_of_what_is_always_sure() -> None:
    assert calibration_error(np.ones(4), np.array([True, True, False, False])) == pytest.approx(0.5)
    assert calibration_error(np.zeros(0), np.zeros(0, np.bool_)) == 0
