from fractions import Fraction
from math import ceil

import numpy as np
import pytest

from descent.evaluation import conformal_quantile


@pytest.mark.parametrize("alpha", ["0.01", "0.05", "0.1", "0.29", "0.3", "0.57", "0.9"])
def test_is_the_rank_of_the_definition(alpha):
    # As floats, ⌈(n + 1)(1 − α)⌉ is one too many for α = .57 and n = 99.
    for n in range(1, 200):
        scores = np.random.default_rng(n).permutation(n) + 1.0
        k = ceil((n + 1) * (1 - Fraction(alpha)))
        quantile = conformal_quantile(scores, float(alpha))
        assert quantile == (k if k <= n else np.inf)
        assert type(quantile) is float


def test_new_scores_stay_below_it_as_often_as_was_promised():
    rng = np.random.default_rng(0)
    n, alpha, repeats = 19, 0.1, 5000
    covered = np.mean(
        [new <= conformal_quantile(old, alpha) for *old, new in rng.exponential(size=(repeats, 20))]
    )
    k = 18
    assert covered == pytest.approx(k / (n + 1), abs=4 * np.sqrt(0.09 / repeats))


def test_ties_infinite_scores_and_float32():
    scores = np.array([np.inf, 1.0, 1.0, 2.0], np.float32)
    assert conformal_quantile(scores, 0.4) == 2.0
    assert conformal_quantile(scores, 0.6) == 1.0
    assert conformal_quantile(scores, np.float64(0.2)) == np.inf


@pytest.mark.parametrize(
    ("scores", "alpha", "error", "message"),
    [
        (np.ones((3, 1)), 0.1, ValueError, r"scores must have shape \(n,\), got \(3, 1\)"),
        (np.ones(0), 0.1, ValueError, "scores is empty"),
        (np.array([1.0, np.nan]), 0.1, ValueError, "scores must not be nan, got 1 entries nan"),
        (np.ones(3), 0.0, ValueError, "alpha must be finite and > 0 and < 1, got 0"),
        (np.ones(3), 1.0, ValueError, "alpha must be finite and > 0 and < 1, got 1"),
        (np.array([1, 2]), 0.1, TypeError, "scores must be float32 or float64"),
    ],
)
def test_bad_input(scores, alpha, error, message):
    with pytest.raises(error, match=message):
        conformal_quantile(scores, alpha)
