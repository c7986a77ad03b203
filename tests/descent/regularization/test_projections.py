import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import relative_error
from descent.layers import Parameter
from descent.regularization import decay_weights, max_norm, soft_threshold

W = np.random.default_rng(0).normal(size=(3, 4))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.floats(-5, 5), st.floats(0, 3))
def test_soft_threshold_minimizes_what_defines_it(w, t):
    u = np.linspace(-6, 6, 1201)
    best = float(soft_threshold(np.array([w]), t)[0])

    def objective(u):
        return (u - w) ** 2 / 2 + t * np.abs(u)

    assert objective(best) <= objective(u).min() + 1e-12


def test_soft_threshold_agrees_with_pytorch_and_keeps_float32():
    expected = torch.nn.functional.softshrink(torch.tensor(W), 0.4).numpy()
    assert relative_error(soft_threshold(W, 0.4), expected) < 1e-10
    assert (soft_threshold(W, 0.4) == 0).sum() == (np.abs(W) <= 0.4).sum() > 0
    assert not np.signbit(soft_threshold(np.array([-0.1]), 0.4)[0])
    assert soft_threshold(W.astype(np.float32), np.float64(0.4)).dtype == np.float32


def test_decay_changes_all_parameters_in_place():
    arrays = np.array([10.0]), np.array([[4.0]], np.float32)
    params = [Parameter(array) for array in arrays]
    decay_weights(iter(params), lr=0.5, weight_decay=0.5)
    assert [array.item() for array in arrays] == [7.5, 3.0]
    assert params[1].data.dtype == np.float32
    decay_weights(params, lr=1.0, weight_decay=1.0)
    assert [array.item() for array in arrays] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("lr", "weight_decay", "message"),
    [
        (-0.1, 1.0, "lr must be finite and ≥ 0, got -0.1"),
        (0.1, -1.0, "weight_decay must be finite and ≥ 0, got -1"),
        (2.0, 0.6, "lr · weight_decay must be finite and ≤ 1, got 1.2"),
    ],
)
def test_decay_refuses_bad_options(lr, weight_decay, message):
    w = Parameter(np.ones(2))
    with pytest.raises(ValueError, match=message):
        decay_weights([w], lr=lr, weight_decay=weight_decay)
    assert w.data.tolist() == [1.0, 1.0]


def test_decay_refuses_arrays_and_changes_nothing():
    w = Parameter(np.ones(2))
    with pytest.raises(TypeError, match="params must hold Parameter objects, got array"):
        decay_weights([w, np.ones(2)], lr=0.1, weight_decay=1.0)
    assert w.data.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_max_norm_agrees_with_pytorch(dtype):
    w = np.random.default_rng(1).normal(size=(6, 2, 3, 3)).astype(dtype)
    lengths = np.sqrt((w**2).sum(axis=(1, 2, 3)))
    limit = np.float64(np.median(lengths))
    expected = torch.renorm(torch.tensor(w, dtype=torch.float64), 2, 0, limit).numpy()
    parameter, array = Parameter(w), w
    max_norm(parameter, limit)
    assert parameter.data is array
    assert w.dtype == dtype
    assert relative_error(w, expected) < 3e-7  # PyTorch adds 1e-7 to the length
    short = lengths < limit
    assert np.allclose(np.sqrt((w**2).sum(axis=(1, 2, 3)))[short], lengths[short], rtol=1e-6)


def test_max_norm_leaves_zeros_and_lands_on_the_limit():
    w = Parameter(np.array([[0.0, 0.0], [30.0, 40.0], [3.0, 0.0]]))
    max_norm(w, 5)
    assert np.allclose(w.data, [[0, 0], [3, 4], [3, 0]], rtol=1e-15)


@pytest.mark.parametrize(
    ("parameter", "limit", "error", "message"),
    [
        (Parameter(np.ones((2, 2))), 0.0, ValueError, "limit must be finite and > 0, got 0"),
        (Parameter(np.ones(2)), 1.0, ValueError, r"two axes, got shape \(2,\)"),
        (np.ones((2, 2)), 1.0, TypeError, "parameter must hold Parameter objects"),
    ],
)
def test_max_norm_refuses_bad_input(parameter, limit, error, message):
    with pytest.raises(error, match=message):
        max_norm(parameter, limit)


@pytest.mark.parametrize(
    ("size", "dtype"), [(1e19, np.float32), (1e-30, np.float32), (1e200, np.float64)]
)
@pytest.mark.parametrize("limit", [0.1, 10.0])
def test_max_norm_of_numbers_whose_squares_no_float_can_hold(size, dtype, limit):
    w = Parameter(
        np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype) * dtype(size)
    )
    before = w.data.copy()
    max_norm(w, limit)
    expected = before if size < 1 else np.array([[0.6, 0.8, 0], [0, 0, 0], [0, 0, 1]]) * limit
    np.testing.assert_allclose(w.data, expected, rtol=1e-6)


def test_a_threshold_of_zero_changes_nothing():
    assert soft_threshold(np.ones(2), 0).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: soft_threshold(np.array([1]), 1.0), TypeError, "w must be float32 or float64"),
        (lambda: soft_threshold(np.ones(2), -1.0), ValueError, "threshold must be .*≥ 0, got -1"),
    ],
)
def test_soft_threshold_refuses_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
