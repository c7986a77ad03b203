import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descent.gradient_check import check_layer
from descent.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d

WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},  # overlapping
    {"kernel_size": 2, "stride": 3},  # pixels between the windows belong to none
    {"kernel_size": (2, 3), "stride": (1, 2)},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (2, 5), "stride": (2, 1), "padding": (0, 2)},
    {"kernel_size": (7, 8)},  # the whole image
    {"kernel_size": 1},
]
PAIRS = [
    (MaxPool2d, torch.nn.MaxPool2d, {}),
    (AvgPool2d, torch.nn.AvgPool2d, {}),
    (AvgPool2d, torch.nn.AvgPool2d, {"count_include_pad": False}),
]


def test_the_first_of_equal_pixels_wins():
    pool = MaxPool2d(2)
    x = np.array([[[[1.0, 5.0, 0.0], [5.0, 5.0, 9.0]]]])
    assert pool(x).tolist() == [[[[5.0]]]]
    assert pool.backward(np.array([[[[2.0]]]])).tolist() == [[[[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]]]


EDGES = {
    "minus infinity everywhere": lambda x: x * 0 - np.inf,
    "some windows of minus infinity": lambda x: np.where(x < 1, -np.inf, x),
    "one nan": lambda x: np.where(x == x.max(), np.nan, x),
    "many nan": lambda x: np.where(x > 0.3, np.nan, x),
    "nan and infinities": lambda x: np.where(x > 1, np.nan, np.where(x > 0, np.inf, -np.inf)),
}


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("options", WINDOWS)
def test_the_pixel_that_pytorch_chooses_at_the_edge_of_numbers(edge, options):
    x = edge(np.random.default_rng(0).normal(size=(2, 2, 7, 8)))
    theirs_x = torch.tensor(x, requires_grad=True)
    expected = torch.nn.MaxPool2d(**options)(theirs_x)
    pool = MaxPool2d(**options)
    y = pool(x)
    assert np.array_equal(y, expected.detach().numpy(), equal_nan=True)
    delta = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(torch.tensor(delta))
    dx = pool.backward(delta)
    assert np.allclose(dx, theirs_x.grad.numpy(), rtol=1e-14, atol=1e-14)
    assert np.isclose(dx.sum(), delta.sum(), rtol=1e-12)  # nothing is lost


def test_what_means_another_thing_in_pytorch_is_no_position():
    with pytest.raises(TypeError, match="positional argument"):
        AvgPool2d(2, 2, 0, True)


def test_overlapping_windows_add_their_gradients():
    pool = MaxPool2d((1, 2), stride=1)
    assert pool(np.array([[[[1.0, 5.0, 2.0]]]])).tolist() == [[[[5.0, 5.0]]]]
    assert pool.backward(np.array([[[[2.0, 3.0]]]])).tolist() == [[[[0.0, 5.0, 0.0]]]]


def test_average_by_hand():
    x = np.array([[[[4.0, 8.0], [0.0, 4.0]]]])
    delta = np.array([[[[4.0, 8.0, 12.0]]]])
    whole = AvgPool2d(2, stride=(2, 1), padding=(0, 1))
    assert whole(x).tolist() == [[[[1.0, 4.0, 3.0]]]]
    assert whole.backward(delta).tolist() == [[[[3.0, 5.0], [3.0, 5.0]]]]
    inside = AvgPool2d(2, stride=(2, 1), padding=(0, 1), count_include_pad=False)
    assert inside(x).tolist() == [[[[2.0, 4.0, 6.0]]]]
    assert inside.backward(delta).tolist() == [[[[4.0, 8.0], [4.0, 8.0]]]]


@pytest.mark.parametrize(("ours", "theirs", "options"), PAIRS)
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("ties", [True, False])
def test_agrees_with_pytorch(ours, theirs, options, window, ties, assert_same_as_pytorch):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 1, size=(2, 3, 7, 8)) * 1.0 if ties else rng.normal(size=(2, 3, 7, 8))
    assert_same_as_pytorch(ours(**window, **options), theirs(**window, **options), x)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it holds no state
)
@given(st.data())
@pytest.mark.parametrize(("ours", "theirs", "options"), PAIRS)
def test_agrees_with_pytorch_for_any_shape(ours, theirs, options, assert_same_as_pytorch, data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    kernel_size = draw(1, 4), draw(1, 4)
    padding = tuple(draw(0, k // 2) for k in kernel_size)
    smallest = [max(1, k - 2 * p) for k, p in zip(kernel_size, padding, strict=True)]
    size = [n + draw(0, 5) for n in smallest]
    options = options | {"stride": (draw(1, 4), draw(1, 4)), "padding": padding}
    x = np.random.default_rng(1).normal(size=(draw(1, 2), draw(1, 2), *size))
    assert_same_as_pytorch(ours(kernel_size, **options), theirs(kernel_size, **options), x)


def test_more_than_256_pixels_in_a_window(assert_same_as_pytorch):
    x = np.random.default_rng(2).normal(size=(8, 8, 17, 17))
    assert_same_as_pytorch(MaxPool2d(17), torch.nn.MaxPool2d(17), x)


def test_global_average_agrees_with_pytorch(assert_same_as_pytorch):
    theirs = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    x = np.random.default_rng(3).normal(size=(2, 3, 4, 5))
    assert_same_as_pytorch(GlobalAvgPool2d(), theirs, x)


@pytest.mark.parametrize(
    "layer",
    [
        MaxPool2d(2, padding=1),
        AvgPool2d(3, 2, 1),
        AvgPool2d(3, 2, 1, count_include_pad=False),
        GlobalAvgPool2d(),
    ],
    ids=repr,
)
def test_central_differences(layer):
    rng = np.random.default_rng(0)
    check_layer(layer, rng.permutation(60).reshape(1, 3, 4, 5) / 10, rng)


@pytest.mark.parametrize("layer", [MaxPool2d(3, 2, 1), AvgPool2d(3, 2, 1), GlobalAvgPool2d()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_dtype_and_input(layer, dtype):
    x = np.arange(18, dtype=dtype).reshape(1, 2, 3, 3)
    kept = x.copy()
    y = layer(x)
    delta = y.copy()
    assert y.dtype == layer.backward(y).dtype == dtype
    assert np.array_equal(x, kept)
    assert np.array_equal(y, delta)


def test_the_gradient_of_a_global_average_can_be_written_to():
    pool = GlobalAvgPool2d()
    pool(np.ones((1, 1, 2, 2)))
    dx = pool.backward(np.ones((1, 1)))
    dx[0, 0, 0, 0] += 1
    assert dx.tolist() == [[[[1.25, 0.25], [0.25, 0.25]]]]


def test_nan_is_not_hidden():
    x = np.array([[[[1.0, np.nan], [3.0, 2.0]]]])
    assert np.isnan(MaxPool2d(2)(x)).all()


def test_shows_its_options():
    assert repr(MaxPool2d(2)) == "MaxPool2d((2, 2), stride=(2, 2), padding=(0, 0))"
    assert repr(AvgPool2d(3, 2, 1)) == "AvgPool2d((3, 3), stride=(2, 2), padding=(1, 1))"
    assert repr(GlobalAvgPool2d()) == "GlobalAvgPool2d()"


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size must be finite and ≥ 1, got 0"),
        ({"kernel_size": 2.5}, TypeError, "kernel_size must be an integer, got 2.5"),
        ({"kernel_size": 2, "stride": 0}, ValueError, "stride must be finite and ≥ 1, got 0"),
        ({"kernel_size": 2, "padding": -1}, ValueError, "padding must be finite and ≥ 0, got -1"),
        (
            {"kernel_size": (4, 2), "padding": 2},
            ValueError,
            "padding must be at most half of kernel_size (4, 2), or a window could hold padding "
            "alone, got 2",
        ),
        ({"kernel_size": 3, "padding": 2}, ValueError, "at most half of kernel_size (3, 3)"),
    ],
)
def test_bad_options(pool, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        pool(**options)


@pytest.mark.parametrize("layer", [MaxPool2d(4), AvgPool2d(4), GlobalAvgPool2d()], ids=repr)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((3, 4, 4)), ValueError, "x must have shape (N, C, H, W), got (3, 4, 4)"),
        (np.ones((1, 1, 4, 4), int), TypeError, "x must be float32 or float64, got int64"),
    ],
)
def test_bad_images(layer, x, error, message):
    with pytest.raises(error, match=re.escape(message)):
        layer(x)


@pytest.mark.parametrize("layer", [MaxPool2d(4), AvgPool2d(4)], ids=repr)
def test_a_window_larger_than_the_image(layer):
    message = "kernel_size 4 with dilation 1 covers 4 pixels, more than the 3"
    with pytest.raises(ValueError, match=message):
        layer(np.ones((1, 1, 4, 3)))
