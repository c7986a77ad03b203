import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent.losses import bce_with_logits, entropy, logit, mse, sigmoid

LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3
TARGET = np.random.default_rng(1).uniform(size=(5, 3))


def test_by_hand():
    z, y = np.array([0.0, math.log(3), math.log(3)]), np.array([0.5, 1.0, 0.0])
    value, gradient = bce_with_logits(z, y, reduction="none")
    assert value == pytest.approx([math.log(2), math.log(4 / 3), math.log(4)])
    assert gradient == pytest.approx([0.0, -0.25, 0.75])
    value, gradient = bce_with_logits(z, y, weight=2, pos_weight=3, reduction="none")
    assert value == pytest.approx([4 * math.log(2), 6 * math.log(4 / 3), 2 * math.log(4)])
    assert gradient == pytest.approx([0.5 - 1.5, -1.5, 1.5])


def test_small_losses_keep_their_digits():
    value, gradient = bce_with_logits(np.array([40.0, -40.0]), np.array([1.0, 0.0]))
    assert value == pytest.approx(math.exp(-40), rel=1e-12)
    assert gradient == pytest.approx([-math.exp(-40) / 2, math.exp(-40) / 2], rel=1e-12)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weight", [None, 0.5, np.array([1.0, 0.0, 3.0]), TARGET * 2])
@pytest.mark.parametrize("pos_weight", [None, 2.0, np.array([5.0, 0.0, 0.5])])
def test_agrees_with_pytorch(agrees, weight, pos_weight, reduction):
    options = {"weight": weight, "pos_weight": pos_weight}
    given = {k: torch.tensor(v) for k, v in options.items() if v is not None}
    agrees(
        bce_with_logits(LOGITS, TARGET, **options, reduction=reduction),
        lambda z: F.binary_cross_entropy_with_logits(
            z, torch.tensor(TARGET), **given, reduction=reduction
        ),
        LOGITS,
    )


def test_a_weight_for_each_place_of_the_last_axis():
    z, y, weight = LOGITS[None], TARGET[None], np.array([1.0, 0.0, 3.0])
    value, _ = bce_with_logits(z, y, weight=weight, reduction="none")
    assert np.array_equal(value, weight * bce_with_logits(z, y, reduction="none")[0])


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
@pytest.mark.parametrize(
    "shape", [(), (1,), (3, 1, 1), (4, 5), (3, 1, 5), (1, 3, 1, 1), (2, 1, 1, 1), (2, 3, 4, 5)]
)
def test_weights_of_shapes_that_broadcast(agrees, name, shape):
    rng = np.random.default_rng(2)
    z, y, factor = rng.normal(size=(2, 3, 4, 5)), rng.uniform(size=(2, 3, 4, 5)), rng.random(shape)
    agrees(
        bce_with_logits(z, y, **{name: factor}),
        lambda z: F.binary_cross_entropy_with_logits(
            z, torch.tensor(y), **{name: torch.tensor(factor)}
        ),
        z,
    )


@pytest.mark.parametrize(("z", "ratio"), [(4, 56.6), (10, 22028)])
def test_squared_error_of_a_sigmoid_learns_slowly(z, ratio):
    z, y = np.array([float(z)]), np.zeros(1)
    a = sigmoid(z)
    of_bce = bce_with_logits(z, y)[1]
    of_half_mse = mse(a, y)[1] / 2 * a * (1 - a)
    assert of_bce / of_half_mse == pytest.approx(ratio, rel=1e-3)
    assert of_bce / of_half_mse == pytest.approx(1 / (a * (1 - a)), rel=1e-10)


def test_a_prior_bias_starts_at_the_entropy():
    y = np.zeros(100)
    y[:7] = 1
    value, gradient = bce_with_logits(np.full(100, float(logit(0.07))), y)
    assert value == pytest.approx(float(entropy(np.array([0.07, 0.93]))), rel=1e-12)
    assert gradient.sum() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("bad", "message"),
    [(-0.01, r"lie in \[0, 1\]"), (1.01, r"lie in \[0, 1\]"), (np.nan, "be finite")],
)
def test_refuses_targets_that_are_no_probabilities(bad, message):
    target = TARGET.copy()
    target[1, 2] = bad
    with pytest.raises(ValueError, match=rf"target must {message}, got {bad} at index \(1, 2\)"):
        bce_with_logits(LOGITS, target)


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (np.ones(5), r"must be a number or have a shape that broadcasts to \(5, 3\), got \(5,\)"),
        (np.ones((2, 3)), r"must be .* that broadcasts to \(5, 3\), got \(2, 3\)"),
        (np.ones((1, 5, 3)), r"must be .* that broadcasts to \(5, 3\), got \(1, 5, 3\)"),
        (np.ones((4, 5, 3)), r"must be .* that broadcasts to \(5, 3\), got \(4, 5, 3\)"),
        (-1, "must be finite and ≥ 0, got -1"),
        (np.inf, "must be finite and ≥ 0, got inf"),
    ],
)
def test_refuses_weights(name, factor, message):
    with pytest.raises(ValueError, match=f"{name} {message}"):
        bce_with_logits(LOGITS, TARGET, **{name: factor})
