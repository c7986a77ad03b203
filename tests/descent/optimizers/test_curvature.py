import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import relative_error
from descent.layers import Linear, ReLU, Sequential
from descent.losses import cross_entropy
from descent.optimizers import (
    ConvergenceError,
    hessian_vector_product,
    power_iteration,
    sharpness,
)

A = np.array([[2.0, -1.0, 0.5], [-1.0, 3.0, 0.0], [0.5, 0.0, -4.0]])


def rng():
    return np.random.default_rng(0)


def symmetric(eigenvalues, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))
    return q * np.array(eigenvalues, float) @ q.T


def network_gradient():
    """The gradient of a small network as a function of its weights, and the weights."""
    generator = np.random.default_rng(1)
    net = Sequential(Linear(4, 6, rng=generator), ReLU(), Linear(6, 3, rng=generator))
    x, y = generator.normal(size=(20, 4)), generator.integers(0, 3, 20)

    def gradient(w):
        net.flat.data[...] = w
        net.zero_grad()
        net.backward(cross_entropy(net(x), y)[1], input_gradient=False)
        return net.flat.grad  # the same memory at each call

    return gradient, net, x, y


def torch_hessian(net, x, y):
    x, y = torch.tensor(x), torch.tensor(y)

    def loss(w):
        w1, b1, w2, b2 = torch.split(w, [24, 6, 18, 3])
        hidden = torch.relu(x @ w1.reshape(6, 4).T + b1)
        return torch.nn.functional.cross_entropy(hidden @ w2.reshape(3, 6).T + b2, y)

    return torch.autograd.functional.hessian(loss, torch.tensor(net.flat.data)).numpy()


def test_product_is_exact_on_a_parabola():
    w, v = np.array([1.0, 2.0, 3.0]), np.array([0.3, -20.0, 1.0])
    got = hessian_vector_product(lambda w: A @ w, w, v, h=0.5)
    assert relative_error(got, A @ v) < 1e-14


def test_product_agrees_with_pytorch():
    gradient, net, x, y = network_gradient()
    w = net.flat.data.copy()
    v = 100 * np.random.default_rng(2).normal(size=w.size)
    expected = torch_hessian(net, x, y) @ v
    assert relative_error(hessian_vector_product(gradient, w, v), expected) < 1e-8


def test_product_moves_by_h():
    visited = []

    def gradient(w):
        visited.append(w.copy())
        return w

    hessian_vector_product(gradient, np.zeros(2), np.array([3.0, 4.0]), h=0.1)
    assert np.allclose(visited, [[0.06, 0.08], [-0.06, -0.08]], atol=1e-15)
    visited.clear()
    hessian_vector_product(gradient, np.zeros(1), np.ones(1))
    assert np.allclose(visited, [[6.0555e-6], [-6.0555e-6]], rtol=1e-4)


def test_product_with_zero():
    assert hessian_vector_product(None, np.ones(2), np.zeros(2)).tolist() == [0, 0]


def test_product_keeps_float32():
    w = np.array([1.0, 2.0], np.float32)
    got = hessian_vector_product(lambda w: 3 * w**2, w, np.ones(2, np.float32))
    assert got.dtype == np.float32
    assert np.allclose(got, [6, 12], rtol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones(2), np.ones(3)), ValueError, "expected equal shapes, but w has shape"),
        ((np.ones(2), np.ones(2, int)), TypeError, "v must be float32 or float64, got int64"),
        ((np.ones(2), np.ones(2), 0), ValueError, "h must be .* > 0, got 0"),
        ((np.ones(3), np.ones(3)), ValueError, r"gradient has shape \(2,\), w has shape \(3,\)"),
    ],
)
def test_bad_product(arguments, error, message):
    w, v, *h = arguments
    with pytest.raises(error, match=message):
        hessian_vector_product(lambda w: w[:2], w, v, h=h[0] if h else None)


@pytest.mark.parametrize("sign", [1, -1])
def test_power_iteration_finds_the_largest_absolute_value(sign):
    matrix = sign * symmetric([5, -4, 2, 0])
    eigenvalue, u = power_iteration(lambda v: matrix @ v, 4, rng=rng())
    assert type(eigenvalue) is float
    assert eigenvalue == pytest.approx(sign * 5, rel=1e-11)
    assert np.linalg.norm(u) == pytest.approx(1)
    assert np.linalg.norm(matrix @ u - eigenvalue * u) <= 1e-6 * 5


def test_power_iteration_is_deterministic_and_starts_where_told():
    matrix = symmetric([5, 4, 1])
    calls = []

    def product(u):
        calls.append(u)
        return matrix @ u

    one = power_iteration(product, 3, rng=rng())
    slow = len(calls)
    two = power_iteration(product, 3, rng=rng())
    assert one[0] == two[0]
    assert np.array_equal(one[1], two[1])
    calls.clear()
    power_iteration(product, 3, rng=rng(), start=7 * one[1])
    assert len(calls) == 1 < slow
    assert np.allclose(calls[0], one[1])


