import numpy as np
import pytest
import torch

from descent.checks import NotFiniteError
from descent.gradient_check import check_layer, relative_error
from descent.layers import GroupNorm, InstanceNorm1d, InstanceNorm2d

SHAPES = {InstanceNorm1d: (4, 3, 7), InstanceNorm2d: (4, 3, 5, 2)}
every_kind = pytest.mark.parametrize("cls", SHAPES)


def filled(cls, rng, **options):
    layer = cls(3, **options)
    for p in layer.parameters():
        p.data[...] = rng.normal(size=3)
    return layer


@every_kind
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("tracked", [False, True])
def test_agrees_with_pytorch(cls, affine, tracked, assert_same_as_pytorch):
    rng = np.random.default_rng(0)
    options = {"eps": 1e-3, "momentum": 0.3, "affine": affine, "track_running_stats": tracked}
    ours = filled(cls, rng, **options)
    theirs = getattr(torch.nn, cls.__name__)(3, **options)
    for training in (True, True, False):
        x = rng.normal(2, 3, size=SHAPES[cls])
        assert_same_as_pytorch(ours.train(training), theirs.train(training), x)
    assert len(ours.named_buffers()) == 3 * tracked
    if tracked:
        assert (np.abs(ours.running_mean) > 0.1).all()


@every_kind
@pytest.mark.parametrize("training", [True, False])
def test_central_differences(cls, training):
    rng = np.random.default_rng(0)
    layer = filled(cls, rng, affine=True, track_running_stats=not training).train(training)
    check_layer(layer, rng.normal(size=SHAPES[cls]), rng)


def test_it_is_group_normalization_with_one_channel_in_each_group():
    x = np.random.default_rng(0).normal(size=(4, 3, 5, 2))
    assert np.array_equal(InstanceNorm2d(3)(x), GroupNorm(3, 3, affine=False)(x))


def test_without_the_input_gradient_the_parameters_get_the_same():
    rng = np.random.default_rng(0)
    layer, x = filled(InstanceNorm1d, rng, affine=True), rng.normal(size=(4, 3, 7))
    layer.backward(layer(x))
    once = [p.grad.copy() for p in layer.parameters()]
    layer.zero_grad()
    assert layer.backward(layer(x), input_gradient=False) is None
    for p, g in zip(layer.parameters(), once, strict=True):
        assert np.array_equal(p.grad, g)
        assert g.any()


def test_float32():
    rng = np.random.default_rng(0)
    x = rng.normal(100, 1, size=(4, 3, 5, 2))
    layer = InstanceNorm2d(3, affine=True, track_running_stats=True, dtype=np.float32)
    y = layer(x.astype(np.float32))
    assert y.dtype == layer.backward(y).dtype == layer.running_var.dtype == np.float32
    assert relative_error(y, InstanceNorm2d(3)(x.astype(np.float32).astype(float))) < 1e-5


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: InstanceNorm2d(0), ValueError, "num_features must be finite and ≥ 1, got 0"),
        (lambda: InstanceNorm2d(3, eps=-1), ValueError, "eps must be finite and ≥ 0, got -1"),
        (lambda: InstanceNorm2d(3, momentum=2), ValueError, "momentum must be finite and ≥ 0 and"),
        (
            lambda: InstanceNorm2d(3)(np.ones((2, 3, 4))),
            ValueError,
            r"x must have shape \(N, 3, H, W\), got \(2, 3, 4\)",
        ),
        (
            lambda: InstanceNorm1d(3)(np.ones((2, 4, 5))),
            ValueError,
            r"x must have shape \(N, 3, L\), got \(2, 4, 5\)",
        ),
        (
            lambda: InstanceNorm2d(3)(np.ones((2, 3, 1, 1))),
            ValueError,
            r"more than one value per channel, got shape \(2, 3\) and one position",
        ),
        (
            lambda: InstanceNorm1d(1, eps=0)(np.ones((2, 1, 5))),
            ValueError,
            "a variance is 0, or too small to divide by in float64; that needs eps > 0",
        ),
        (lambda: InstanceNorm1d(1)(np.ones((2, 1, 5), np.float32)), TypeError, "x must be float64"),
    ],
)
def test_bad_input(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_the_running_variance_of_small_and_large_numbers():
    x = np.random.default_rng(0).normal(size=(3, 2, 8))
    for scale in (1e-12, 1e15):
        layer = InstanceNorm1d(2, momentum=1, track_running_stats=True, dtype=np.float32)
        layer.running_var[...] = 0
        layer((scale * x).astype(np.float32))
        expected = (scale * x).var(axis=2, ddof=1).mean(axis=0)
        assert np.allclose(layer.running_var, expected, rtol=1e-5, atol=0)
    layer(np.full((3, 2, 8), 0.1, np.float32))
    assert layer.running_var.tolist() == [0, 0]


def test_a_variance_that_overflows_is_not_tracked():
    layer = InstanceNorm1d(2, track_running_stats=True, dtype=np.float32)
    x = np.ones((1, 2, 4), np.float32)
    x[0, 1] = [1e20, -1e20, 0, 0]
    with pytest.raises(NotFiniteError, match="in float32 the variance of channel 1 overflows"):
        layer(x)
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.running_var.tolist() == [1, 1]
    assert np.isfinite(layer.eval()(x)).all()


def test_one_pixel_will_do_where_running_statistics_are_used():
    layer = InstanceNorm2d(2, eps=0, track_running_stats=True).eval()
    assert layer(np.full((1, 2, 1, 1), 3.0)).ravel().tolist() == [3, 3]
    assert repr(layer) == "InstanceNorm2d(2)"
