import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.regularization import early_stopping_filter, ridge_filter


def test_filters_by_hand():
    assert ridge_filter(np.array([3.0, 0.0]), 1) == pytest.approx([0.9, 0.0], rel=1e-15)
    assert early_stopping_filter(np.array([1.0, 0.0]), lr=0.5, steps=3).tolist() == [0.875, 0.0]
    assert early_stopping_filter(np.array([1.0]), lr=1.9, steps=0).tolist() == [0.0]
    for s in (ridge_filter(np.ones(1, np.float32), np.float64(1)),):
        assert s.dtype == np.float32
    s = np.ones(1, np.float32)
    assert early_stopping_filter(s, lr=np.float64(0.1), steps=2).dtype == np.float32


def test_early_stopping_filter_is_gradient_descent():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=8)
    w = np.zeros(3)
    for _ in range(5):
        w -= 0.05 * x.T @ (x @ w - y)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    filtered = vt.T @ (early_stopping_filter(s, lr=0.05, steps=5) / s * (u.T @ y))
    assert relative_error(filtered, w) < 1e-10


def test_early_stopping_is_like_ridge_within_a_fifth():
    s = np.sqrt(np.geomspace(1e-3, 1e3, 2001))
    rate = 1e-6
    stopped = early_stopping_filter(s, lr=rate, steps=1_000_000)
    gap = np.abs(stopped - ridge_filter(s, 1.0)).max()
    assert abs(gap - 0.2036) < 5e-4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ridge_filter(np.ones(1), 0.0), ValueError, "strength must be finite and > 0"),
        (
            lambda: ridge_filter(-np.ones(1), 1.0),
            ValueError,
            "singular_values must be .*≥ 0, got -1",
        ),
        (lambda: ridge_filter(np.ones(1, int), 1.0), TypeError, "singular_values must be float32"),
        (
            lambda: early_stopping_filter(np.array([2.0, 1.0]), lr=0.5, steps=1),
            ValueError,
            "lr must be < 2 / s² = 0.5 to converge, got 0.5",
        ),
        (
            lambda: early_stopping_filter(np.ones(1), lr=0.0, steps=1),
            ValueError,
            "lr must be .*> 0",
        ),
        (
            lambda: early_stopping_filter(np.ones(1), lr=0.1, steps=-1),
            ValueError,
            "steps must be finite and ≥ 0, got -1",
        ),
        (
            lambda: early_stopping_filter(np.ones(1), lr=0.1, steps=1.5),
            TypeError,
            "steps must be an integer, got 1.5",
        ),
    ],
)
def test_filters_refuse_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_of_singular_values_whose_squares_no_float32_can_hold():
    s = np.array([3e19, 1.0, 0.0], np.float32)
    assert ridge_filter(s, 1.0) == pytest.approx([1.0, 0.5, 0.0], rel=1e-6)
    assert early_stopping_filter(s, lr=1e-39, steps=1) == pytest.approx([0.9, 0.0, 0.0], rel=1e-4)
    with pytest.raises(ValueError, match=r"lr must be < 2 / s² = 2\.2\d*e-39 to converge"):
        early_stopping_filter(s, lr=0.1, steps=1)


@pytest.mark.parametrize("s", [np.nan, np.inf])
def test_singular_values_must_be_finite(s):
    with pytest.raises(ValueError, match=f"singular_values must be finite and ≥ 0, got {s}"):
        ridge_filter(np.array([1.0, s]), 1.0)
