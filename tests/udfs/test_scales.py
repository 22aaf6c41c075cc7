"""Scales by hand, and what must hold of every one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from udfs.scales import Better, fit_scale, scaled


def shares(fitted: list[float], values: list[float], better: Better = "high") -> list[float]:
    return [float(one) for one in scaled(fit_scale(np.array(fitted, float), better), np.array(values, float))]


def test_a_value_becomes_the_share_below_it() -> None:
    evenly = [float(n) for n in range(101)]
    assert shares(evenly, [0, 25, 50, 99.5, 100]) == pytest.approx([0, 0.25, 0.5, 0.995, 1])
    assert shares(evenly, [-5, 1_000]) == [0, 1], "beyond what was seen"
    assert shares(evenly, [0, 25, 100], "low") == pytest.approx([1, 0.75, 0])


def test_a_band_is_best_in_the_upper_middle() -> None:
    evenly = [float(n) for n in range(101)]
    assert shares(evenly, [0, 25, 50, 70, 85, 92.5, 100], "band") == pytest.approx([0, 0.5, 1, 1, 1, 0.5, 0])


def test_equal_values_are_in_the_middle_of_their_place() -> None:
    assert shares([7, 7, 7], [7]) == [0.5] and shares([3], [3]) == [0.5]
    half = [0.0] * 50 + [1.0] * 51  # a flag: the lower half is 0
    low, high = shares(half, [0, 1])
    assert low == pytest.approx(0.245, abs=0.01) and high == pytest.approx(0.75, abs=0.01)


values = arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6))


@settings(deadline=None)
@given(values, values)
def test_scales_keep_the_order_and_stay_within(fitted: np.ndarray, given_values: np.ndarray) -> None:
    found = scaled(fit_scale(fitted, "high"), np.sort(given_values))
    assert found.min() >= 0 and found.max() <= 1 and (np.diff(found) >= -1e-12).all()
    low = scaled(fit_scale(fitted, "low"), np.sort(given_values))
    assert np.allclose(low, 1 - found)
    band = scaled(fit_scale(fitted, "band"), given_values)
    assert band.min() >= 0 and band.max() <= 1
