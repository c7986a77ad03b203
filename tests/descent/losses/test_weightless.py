"""What has no weight costs nothing, whatever stands there: 0 · ∞ is 0."""

import numpy as np
import pytest

from descent.losses import (
    bce_with_logits,
    cross_entropy,
    focal,
    kl_div,
    multi_margin,
    nll,
    poisson_nll,
    softmax_focal,
)

LABELS = np.array([0, 2, 1, 0])
WEIGHT = np.array([1.0, 2.0, 0.0])  # the second row does not count
BINARY = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
BY_ROW = np.array([[1.0], [0.0], [0.5], [2.0]])
CASES = {
    "cross_entropy": lambda z: cross_entropy(z, LABELS, weight=WEIGHT),
    "cross_entropy, ignored": lambda z: cross_entropy(z, LABELS, ignore_index=2),
    "cross_entropy, smoothed and ignored": lambda z: cross_entropy(
        z, LABELS, ignore_index=2, label_smoothing=0.1
    ),
    "nll": lambda z: nll(z, LABELS, weight=WEIGHT),
    "nll, ignored": lambda z: nll(z, LABELS, ignore_index=2),
    "softmax_focal": lambda z: softmax_focal(z, LABELS, weight=WEIGHT),
    "multi_margin": lambda z: multi_margin(z, LABELS, weight=WEIGHT),
    "bce_with_logits": lambda z: bce_with_logits(z, BINARY, weight=BY_ROW),
    "focal": lambda z: focal(z, np.array([[1], [0], [1], [1]]) + 0 * BINARY, alpha=1),
}


@pytest.mark.parametrize(
    ("name", "poison"),
    [
        (name, poison)
        for name in CASES
        for poison in ([-np.inf] if name.startswith("nll") else [-np.inf, np.inf, np.nan])
    ],
)
def test_a_row_without_weight_may_hold_anything(name, poison):
    z = -np.random.default_rng(0).random((4, 3))
    plain, poisoned = CASES[name](z), z.copy()
    poisoned[1] = poison
    for one, other in zip(CASES[name](poisoned), plain, strict=True):
        assert np.array_equal(one, other)
    z[2] = np.nan  # this row counts
    with pytest.raises(ValueError, match="must be finite, got nan"):
        CASES[name](z)


def test_an_outcome_that_cannot_come_costs_nothing():
    z = np.array([np.inf, -np.inf, 0.0])
    y = np.array([1.0, 0.0, 1.0])
    value, gradient = bce_with_logits(z, y)
    assert np.isclose(value, np.log(2) / 3)
    assert np.allclose(gradient, [0, 0, -1 / 6])
    with pytest.raises(ValueError, match="logits must be finite, got inf"):
        bce_with_logits(z, 1 - y)
    z[0] = -np.inf
    value, gradient = bce_with_logits(z, y, pos_weight=np.array([0.0, 1.0, 1.0]))
    assert np.isclose(value, np.log(2) / 3)
    assert gradient[0] == 0
    value, gradient = poisson_nll(np.array([-np.inf, 0.0]), np.array([0.0, 1.0]))
    assert (value, gradient.tolist()) == (0.5, [0, 0])
    with pytest.raises(ValueError, match="prediction must be finite, got -inf"):
        poisson_nll(np.array([-np.inf, 0.0]), np.array([1.0, 1.0]))
    log_p = np.array([[0.0, -np.inf]])
    assert kl_div(log_p, np.array([[1.0, 0.0]]))[0] == 0