def test_tolerance_is_relative_to_the_eigenvalue():
    for scale in (1e-6, 1e6):
        matrix = scale * symmetric([5, 4, 1])
        for tolerance in (1e-1, 1e-3):
            calls = []

            def product(u, matrix=matrix, calls=calls):
                calls.append(np.linalg.norm(matrix @ u - (u @ matrix @ u) * u) / (u @ matrix @ u))
                return matrix @ u

            power_iteration(product, 3, rng=rng(), tolerance=tolerance)
            assert calls[-1] <= tolerance
            assert min(calls[:-1]) > tolerance


def test_power_iteration_of_zero():
    eigenvalue, u = power_iteration(lambda u: 0 * u, 3, rng=rng())
    assert eigenvalue == 0
    assert np.isfinite(u).all()


def test_not_converged():
    matrix = np.diag([1.0, -1.0])
    with pytest.raises(ConvergenceError, match=r"no eigenvalue within 20 .*, allowed 4.9e-08$"):
        power_iteration(lambda u: matrix @ u, 2, rng=rng(), max_iter=20)
    calls = []

    def product(u):
        calls.append(1)
        return symmetric([5, 4.999]) @ u

    with pytest.raises(ConvergenceError, match="within 1000 iterations"):
        power_iteration(product, 2, rng=rng(), tolerance=1e-12)
    assert len(calls) == 1000


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(0, 100))
def test_against_numpy(size, seed):
    matrix = symmetric([3.0, *np.linspace(-2, 2, size - 1)], seed)
    eigenvalue, _ = power_iteration(lambda u: matrix @ u, size, rng=rng())
    assert eigenvalue == pytest.approx(3, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"size": 0}, ValueError, "size must be .* ≥ 1"),
        ({"rng": 0}, TypeError, r"rng must be a numpy\.random\.Generator"),
        ({"tolerance": 0}, ValueError, "tolerance must be .* > 0"),
        ({"max_iter": 0}, ValueError, "max_iter must be .* ≥ 1"),
        ({"start": np.zeros(3)}, ValueError, r"start must have shape \(3,\) and not be zero"),
        ({"start": np.ones(2)}, ValueError, r"start must have shape \(3,\) and not be zero"),
        ({"start": [1, 2, 3]}, TypeError, "start must be float32 or float64"),
        ({"product": lambda u: u * np.nan}, ValueError, "product must return finite numbers"),
    ],
)
def test_bad_power_iteration(change, error, message):
    arguments = {"product": lambda u: A @ u, "size": 3, "rng": rng()}
    with pytest.raises(error, match=message):
        power_iteration(**{**arguments, **change})


def test_sharpness_agrees_with_pytorch():
    gradient, net, x, y = network_gradient()
    w = net.flat.data.copy()
    expected = np.linalg.eigvalsh(torch_hessian(net, x, y))[-1]
    eigenvalue, u = sharpness(gradient, w, rng=rng())
    assert eigenvalue == pytest.approx(expected, rel=1e-5)
    again, _ = sharpness(gradient, w, rng=rng(), start=u, tolerance=1e-2, max_iter=1, h=1e-4)
    assert again == pytest.approx(expected, rel=1e-4)


def test_sharpness_beside_a_larger_negative_eigenvalue():
    matrix = symmetric([2, 1, -6])
    eigenvalue, u = sharpness(lambda w: matrix @ w, np.ones(3), rng=rng(), tolerance=1e-6)
    assert eigenvalue == pytest.approx(2, rel=1e-6)
    assert np.allclose(matrix @ u, 2 * u, atol=1e-4)


def test_defaults_of_sharpness():
    matrix = symmetric([5, 4.9])

    def found(**options):
        return sharpness(lambda w: matrix @ w, np.ones(2), rng=rng(), **options)[1]

    assert np.array_equal(found(), found(tolerance=1e-3))
    assert not np.array_equal(found(), found(tolerance=1.2e-3))
    with pytest.raises(ConvergenceError, match="within 1000 iterations"):
        sharpness(lambda w: np.array([1.0, 0.0, -1.0]) * w, np.ones(3), rng=rng())


def test_sharpness_refuses_integers():
    with pytest.raises(TypeError, match=r"^w must be float32 or float64, got int64"):
        sharpness(lambda w: w, np.ones(3, int), rng=rng())


def test_sharpness_over_a_step():
    value, _ = sharpness(lambda w: w**3, np.zeros(1), rng=rng(), h=0.5)
    assert value == pytest.approx(0.25)


def test_sharpness_keeps_float32():
    seen = []

    def gradient(w):
        seen.append(w.dtype)
        return np.array([2.0, 5.0], np.float32) * w

    eigenvalue, _ = sharpness(gradient, np.ones(2, np.float32), rng=rng())
    assert eigenvalue == pytest.approx(5, rel=1e-2)
    assert set(seen) == {np.dtype(np.float32)}


def test_lengths_whose_squares_overflow():
    v = np.array([3e30, -4e30], np.float32)
    product = hessian_vector_product(lambda w: 2 * w, np.ones(2, np.float32), v)
    assert product == pytest.approx([6e30, -8e30], rel=1e-3)
    value, u = power_iteration(
        lambda u: np.array([1e200, 3e200]) * u, 2, rng=np.random.default_rng(0)
    )
    assert value == pytest.approx(3e200, rel=1e-9)
    assert abs(u[1]) == pytest.approx(1)
