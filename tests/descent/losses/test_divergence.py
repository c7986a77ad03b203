import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent.gradient_check import relative_error
from descent.losses import cross_entropy, entropy, kl_div, log_softmax

P = np.random.default_rng(0).dirichlet(np.ones(4), size=5)
Q = np.random.default_rng(1).dirichlet(np.ones(4), size=5)
REDUCTIONS = ["none", "mean", "batchmean", "sum"]


def test_entropy_by_hand():
    p = np.array([[0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    assert entropy(p) == pytest.approx([math.log(2), math.log(4), 0])
    assert entropy(p[:2].T, 0) == pytest.approx([math.log(2), math.log(4)])
    assert entropy(p.astype(np.float32)).dtype == np.float32


no_probabilities = pytest.mark.parametrize(
    ("bad", "message"),
    [(-0.1, r"lie in \[0, 1\]"), (1.1, r"lie in \[0, 1\]"), (np.nan, "be finite")],
)


@no_probabilities
def test_entropy_refuses(bad, message):
    with pytest.raises(ValueError, match=rf"p must {message}, got {bad} at index \(1,\)"):
        entropy(np.array([0.5, bad]))


def test_entropy_refuses_integers():
    with pytest.raises(TypeError, match=r"^p must be float32 or float64, got int64"):
        entropy(np.array([1, 0]))


def test_by_hand():
    p, q = np.array([[0.5, 0.25, 0.25, 0.0]]), np.full((1, 4), 0.25)
    value, gradient = kl_div(np.log(q), p, reduction="none")
    assert value.ravel() == pytest.approx([math.log(2) / 2, 0, 0, 0])
    assert gradient.ravel() == pytest.approx([-0.5, -0.25, -0.25, 0])
    assert kl_div(np.log(q), p)[0] == pytest.approx(math.log(2) / 8)
    assert kl_div(np.log(q), p, reduction="batchmean")[0] == pytest.approx(math.log(2) / 2)
    # The other way round it is another number: ln 2 is paid by outcomes that p excludes.
    p = np.array([[0.5, 0.5]])
    q = np.array([[0.25, 0.75]])
    forward = kl_div(np.log(q), p, reduction="sum")[0]
    backward = kl_div(np.log(p), q, reduction="sum")[0]
    assert forward == pytest.approx(math.log(4 / 3) / 2)
    assert backward == pytest.approx(0.75 * math.log(3) - math.log(2))


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # PyTorch's own
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 2), (20,)])
def test_agrees_with_pytorch(agrees, log_target, reduction, shape):
    log_q, p = np.log(Q).reshape(shape), P.reshape(shape).copy()
    p.flat[3] = 0
    with np.errstate(divide="ignore"):
        target = np.log(p) if log_target else p
    if log_target:
        target.flat[3] = -800  # PyTorch yields nan for −inf
    options = {"reduction": reduction, "log_target": log_target}
    agrees(
        kl_div(log_q, target, **options),
        lambda x: F.kl_div(x, torch.tensor(target), **options),
        log_q,
    )


def test_a_logarithm_of_zero_costs_nothing():
    target = np.array([[0.0, -np.inf]])
    value, gradient = kl_div(np.log(np.array([[0.5, 0.5]])), target, log_target=True)
    assert value == pytest.approx(math.log(2) / 2)
    assert gradient.tolist() == [[-0.5, 0]]


def test_mean_is_not_the_divergence():
    batchmean, _ = kl_div(np.log(Q), P, reduction="batchmean")
    mean, _ = kl_div(np.log(Q), P, reduction="mean")
    true = sum(p * math.log(p / q) for p, q in zip(P.ravel(), Q.ravel(), strict=True)) / 5
    assert batchmean == pytest.approx(true, rel=1e-12)
    assert batchmean / mean == pytest.approx(4, rel=1e-14)


def test_cross_entropy_is_entropy_plus_divergence():
    logits = np.random.default_rng(2).normal(size=(5, 4))
    divergence, _ = kl_div(log_softmax(logits), P, reduction="batchmean")
    total, _ = cross_entropy(logits, P)
    assert relative_error(total, entropy(P).mean() + divergence) < 1e-14


@pytest.mark.parametrize(
    ("bad", "message"), [(0.1, "hold log-probabilities, which are ≤ 0"), (np.nan, "be finite")]
)
@pytest.mark.parametrize("name", ["log_probability", "target"])
def test_refuses_what_is_no_logarithm_of_a_probability(name, bad, message):
    arrays = {"log_probability": np.log(Q), "target": np.log(P)}
    arrays[name][2, 1] = bad
    with pytest.raises(ValueError, match=rf"{name} must {message}, got {bad} at index \(2, 1\)"):
        kl_div(**arrays, log_target=True)


def test_rounding_is_let_through():
    value, _ = kl_div(np.array([[1e-7]]), np.array([[1.0]]))
    assert value == -1e-7


@no_probabilities
def test_refuses_targets_that_are_no_probabilities(bad, message):
    target = P.copy()
    target[2, 1] = bad
    with pytest.raises(ValueError, match=rf"target must {message}, got {bad} at index \(2, 1\)"):
        kl_div(np.log(Q), target)


def test_refuses_a_logarithm_of_zero():
    log_q = np.log(Q)
    log_q[2, 1] = -np.inf
    with pytest.raises(ValueError, match=r"log_probability must be finite, got -inf at .*\(2, 1\)"):
        kl_div(log_q, P)


@pytest.mark.parametrize("log_target", [False, True])
def test_a_logarithm_of_zero_where_the_target_is_zero(log_target):
    """PyTorch's gradient is the same; its value is 0 · ∞ = nan."""
    q = np.array([[0.5, 0.0, 0.5], [0.25, 0.25, 0.5]])
    p = np.array([[0.25, 0.0, 0.75], [0.5, 0.0, 0.5]])
    with np.errstate(divide="ignore"):
        log_q, target = np.log(q), np.log(p) if log_target else p
    value, gradient = kl_div(log_q, target, reduction="sum", log_target=log_target)
    log_q[0, 1] = -5.0
    assert value == kl_div(log_q, target, reduction="sum", log_target=log_target)[0]
    assert gradient == pytest.approx(-p)


def test_refuses_an_unknown_reduction():
    with pytest.raises(ValueError, match="must be one of 'none', 'mean', 'sum', 'batchmean', got"):
        kl_div(np.log(Q), P, reduction="batch")
