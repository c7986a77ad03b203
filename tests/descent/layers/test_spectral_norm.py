import numpy as np
import pytest
import torch

from descent.checks import NotFiniteError
from descent.gradient_check import check_layer, relative_error
from descent.layers import Conv2d, Linear, ReLU, Sequential, SpectralNorm, receptive_field, summary

CASES = {
    "linear": (lambda rng: Linear(4, 3, rng=rng), lambda: torch.nn.Linear(4, 3), (5, 4)),
    "without bias": (
        lambda rng: Linear(4, 3, bias=False, rng=rng),
        lambda: torch.nn.Linear(4, 3, bias=False),
        (5, 4),
    ),
    "conv": (lambda rng: Conv2d(2, 3, 2, rng=rng), lambda: torch.nn.Conv2d(2, 3, 2), (5, 2, 4, 3)),
}
every_case = pytest.mark.parametrize("case", CASES)


def pair(case):
    rng = np.random.default_rng(0)
    make, theirs, shape = CASES[case]
    ours = SpectralNorm(make(rng), n_power_iterations=2, rng=rng)
    theirs = theirs().double()
    for name, p in ours.layer.named_parameters().items():
        getattr(theirs, name).data = torch.tensor(p.data)
    spectral_norm = torch.nn.utils.parametrizations.spectral_norm
    theirs = spectral_norm(theirs, n_power_iterations=2)
    for name in "uv":
        start = np.linalg.qr(rng.normal(size=(getattr(ours, name).size, 1)))[0][:, 0]
        getattr(ours, name)[...] = start
        getattr(theirs.parametrizations.weight[0], f"_{name}").data = torch.tensor(start)
    return ours, theirs, rng.normal(size=shape)


@every_case
def test_agrees_with_pytorch(case):
    """Both modes, with singular vectors that have not converged."""
    ours, theirs, x = pair(case)
    for training in (True, False, True):
        ours.train(training)
        theirs.train(training)
        torch_x = torch.tensor(x, requires_grad=True)
        y, theirs_y = ours(x), theirs(torch_x)
        assert relative_error(y, theirs_y.detach().numpy()) < 1e-12
        delta = np.random.default_rng(1).normal(size=y.shape)
        theirs.zero_grad()
        theirs_y.backward(torch.tensor(delta))
        ours.zero_grad()
        assert relative_error(ours.backward(delta), torch_x.grad.numpy()) < 1e-11
        weight = theirs.parametrizations.weight.original
        assert relative_error(ours.layer.weight.grad, weight.grad.numpy()) < 1e-11
        if ours.layer.bias is not None:
            assert relative_error(ours.layer.bias.grad, theirs.bias.grad.numpy()) < 1e-11
        assert relative_error(ours.u, theirs.parametrizations.weight[0]._u.numpy()) < 1e-12
        assert relative_error(ours.v, theirs.parametrizations.weight[0]._v.numpy()) < 1e-12


@every_case
def test_central_differences(case):
    """At the fixed point of the iteration, where u and v do not depend on W to first order."""
    ours, _, x = pair(case)
    for _ in range(200):
        ours(x)
    check_layer(ours.eval(), x, np.random.default_rng(0))
    assert next(iter(ours.named_parameters())) == "layer.weight"


def test_no_vector_is_stretched():
    rng = np.random.default_rng(0)
    layer = Linear(20, 30, bias=False, rng=rng)
    layer.weight.data *= 50
    x = rng.normal(size=(100, 20))
    normalized = SpectralNorm(layer, rng=rng)
    for _ in range(300):
        y = normalized(x)
    stretch = np.linalg.norm(y, axis=1) / np.linalg.norm(x, axis=1)
    assert 0.3 < stretch.max() <= 1 + 1e-9
    assert np.linalg.norm(normalized(np.linalg.svd(layer.weight.data)[2][:1])) == pytest.approx(1)


def test_buffers_keep_the_dtype_and_evaluation_moves_nothing():
    rng = np.random.default_rng(0)
    layer = SpectralNorm(Linear(4, 3, rng=rng, dtype=np.float32), rng=rng)
    x = np.ones((2, 4), np.float32)
    assert layer(x).dtype == layer.backward(np.ones((2, 3), np.float32)).dtype == np.float32
    assert layer.u.dtype == layer.v.dtype == np.float32
    before = layer.state_dict()
    layer.eval()(x)
    assert all(np.array_equal(a, before[n]) for n, a in layer.state_dict().items())
    assert list(before) == ["layer.weight", "layer.bias", "u", "v"]
    assert layer.backward(np.ones((2, 3), np.float32), input_gradient=False) is None


def test_a_weight_of_zeros_has_no_direction():
    layer = Linear(2, 2, bias=False, rng=np.random.default_rng(0))
    layer.weight.data[...] = 0
    normalized = SpectralNorm(layer, rng=np.random.default_rng(0))
    u = normalized.u.copy()
    with pytest.raises(ValueError, match=r"singular value of the weight of Linear.* found 0"):
        normalized(np.eye(2))
    assert np.array_equal(normalized.u, u)
    layer.weight.data[...] = [[0, 0], [0, 3]]
    for _ in range(9):
        y = normalized(np.eye(2))
    assert np.allclose(y, [[0, 0], [0, 1]])


@pytest.mark.parametrize("scale", [1e-10, 1e30])
def test_squares_that_overflow_or_vanish(scale):
    rng = np.random.default_rng(0)
    layer = Linear(4, 3, bias=False, rng=rng, dtype=np.float32)
    layer.weight.data[...] = scale * rng.normal(size=(3, 4))
    normalized = SpectralNorm(layer, n_power_iterations=50, rng=rng)
    matrix = normalized(np.eye(4, dtype=np.float32))
    assert np.isclose(np.linalg.norm(matrix, 2), 1, rtol=1e-5)
    layer.weight.data *= np.float32(1e-30) / np.float32(scale)
    with pytest.raises(NotFiniteError, match="must be > 0 and finite in float32"):
        normalized(1e-15 * np.eye(4, dtype=np.float32))


def test_it_is_seen_through():
    rng = np.random.default_rng(0)
    net = Sequential(SpectralNorm(Conv2d(1, 2, 3, rng=rng), rng=rng), ReLU())
    assert receptive_field(net) == (3, 3)
    row = summary(net, (1, 5, 5)).splitlines()[1]
    assert row.split() == ["0.layer", "Conv2d", "2×3×3", "20", "162", "3×3"]
    assert repr(net[0]).startswith("SpectralNorm(Conv2d(1, 2")


def test_bad_input():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match=r"layer must be a Linear or a Conv2d, got ReLU\(\)"):
        SpectralNorm(ReLU(), rng=rng)
    with pytest.raises(ValueError, match="n_power_iterations must be finite and ≥ 1, got 0"):
        SpectralNorm(Linear(2, 2, rng=rng), n_power_iterations=0, rng=rng)
    with pytest.raises(ValueError, match="eps must be finite and > 0, got 0"):
        SpectralNorm(Linear(2, 2, rng=rng), eps=0, rng=rng)
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator"):
        SpectralNorm(Linear(2, 2, rng=rng), rng=0)
