import numpy as np
import pytest
import torch

from descent.gradient_check import check_layer
from descent.layers import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh

PAIRS = {
    "ReLU": (ReLU(), torch.nn.ReLU()),
    "LeakyReLU": (LeakyReLU(), torch.nn.LeakyReLU()),
    "LeakyReLU(0.3)": (LeakyReLU(0.3), torch.nn.LeakyReLU(0.3)),
    "LeakyReLU(-0.5)": (LeakyReLU(negative_slope=-0.5), torch.nn.LeakyReLU(-0.5)),
    "ELU": (ELU(), torch.nn.ELU()),
    "ELU(0.5)": (ELU(alpha=0.5), torch.nn.ELU(0.5)),
    "Sigmoid": (Sigmoid(), torch.nn.Sigmoid()),
    "Tanh": (Tanh(), torch.nn.Tanh()),
    "SiLU": (SiLU(), torch.nn.SiLU()),
    "GELU": (GELU(), torch.nn.GELU()),
    "GELU(tanh)": (GELU(approximate="tanh"), torch.nn.GELU(approximate="tanh")),
    "Softplus": (Softplus(), torch.nn.Softplus()),
    "Softplus(2, 3)": (Softplus(beta=2, threshold=3), torch.nn.Softplus(beta=2, threshold=3)),
}
FAR = np.array([-1e4, -800.0, -90.0, -25.0, 0.0, 25.0, 90.0, 800.0, 1e4])


@pytest.fixture(params=PAIRS)
def pair(request):
    return PAIRS[request.param]


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4, 5)])
def test_agrees_with_pytorch(pair, shape, assert_same_as_pytorch):
    assert_same_as_pytorch(*pair, 3 * np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_numbers_have_finite_outputs_and_slopes(pair, dtype):
    ours, _ = pair
    largest = np.finfo(dtype).max / 2
    x = np.array([-largest, -3e19, -1e5, 1e5, 3e19, largest], dtype)
    y = ours(x)
    assert np.isfinite(y).all()
    assert np.isfinite(ours.backward(np.ones_like(x))).all()


def test_agrees_with_pytorch_far_out_and_at_zero(pair, assert_same_as_pytorch):
    ours, theirs = pair
    for x in FAR:
        assert_same_as_pytorch(ours, theirs, np.array([x]))


def test_central_differences(pair):
    rng = np.random.default_rng(0)
    check_layer(pair[0], 0.1 + rng.normal(size=(3, 4)), rng)


def test_keeps_float32_and_stays_finite(pair):
    layer = pair[0]
    y = layer(FAR.astype(np.float32))
    dx = layer.backward(np.ones_like(y))
    assert y.dtype == dx.dtype == np.float32
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


def test_options_of_float64_kind_keep_float32():
    x = np.ones(3, np.float32)
    for layer in (
        LeakyReLU(np.float64(0.1)),
        ELU(np.float64(0.1)),
        Softplus(np.float64(2), np.float64(3)),
    ):
        assert layer(x).dtype == layer.backward(x).dtype == np.float32


def test_gradient_is_a_product_with_delta(pair):
    layer = pair[0]
    x = np.linspace(-2, 2, 5)
    layer(x)
    slope = layer.backward(np.ones(5))
    delta = np.array([1.0, -2.0, 3.0, 0.0, 0.5])
    assert np.allclose(layer.backward(delta), delta * slope, rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("layer", "x", "y", "slope"),
    [
        (ReLU(), [-2, 0, 3], [0, 0, 3], [0, 0, 1]),
        (LeakyReLU(), [-2, 0, 3], [-0.02, 0, 3], [0.01, 0.01, 1]),
        (ELU(2), [-np.log(4), 0, 3], [-1.5, 0, 3], [0.5, 2, 1]),
        (Sigmoid(), [0, np.log(4)], [0.5, 0.8], [0.25, 0.16]),
        (Tanh(), [0, np.log(2)], [0, 0.6], [1, 0.64]),
        (SiLU(), [0, np.log(4)], [0, 0.8 * np.log(4)], [0.5, 0.8 + 0.16 * np.log(4)]),
        (GELU(), [0], [0], [0.5]),
        (Softplus(), [0, np.log(3)], [np.log(2), np.log(4)], [0.5, 0.75]),
        (Softplus(2), [0, np.log(3) / 2], [np.log(2) / 2, np.log(2)], [0.5, 0.75]),
        (Softplus(1, 1), [1, 1.5], [np.log(1 + np.e), 1.5], [np.e / (1 + np.e), 1]),
    ],
)
def test_by_hand(layer, x, y, slope):
    assert np.allclose(layer(np.array(x, float)), y, rtol=1e-12, atol=1e-15)
    assert np.allclose(layer.backward(np.ones(len(x))), slope, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (ReLU(), "ReLU()"),
        (LeakyReLU(0.2), "LeakyReLU(0.2)"),
        (ELU(0.2), "ELU(0.2)"),
        (Sigmoid(), "Sigmoid()"),
        (Tanh(), "Tanh()"),
        (SiLU(), "SiLU()"),
        (GELU(), "GELU(approximate='none')"),
        (Softplus(2), "Softplus(beta=2.0, threshold=20.0)"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


def test_defaults():
    assert repr(LeakyReLU()) == "LeakyReLU(0.01)"
    assert repr(ELU()) == "ELU(1.0)"
    assert repr(Softplus()) == "Softplus(beta=1.0, threshold=20.0)"


def test_integers_are_refused(pair):
    with pytest.raises(TypeError, match="x must be float32 or float64, got int64"):
        pair[0](np.array([1, 2]))
    with pytest.raises(ValueError, match="x is empty"):
        pair[0](np.zeros(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeakyReLU(np.nan), "negative_slope must be finite, got nan"),
        (lambda: ELU(np.inf), "alpha must be finite, got inf"),
        (lambda: GELU("erf"), "approximate must be one of 'none', 'tanh', got 'erf'"),
        (lambda: Softplus(0), "beta must be finite and > 0, got 0"),
        (lambda: Softplus(1, np.nan), "threshold must be finite, got nan"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
