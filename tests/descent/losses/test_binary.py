import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent.gradient_check import relative_error
from descent.losses import bce_with_logits, entropy, logit, mse, sigmoid, softmax, softplus

LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3
TARGET = np.random.default_rng(1).uniform(size=(5, 3))


def test_sigmoid():
    z = np.array([-800.0, -40.0, -math.log(3), 0.0, math.log(3), 40.0, 800.0])
    expected = [0.0, math.exp(-40), 0.25, 0.5, 0.75, 1.0, 1.0]
    assert sigmoid(z) == pytest.approx(expected, rel=1e-14, abs=1e-300)
    assert sigmoid(z.astype(np.float32)).dtype == np.float32
    assert relative_error(sigmoid(LOGITS), torch.tensor(LOGITS).sigmoid().numpy()) < 1e-15


def test_logit_is_the_inverse():
    assert float(logit(0.5)) == 0
    assert float(logit(0.01)) == pytest.approx(-math.log(99), rel=1e-14)
    assert relative_error(logit(sigmoid(LOGITS)), LOGITS) < 1e-12
    assert logit(np.array([0.1], np.float32)).dtype == np.float32


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, 1.1, np.nan])
def test_logit_refuses(probability):
    with pytest.raises(ValueError, match="probability must lie strictly between 0 and 1, got"):
        logit(np.array([0.5, probability]))


def test_softplus():
    z = np.array([-800.0, -40.0, 0.0, math.log(3), 40.0, 800.0])
    expected = [0.0, math.exp(-40), math.log(2), math.log(4), 40.0, 800.0]
    assert softplus(z) == pytest.approx(expected, rel=1e-14, abs=1e-300)
    assert softplus(z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("function", "name"), [(sigmoid, "logits"), (softplus, "z"), (logit, "probability")]
)
def test_refuses_integers(function, name):
    with pytest.raises(TypeError, match=f"^{name} must be float32 or float64, got int64"):
        function(np.array([1]))


def test_two_class_softmax_is_a_sigmoid():
    pair = LOGITS[:, :2]
    assert np.abs(softmax(pair)[:, 1] - sigmoid(pair[:, 1] - pair[:, 0])).max() < 3e-16


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
