"""Scales: a score's values to [0, 1], so that weights of different scorers mean the same.

A value becomes the share of the fitted rows below it, for what is better the higher; 1 minus that for what is better
the lower; for what helps up to a point (difficulty helps up to where wrong labels begin) the share by its nearness to
a band.
"""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Better = Literal["high", "low", "band"]
KNOTS: Final = 101
# Of a band: shares of the rows between which a value is best.
BAND: Final = (0.5, 0.85)


class Scale(NamedTuple):
    """knots: the quantiles of the fitted values from least to greatest, evenly spaced.  better: which are good."""

    knots: Numbers
    better: Better


def fit_scale(values: Numbers, better: Better) -> Scale:
    """The scale of values [n] that are all numbers, n >= 1."""
    return Scale(np.quantile(values, np.linspace(0, 1, KNOTS), method="linear"), better)


def scaled(scale: Scale, values: Numbers) -> Numbers:
    """Values on the scale, 0 to 1; beyond the fitted ones as the nearest.  Of equal knots the middle counts, so that a
    score that is the same for all says the same of all: one half."""
    below = np.searchsorted(scale.knots, values, side="left")
    above = np.searchsorted(scale.knots, values, side="right")
    last = len(scale.knots) - 1
    inner = np.interp(values, *_distinct(scale.knots))
    shares = np.where(above > below, (below + above - 1) / 2 / last, inner)
    if scale.better == "high":
        return shares
    return 1 - shares if scale.better == "low" else _in_band(shares)


def _distinct(knots: Numbers) -> tuple[Numbers, Numbers]:
    """Each knot once with its mean share."""
    values, places = np.unique(knots, return_inverse=True)
    ranks = np.arange(len(knots)) / (len(knots) - 1)
    return values, np.bincount(places, weights=ranks) / np.bincount(places)


def _in_band(shares: Numbers) -> Numbers:
    """1 within the band; below it falls to 0 at the easiest, above it at the hardest."""
    low, high = BAND
    return np.clip(np.minimum(shares / low, (1 - shares) / (1 - high)), 0, 1)
