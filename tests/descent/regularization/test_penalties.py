import numpy as np
import pytest
import torch

from descent.checks import NotFiniteError
from descent.gradient_check import check_gradient, relative_error
from descent.layers import Parameter
from descent.optimizers import SGD
from descent.regularization import decay_weights, elastic_net, l1, l2

W = np.random.default_rng(0).normal(size=(3, 4))


@pytest.mark.parametrize(
    ("penalty", "value", "gradient"),
    [
        (l1, 12.0, [2.0, 0.0, -2.0]),
        (l2, 20.0, [8.0, 0.0, -4.0]),
        (elastic_net, 16.0, [5.0, 0.0, -3.0]),
        (lambda w, s: elastic_net(w, s, l1_ratio=0.25), 18.0, [6.5, 0.0, -3.5]),
    ],
)
def test_penalties_by_hand(penalty, value, gradient):
    came = penalty(np.array([4.0, 0.0, -2.0]), 2.0)
    assert came[0] == value
    assert came[1].tolist() == gradient


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
def test_penalties_agree_with_central_differences_and_pytorch(l1_ratio):
    check_gradient(lambda w: elastic_net(w, 0.7, l1_ratio=l1_ratio), W.copy())
    w = torch.tensor(W, requires_grad=True)
    expected = 0.7 * (l1_ratio * w.abs().sum() + (1 - l1_ratio) / 2 * (w**2).sum())
    expected.backward()
    value, gradient = elastic_net(W, 0.7, l1_ratio=l1_ratio)
    assert relative_error(value, expected.item()) < 1e-10
    assert relative_error(gradient, w.grad.numpy()) < 1e-10


def test_l2_is_the_weight_decay_of_sgd():
    start = np.array([1.0, -2.0])
    coupled, explicit = Parameter(start.copy()), Parameter(start.copy())
    SGD([coupled], lr=0.1, weight_decay=0.5).step()
    explicit.grad[...] = l2(start, 0.5)[1]
    SGD([explicit], lr=0.1).step()
    decoupled = Parameter(start.copy())
    decay_weights([decoupled], lr=0.1, weight_decay=0.5)
    assert np.allclose(coupled.data, explicit.data, rtol=1e-15)
    assert np.allclose(coupled.data, decoupled.data, rtol=1e-15)


@pytest.mark.parametrize("penalty", [l1, l2, elastic_net])
def test_penalties_keep_float32(penalty):
    value, gradient = penalty(W.astype(np.float32), np.float64(0.1))
    assert value.dtype == gradient.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: l1(np.ones(2), -1.0), ValueError, "strength must be finite and ≥ 0, got -1"),
        (lambda: l2(np.ones(2), np.nan), ValueError, "strength must be finite"),
        (
            lambda: elastic_net(np.ones(2), 1.0, l1_ratio=1.1),
            ValueError,
            "l1_ratio must be finite and ≥ 0 and ≤ 1, got 1.1",
        ),
        (
            lambda: elastic_net(np.ones(2), 1.0, l1_ratio=-0.1),
            ValueError,
            "l1_ratio must be finite and ≥ 0 and ≤ 1, got -0.1",
        ),
        (lambda: l1(np.array([1, 2]), 1.0), TypeError, "w must be float32 or float64, got int64"),
        (lambda: l2(np.array([1.0, np.nan]), 1.0), ValueError, r"w must be finite.*index \(1,\)"),
    ],
)
def test_penalties_refuse_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_zero_strength_is_allowed():
    assert l1(np.ones(2), 0)[0] == 0
    assert l2(np.ones(2), 0)[1].tolist() == [0.0, 0.0]


class TestLargeNumbers:
    """Finite float32 numbers whose squares, or whose sum, are not."""

    W = np.array([3e19, -4e19], np.float32)

    @pytest.mark.parametrize("penalty", [l1, lambda w, s: elastic_net(w, s, l1_ratio=1)])
    def test_what_is_not_squared_need_not_have_a_square(self, penalty):
        value, gradient = penalty(self.W, 0.5)
        assert value == pytest.approx(3.5e19)
        assert gradient.tolist() == [0.5, -0.5]

    @pytest.mark.parametrize("penalty", [l2, elastic_net])
    def test_a_penalty_that_is_too_large_says_so(self, penalty):
        with pytest.raises(NotFiniteError, match="overflowed: it is inf"):
            penalty(self.W, 0.5)
