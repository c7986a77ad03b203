import math

import numpy as np
import pytest
import torch

from descent.gradient_check import relative_error
from descent.layers import Parameter
from descent.networks import MLP
from descent.optimizers import SGD, clip_grad_norm_, clip_grad_value_


def parameter(grad):
    grad = np.asarray(grad)
    return Parameter(np.zeros_like(grad), grad.copy())


def gradients(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in [(3, 4), (5,), (2, 3, 2)]]


def torch_parameters(grads):
    parameters = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in grads]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = torch.tensor(g)
    return parameters


@pytest.mark.parametrize("norm_type", [2.0, 1, 3.5, 0.5, math.inf])
@pytest.mark.parametrize("max_norm", [0, 0.1, 2.0, 1e3, math.inf])
def test_norm_agrees_with_pytorch(max_norm, norm_type):
    ours = [parameter(g) for g in gradients()]
    theirs = torch_parameters(gradients())
    total = clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert type(total) is float
    assert relative_error(total, float(expected)) < 1e-10
    for p, q in zip(ours, theirs, strict=True):
        assert relative_error(p.grad, q.grad.numpy()) < 1e-10


def test_norm_by_hand():
    p, q = parameter([[0.0, 3.0]]), parameter([4.0])
    assert clip_grad_norm_([p, q], 2.5) == 5.0
    assert np.allclose([p.grad[0, 1], q.grad[0]], [1.5 * (1 - 2e-7), 2 * (1 - 2e-7)], rtol=1e-12)


def test_norm_just_large_enough_changes_nothing():
    p = parameter([3.0, 4.0])
    for max_norm in (5.000001, 7.0):
        assert clip_grad_norm_(p, max_norm) == 5.0
        assert p.grad.tolist() == [3.0, 4.0]


def test_frozen_parameters_neither_count_nor_shrink():
    p, q = parameter([3.0, 4.0]), parameter([1e6, 1e6])
    q.requires_grad_(False)
    assert clip_grad_norm_([q, p], 2.5) == 5.0
    clip_grad_value_([q, p], 1.0)
    assert q.grad.tolist() == [1e6, 1e6]
    assert p.grad.tolist() == [1, 1]
    p.requires_grad_(False)
    assert clip_grad_norm_([q, p], 2.5) == 0
    assert p.grad.tolist() == [1, 1]


def test_only_what_the_optimizer_moves():
    net = MLP([2, 3, 2], rng=np.random.default_rng(0))
    net.flat.grad[...] = 2
    head = SGD(net[3].parameters())
    assert clip_grad_norm_(head.parameters(), 1.0) == pytest.approx(2 * math.sqrt(8))
    assert (net[1].weight.grad == 2).all()
    assert np.allclose(net[3].weight.grad, 1 / math.sqrt(8), atol=1e-6)


@pytest.mark.parametrize("scale", [3e19, 1e37])
def test_squares_that_overflow(scale):
    grads = gradients(dtype=np.float32)
    ours = [parameter((scale * g).astype(np.float32)) for g in grads]
    total = clip_grad_norm_(ours, 2.0, error_if_nonfinite=True)
    length = math.sqrt(sum(float((g.astype(float) ** 2).sum()) for g in grads))
    assert total == pytest.approx(scale * length, rel=1e-5)
    for p, g in zip(ours, grads, strict=True):
        assert np.allclose(p.grad, 2 * g / length, rtol=1e-4, atol=1e-6)


def test_gradients_keep_their_identity():
    p = parameter(np.ones((2, 3)))
    grad = p.grad
    clip_grad_norm_([p], 1.0)
    assert p.grad is grad
    assert np.allclose(grad, 1 / math.sqrt(6), atol=1e-6)


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not():
    g = gradients()[1]
    by_norm, by_value = parameter(g), parameter(g)
    clip_grad_norm_(by_norm, 0.1)
    clip_grad_value_(by_value, 0.1)

    def cosine(a):
        return a @ g / np.linalg.norm(a) / np.linalg.norm(g)

    assert cosine(by_norm.grad) == pytest.approx(1, abs=1e-14)
    assert cosine(by_value.grad) < 0.95


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    g = [np.array([1.0, bad]), np.array([2.0])]
    ours, theirs = [parameter(a) for a in g], torch_parameters(g)
    with pytest.raises(ValueError, match=f"the norm of their gradients is {bad}"):
        clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    assert ours[0].grad[0] == 1
    total = clip_grad_norm_(ours, 1.0)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    assert np.array_equal(total, float(expected), equal_nan=True)
    for p, q in zip(ours, theirs, strict=True):
        assert np.array_equal(p.grad, q.grad.numpy(), equal_nan=True)


@pytest.mark.parametrize("value", [0, 0.3, 10.0])
def test_value_agrees_with_pytorch(value):
    ours = [parameter(g) for g in gradients()]
    theirs = torch_parameters(gradients())
    assert clip_grad_value_(ours, value) is None
    torch.nn.utils.clip_grad_value_(theirs, value)
    for p, q in zip(ours, theirs, strict=True):
        assert np.array_equal(p.grad, q.grad.numpy())


def test_value_of_a_single_parameter():
    p = parameter([-5.0, 0.5, 2.0])
    clip_grad_value_(p, 1.0)
    assert p.grad.tolist() == [-1.0, 0.5, 1.0]


def test_keeps_float32():
    p = parameter(gradients(dtype=np.float32)[0])
    clip_grad_norm_([p], np.float64(0.5))
    clip_grad_value_([p], np.float64(0.1))
    assert p.grad.dtype == np.float32
    assert np.abs(p.grad).max() == np.float32(0.1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: clip_grad_norm_([], 1.0), ValueError, r"^parameters is empty"),
        (lambda p: clip_grad_norm_([p.grad], 1.0), TypeError, "parameters must hold Parameter obj"),
        (lambda p: clip_grad_norm_([p], -1.0), ValueError, "max_norm must be .* ≥ 0, got -1"),
        (lambda p: clip_grad_norm_([p], math.nan), ValueError, "max_norm must be .* got nan"),
        (lambda p: clip_grad_norm_([p], 1.0, 0), ValueError, "norm_type must be .* > 0, got 0"),
        (lambda p: clip_grad_norm_([p], 1.0, -math.inf), ValueError, "norm_type must be .* > 0"),
        (lambda p: clip_grad_value_([], 1.0), ValueError, r"^parameters is empty"),
        (lambda p: clip_grad_value_([p], -1.0), ValueError, "clip_value must be .* ≥ 0, got -1"),
    ],
)
def test_bad_input(call, error, message):
    p = parameter([3.0, 4.0])
    with pytest.raises(error, match=message):
        call(p)
    assert p.grad.tolist() == [3.0, 4.0]


def test_a_parameter_that_comes_twice_counts_once():
    once, twice = (Parameter(np.zeros(2), np.array([3.0, 4.0])) for _ in range(2))
    assert clip_grad_norm_([twice, twice], 1.0) == clip_grad_norm_([once], 1.0) == 5.0
    assert twice.grad.tolist() == once.grad.tolist()
