import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent.gradient_check import relative_error
from descent.losses import bce_with_logits, cross_entropy, focal, logit, softmax_focal

LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3
LABELS = np.array([0, 2, 1, 1, 0])
BINARY = (np.random.default_rng(1).uniform(size=(5, 3)) < 0.5).astype(float)


def focal_in_torch(z, y, alpha, gamma, reduction):
    """Transcribed from equations 2 to 5 of the paper, on probabilities."""
    p = torch.sigmoid(z)
    p_t = torch.where(y == 1, p, 1 - p)
    loss = -((1 - p_t) ** gamma) * torch.log(p_t)
    if alpha is not None:
        loss = loss * (alpha * y + (1 - alpha) * (1 - y))
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2, 5])
@pytest.mark.parametrize("alpha", [None, 0, 0.25, 0.9, 1])
def test_agrees_with_the_paper(agrees, alpha, gamma, reduction):
    agrees(
        focal(LOGITS, BINARY, alpha=alpha, gamma=gamma, reduction=reduction),
        lambda z: focal_in_torch(z, torch.tensor(BINARY), alpha, gamma, reduction),
        LOGITS,
    )


def softmax_focal_in_torch(z, y, gamma, weight, reduction):
    log_p = F.log_softmax(z, dim=1)[torch.arange(len(y)), y]
    loss = -weight[y] * (1 - log_p.exp()) ** gamma * log_p
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2, 5])
@pytest.mark.parametrize("weight", [None, np.array([1.0, 0.0, 2.5])])
def test_softmax_focal_agrees_with_autograd(agrees, weight, gamma, reduction):
    factors = torch.tensor(np.ones(3) if weight is None else weight)
    agrees(
        softmax_focal(LOGITS, LABELS, gamma=gamma, weight=weight, reduction=reduction),
        lambda z: softmax_focal_in_torch(z, torch.tensor(LABELS), gamma, factors, reduction),
        LOGITS,
        tolerance=1e-9,
    )


@pytest.mark.parametrize(("p", "factor"), [(0.9, 0.01), (0.968, 0.00102)])
def test_focal_factors(p, factor):
    z = np.array([float(logit(p))])
    ours, _ = focal(z, np.ones(1), alpha=None)
    plain, _ = bce_with_logits(z, np.ones(1))
    assert ours / plain == pytest.approx(factor, rel=5e-3)
    several = np.log(np.array([[p, (1 - p) / 2, (1 - p) / 2]]))
    ratio = softmax_focal(several, np.array([0]))[0] / -math.log(p)
    assert ratio == pytest.approx((1 - p) ** 2, rel=1e-10)


def test_without_focus_it_is_cross_entropy():
    ours, theirs = focal(LOGITS, BINARY, gamma=0, alpha=None), bce_with_logits(LOGITS, BINARY)
    assert relative_error(ours[0], theirs[0]) < 1e-14
    assert relative_error(ours[1], theirs[1]) < 1e-14
    ours, theirs = softmax_focal(LOGITS, LABELS, gamma=0), cross_entropy(LOGITS, LABELS)
    assert relative_error(ours[0], theirs[0]) < 1e-14
    assert relative_error(ours[1], theirs[1]) < 1e-14


def test_two_classes_are_one_logit():
    z = LOGITS[:, 0]
    pair = np.stack([np.zeros(5), z], axis=1)
    y = BINARY[:, 0]
    one, slope = focal(z, y, alpha=None)
    two, slopes = softmax_focal(pair, y.astype(int))
    assert relative_error(one, two) < 1e-14
    assert relative_error(slope, slopes[:, 1]) < 1e-13
    assert relative_error(slope, -slopes[:, 0]) < 1e-13


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_certainty(gamma):
    value, gradient = softmax_focal(np.array([[1000.0, 0.0]]), np.array([0]), gamma=gamma)
    assert value == 0
    assert gradient.tolist() == [[0, 0]]


def test_softmax_focal_refuses_a_masked_target():
    with pytest.raises(ValueError, match=r"logits must be finite, got -inf at index \(0, 1\)"):
        softmax_focal(np.array([[0.0, -np.inf, 1.0]]), np.array([1]))


def test_a_masked_target_of_weight_zero_costs_nothing():
    z = np.array([[0.0, -np.inf, 1.0], [0.0, 1.0, 2.0]])
    value, gradient = softmax_focal(z, np.array([1, 2]), weight=[1, 0, 3])
    expected = softmax_focal(z[1:], np.array([2]), weight=[1, 0, 3], reduction="sum")
    assert value == pytest.approx(expected[0] / 2)
    assert gradient[0].tolist() == [0, 0, 0]
    assert gradient[1:] == pytest.approx(expected[1] / 2)


@pytest.mark.parametrize("kind", [bool, int, np.float32])
def test_labels_of_any_kind(kind):
    assert focal(LOGITS, BINARY.astype(kind))[0] == focal(LOGITS, BINARY)[0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (2 * BINARY - 1, r"labels 0 and 1 only, got -1.0 at index \(0, 0\); \(target \+ 1\) / 2"),
        (BINARY / 2, "target must hold the labels 0 and 1 only, got 0.5"),
        (BINARY[:, 0], r"target must have shape \(5, 3\), got \(5,\)"),
    ],
)
def test_refuses_other_labels(target, message):
    with pytest.raises(ValueError, match=message):
        focal(LOGITS, target)
