import numpy as np
import pytest
from sklearn.linear_model import Ridge

from descent.gradient_check import relative_error
from descent.regularization import ridge, ridge_filter


@pytest.mark.parametrize("shape", [(20, 3), (3, 20)])
def test_ridge_agrees_with_scikit_learn(shape):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=shape), rng.normal(size=shape[0])
    expected = Ridge(alpha=0.7, fit_intercept=False).fit(x, y).coef_
    assert relative_error(ridge(x, y, 0.7), expected) < 1e-10
    assert relative_error(ridge(x, y, np.full(shape[1], 0.7)), expected) < 1e-10
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    filtered = vt.T @ (ridge_filter(s, 0.7) / s * (u.T @ y))
    assert relative_error(filtered, expected) < 1e-10


def test_ridge_with_a_strength_for_each_feature_makes_its_gradient_vanish():
    rng = np.random.default_rng(3)
    x, y, strength = rng.normal(size=(9, 3)), rng.normal(size=9), np.array([0.1, 1.0, 10.0])
    w = ridge(x, y, strength)
    assert np.allclose(x.T @ (x @ w - y) + strength * w, 0, atol=1e-12)
    assert ridge(x.astype(np.float32), y.astype(np.float32), strength).dtype == np.float32


@pytest.mark.parametrize(
    ("x", "y", "strength", "error", "message"),
    [
        (np.ones(3), np.ones(3), 1.0, ValueError, r"\(N, D\) and y \(N,\), but x has shape \(3,\)"),
        (np.ones((3, 2)), np.ones((3, 1)), 1.0, ValueError, r"y has shape \(3, 1\)"),
        (np.ones((3, 2)), np.ones(2), 1.0, ValueError, r"y has shape \(2,\)"),
        (np.ones((3, 2)), np.ones(3), np.ones(3), ValueError, r"shape \(2,\), got shape \(3,\)"),
        (np.ones((3, 2)), np.ones(3), 0.0, ValueError, "strength must be finite and > 0, got 0"),
        (np.ones((3, 2)), np.ones(3), [1, np.inf], ValueError, "strength must be finite and > 0"),
        (np.ones((3, 2), int), np.ones(3), 1.0, TypeError, "x must be float32 or float64"),
    ],
)
def test_ridge_refuses_bad_input(x, y, strength, error, message):
    with pytest.raises(error, match=message):
        ridge(x, y, strength)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[3e19], [1.0]], [1.0, 1.0], r"^x must be finite and small enough.*large as 3e\+19"),
        ([[1e19], [1.0]], [1e20, 1.0], r"^x or y must be finite and small enough.*as 1e\+20"),
        ([[np.nan], [1.0]], [1.0, 1.0], "^x must be finite"),
        ([[1.0], [1.0]], [np.inf, 1.0], "^x or y must be finite"),
    ],
)
def test_ridge_refuses_what_cannot_be_squared(x, y, message):
    with pytest.raises(ValueError, match=message):
        ridge(np.array(x, np.float32), np.array(y, np.float32), 1.0)
