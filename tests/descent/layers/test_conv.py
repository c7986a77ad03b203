import re
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descent.gradient_check import check_layer, relative_error
from descent.layers import Conv2d, col2im, conv2d, conv_output_size, im2col

GENERATOR = np.random.default_rng(0)
GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": (1, 3), "stride": (3, 2)},
    {"kernel_size": (3, 2), "padding": (2, 1)},
    {"kernel_size": 2, "stride": 3},  # pixels between the windows belong to none
    {"kernel_size": 2, "dilation": (3, 2), "padding": 1},
    {"kernel_size": (7, 8)},  # the whole image
    {"kernel_size": (2, 3), "stride": (1, 2), "padding": (3, 0), "dilation": (2, 1)},
    {"kernel_size": 1, "stride": 2},
]
STRIDE_ONE = [
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": (2, 4), "padding": "same"},
    {"kernel_size": (4, 3), "padding": "same", "dilation": (3, 2)},
    {"kernel_size": (2, 3), "padding": "valid"},
]


def seven_loops(x, weight, bias, delta, s, p, d):
    """Forward pass and all gradients, by the formulas in the docstring, one pixel at a time."""
    (N, C, H, W), (O, _, K, L), (_, _, OH, OW) = x.shape, weight.shape, delta.shape
    y = np.zeros(delta.shape) + bias[:, None, None]
    dx, dw, db = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(bias.shape)
    for n, o, u, v in product(range(N), range(O), range(OH), range(OW)):
        db[o] += delta[n, o, u, v]
        for c, i, j in product(range(C), range(K), range(L)):
            h, w = s * u + d * i - p, s * v + d * j - p
            if 0 <= h < H and 0 <= w < W:
                y[n, o, u, v] += weight[o, c, i, j] * x[n, c, h, w]
                dw[o, c, i, j] += delta[n, o, u, v] * x[n, c, h, w]
                dx[n, c, h, w] += delta[n, o, u, v] * weight[o, c, i, j]
    return y, dx, dw, db


def by_im2col(x, weight, bias, delta, s, p, d):
    O, _, *kernel_size = weight.shape
    steps = {"stride": s, "padding": p, "dilation": d}
    columns = im2col(x, kernel_size, **steps)  # (N, C·k·k, OH·OW)
    flat = delta.reshape(len(x), O, -1)
    y = (weight.reshape(O, -1) @ columns).reshape(delta.shape) + bias[:, None, None]
    dx = col2im(weight.reshape(O, -1).T @ flat, x.shape[2:], kernel_size, **steps)
    dw = (flat @ columns.swapaxes(1, 2)).sum(axis=0).reshape(weight.shape)
    return y, dx, dw, delta.sum(axis=(0, 2, 3))


def by_pytorch(x, weight, bias, delta, s, p, d):
    arguments = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    y = F.conv2d(*arguments, stride=s, padding=p, dilation=d)
    y.backward(torch.tensor(delta))
    return y.detach().numpy(), *(a.grad.numpy() for a in arguments)


@pytest.mark.parametrize(("s", "p", "d"), [(1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 0, 1)])
def test_seven_loops_im2col_and_pytorch_are_equal(s, p, d):
    rng = np.random.default_rng(1)
    layer = Conv2d(2, 3, (3, 2), s, p, d, rng=rng)
    x = rng.normal(size=(2, 2, 6, 7))
    y = layer(x)
    delta = rng.normal(size=y.shape)
    ours = y, layer.backward(delta), layer.weight.grad, layer.bias.grad
    arguments = x, layer.weight.data, layer.bias.data, delta, s, p, d
    for way in (seven_loops, by_im2col, by_pytorch):
        for a, b in zip(ours, way(*arguments), strict=True):
            assert a.shape == b.shape
            assert relative_error(a, b) < 1e-10


def test_by_hand():
    layer = Conv2d(1, 2, 2, rng=GENERATOR)
    layer.weight.data[...] = [[[[1, 2], [3, 4]]], [[[0, 0], [0, 1]]]]
    layer.bias.data[...] = [0, 100]
    x = np.array([[[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]]])
    assert layer(x).tolist() == [[[[5.0, 7.0]], [[101.0, 100.0]]]]
    delta = np.array([[[[1.0, 10.0]], [[0.0, 0.5]]]])
    assert layer.backward(delta).tolist() == [[[[1.0, 12.0, 20.0], [3.0, 34.0, 40.5]]]]
    assert layer.weight.grad[0, 0].tolist() == [[1.0, 20.0], [10.0, 1.0]]
    assert layer.weight.grad[1, 0].tolist() == [[0.0, 1.0], [0.5, 0.0]]
    assert layer.bias.grad.tolist() == [11.0, 0.5]


@pytest.mark.parametrize("groups", [1, 2, 4])  # 4: each channel by itself
@pytest.mark.parametrize("geometry", GEOMETRIES + STRIDE_ONE, ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_agrees_with_pytorch(geometry, groups, bias, assert_same_as_pytorch):
    options = {**geometry, "groups": groups, "bias": bias}
    x = np.random.default_rng(2).normal(size=(3, 4, 7, 8))
    ours = Conv2d(4, 8, **options, rng=np.random.default_rng(3))
    assert_same_as_pytorch(ours, torch.nn.Conv2d(4, 8, **options), x)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it holds no state
)
@given(st.data())
def test_agrees_with_pytorch_for_any_shape(assert_same_as_pytorch, data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    batch, groups = draw(1, 3), draw(1, 3)
    channels = [groups * draw(1, 3), groups * draw(1, 3)]
    options = {
        "kernel_size": (draw(1, 4), draw(1, 4)),
        "stride": (draw(1, 4), draw(1, 4)),
        "padding": (draw(0, 3), draw(0, 3)),
        "dilation": (draw(1, 3), draw(1, 3)),
    }
    sizes = []
    for k, p, d in zip(
        options["kernel_size"], options["padding"], options["dilation"], strict=True
    ):
        smallest = max(1, d * (k - 1) + 1 - 2 * p)
        sizes.append(draw(smallest, smallest + 5))
    x = np.random.default_rng(4).normal(size=(batch, channels[0], *sizes))
    ours = Conv2d(*channels, **options, groups=groups, rng=np.random.default_rng(5))
    assert_same_as_pytorch(ours, torch.nn.Conv2d(*channels, **options, groups=groups), x)


@pytest.mark.parametrize("groups", [1, 2])
def test_central_differences(groups):
    rng = np.random.default_rng(0)
    layer = Conv2d(2, 4, (2, 3), (1, 2), 1, (2, 1), groups, rng=rng)
    errors = check_layer(layer, rng.normal(size=(2, 2, 4, 5)), rng)
    assert list(errors) == ["input", "weight", "bias"]


@pytest.mark.parametrize("geometry", GEOMETRIES + STRIDE_ONE, ids=str)
def test_im2col_and_col2im_are_pytorchs_unfold_and_fold(geometry):
    x = np.random.default_rng(6).normal(size=(2, 3, 7, 8))
    columns = im2col(x, **geometry)
    if isinstance(geometry.get("padding"), str):
        margins = Conv2d(1, 1, **geometry, rng=GENERATOR).margins
        theirs = F.pad(torch.tensor(x), [*margins[1], *margins[0]])
        options = {k: v for k, v in geometry.items() if k != "padding"}
        assert np.array_equal(columns, F.unfold(theirs, **options).numpy())
    else:
        assert np.array_equal(columns, F.unfold(torch.tensor(x), **geometry).numpy())
        folded = F.fold(torch.tensor(columns), (7, 8), **geometry).numpy()
        assert relative_error(col2im(columns, (7, 8), **geometry), folded) < 1e-12


@pytest.mark.parametrize("geometry", GEOMETRIES + STRIDE_ONE, ids=str)
def test_col2im_is_the_adjoint_of_im2col(geometry):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(2, 3, 7, 8))
    columns = im2col(x, **geometry)
    y = rng.normal(size=columns.shape)
    back = col2im(y, (7, 8), **geometry)
    assert back.shape == x.shape
    assert abs((columns * y).sum() - (x * back).sum()) < 1e-10


def test_same_puts_the_odd_pixel_below_and_on_the_right():
    layer = Conv2d(1, 1, (2, 5), padding="same", dilation=(1, 3), rng=GENERATOR)
    assert layer.margins == ((0, 1), (6, 6))
    assert layer(np.ones((1, 1, 9, 4))).shape == (1, 1, 9, 4)


def test_gradients_accumulate():
    rng = np.random.default_rng(0)
    layer = Conv2d(2, 3, 3, padding=1, rng=rng)
    x, delta = rng.normal(size=(2, 2, 5, 5)), rng.normal(size=(2, 3, 5, 5))
    layer(x)
    first = layer.backward(delta)
    once = {name: p.grad.copy() for name, p in layer.named_parameters().items()}
    assert layer.backward(delta, input_gradient=False) is None
    assert np.array_equal(layer.backward(delta), first)
    for name, parameter in layer.named_parameters().items():
        assert relative_error(parameter.grad, 3 * once[name]) < 1e-14


def test_neither_input_nor_gradient_is_changed():
    rng = np.random.default_rng(0)
    layer = Conv2d(1, 1, 1, bias=False, rng=rng)
    x, delta = rng.normal(size=(2, 1, 3, 3)), rng.normal(size=(2, 1, 3, 3))
    kept = x.copy(), delta.copy()
    layer(x)
    layer.backward(delta)
    assert np.array_equal(x, kept[0])
    assert np.array_equal(delta, kept[1])


@pytest.mark.parametrize("bias", [True, False])
def test_keeps_float32(bias):
    layer = Conv2d(2, 3, 3, padding=1, bias=bias, rng=GENERATOR, dtype=np.float32)
    y = layer(np.ones((2, 2, 5, 5), np.float32))
    assert y.dtype == layer.backward(y).dtype == np.float32
    assert all(p.data.dtype == p.grad.dtype == np.float32 for p in layer.parameters())


def test_starts_like_pytorch():
    layer = Conv2d(6, 50, (3, 2), groups=2, rng=np.random.default_rng(0))
    bound = 1 / np.sqrt(3 * 3 * 2)
    for parameter in layer.parameters():
        largest = np.abs(parameter.data).max()
        assert 0.9 * bound < largest <= bound
        assert parameter.data.min() < -0.9 * bound
    assert abs(layer.weight.data.std() - bound / np.sqrt(3)) < 0.02 * bound
    assert abs(layer.weight.data.mean()) < 0.05 * bound
    assert layer.weight.data.dtype == np.float64


def test_shows_its_options():
    layer = Conv2d(4, 6, 3, (2, 1), 1, groups=2, rng=GENERATOR)
    assert repr(layer) == (
        "Conv2d(4, 6, (3, 3), stride=(2, 1), padding=((1, 1), (1, 1)), dilation=(1, 1), groups=2)"
    )


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((2, 4, 5, 5)), ValueError, "x must have shape (N, 3, H, W), got (2, 4, 5, 5)"),
        (np.ones((3, 5, 5)), ValueError, "x must have shape (N, 3, H, W), got (3, 5, 5)"),
        (np.ones((0, 3, 5, 5)), ValueError, "x must have shape (N, 3, H, W), got (0, 3, 5, 5)"),
        (
            np.ones((2, 28, 28, 3)),
            ValueError,
            "x must have shape (N, 3, H, W), got (2, 28, 28, 3): the channels seem to come last; "
            "x.transpose(0, 3, 1, 2)",
        ),
        (
            np.ones((2, 3, 1, 9)),
            ValueError,
            "kernel_size 2 with dilation 3 covers 4 pixels, more than the 3 of an image of size 1 "
            "with padding (1, 1)",
        ),
        (np.ones((2, 3, 5, 5), np.uint8), TypeError, "x must be float64 like the layer's"),
        (np.ones((2, 3, 5, 5), np.float32), TypeError, "got float32"),
    ],
)
def test_bad_images(x, error, message):
    layer = Conv2d(3, 4, 2, dilation=3, padding=1, rng=GENERATOR)
    with pytest.raises(error, match=re.escape(message)):
        layer(x)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator"),
        ({"in_channels": 0}, ValueError, "in_channels must be finite and ≥ 1, got 0"),
        ({"out_channels": 2.0}, TypeError, "out_channels must be an integer, got 2.0"),
        ({"groups": 0}, ValueError, "groups must be finite and ≥ 1, got 0"),
        ({"groups": 3}, ValueError, "in_channels must be a multiple of groups 3, got 4"),
        ({"groups": 4}, ValueError, "out_channels must be a multiple of groups 4, got 6"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be finite and ≥ 1, got 0"),
        ({"kernel_size": (3, 0)}, ValueError, "kernel_size must be finite and ≥ 1, got 0"),
        ({"kernel_size": (3, 3, 3)}, ValueError, "kernel_size must be one integer or a pair"),
        ({"kernel_size": 3.0}, TypeError, "kernel_size must be an integer, got 3.0"),
        ({"stride": 0}, ValueError, "stride must be finite and ≥ 1, got 0"),
        ({"dilation": 0}, ValueError, "dilation must be finite and ≥ 1, got 0"),
        ({"padding": -1}, ValueError, "padding must be finite and ≥ 0, got -1"),
        ({"padding": "full"}, ValueError, "padding must be one of 'valid', 'same', got 'full'"),
        ({"padding": "same", "stride": (1, 2)}, ValueError, "'same' needs stride 1, got stride (1"),
        ({"padding": "same", "stride": 2}, ValueError, "'same' needs stride 1, got stride (2"),
    ],
)
def test_bad_options(options, error, message):
    good = {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "rng": GENERATOR}
    with pytest.raises(error, match=re.escape(message)):
        Conv2d(**{**good, **options})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: im2col(np.ones((1, 2, 3), float), 2),
            ValueError,
            "x must have shape (N, C, H, W)",
        ),
        (lambda: im2col(np.ones((1, 1, 3, 3), int), 2), TypeError, "x must be float32 or float64"),
        (lambda: im2col(np.ones((1, 1, 3, 5)), 4), ValueError, "covers 4 pixels, more than the 3"),
        (lambda: col2im(np.ones((1, 4)), 3, 2), ValueError, "columns must have shape (N, C·k·k"),
        (lambda: col2im(np.ones((1, 4, 4), int), 3, 2), TypeError, "columns must be float32 or"),
        (
            lambda: col2im(np.ones((1, 8, 5)), 3, 2),
            ValueError,
            "columns must have shape (N, C·4, 4) for an image of (3, 3) and a kernel of (2, 2), "
            "got (1, 8, 5)",
        ),
        (lambda: col2im(np.ones((1, 7, 4)), 3, 2), ValueError, "got (1, 7, 4)"),
        (lambda: col2im(np.ones((1, 4, 4)), 0, 2), ValueError, "image_size must be finite and ≥ 1"),
        (lambda: col2im(np.ones((1, 4, 4)), 3, 5), ValueError, "kernel_size 5 with dilation 1"),
    ],
)
def test_bad_columns(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_keep_their_dtype(dtype):
    columns = im2col(np.ones((1, 1, 3, 3), dtype), 2, padding=1)
    assert columns.dtype == col2im(columns, 3, 2, padding=1).dtype == dtype


@settings(max_examples=60, deadline=None, derandomize=True)
@given(*(st.integers(low, high) for low, high in ((1, 20), (1, 5), (1, 4), (0, 3), (1, 3))))
def test_output_size_counts_the_windows(n, k, s, p, d):
    starts = [t for t in range(-p, n + p, s) if t + d * (k - 1) < n + p]
    if starts:
        assert conv_output_size(n, k, stride=s, padding=p, dilation=d) == len(starts)
        assert conv_output_size(n, k, stride=s, padding=(0, 2 * p), dilation=d) == len(starts)
    else:
        with pytest.raises(ValueError, match=f"kernel_size {k} with dilation {d} covers"):
            conv_output_size(n, k, stride=s, padding=p, dilation=d)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size must be finite and ≥ 1, got 0"),
        ({"kernel_size": 0}, "kernel_size must be finite and ≥ 1, got 0"),
        ({"stride": 0}, "stride must be finite and ≥ 1, got 0"),
        ({"dilation": 0}, "dilation must be finite and ≥ 1, got 0"),
        ({"padding": -1}, "padding must be finite and ≥ 0, got -1"),
    ],
)
def test_output_size_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        conv_output_size(**{"size": 5, "kernel_size": 3, **arguments})


def test_output_size_defaults():
    assert conv_output_size(5, 3) == 3


@pytest.mark.parametrize("options", [{}, {"groups": 4, "stride": 2}, {"dilation": 2}])
def test_a_large_batch_is_its_samples_one_by_one(options):
    rng = np.random.default_rng(0)
    layer = Conv2d(16, 8, 3, padding=1, rng=rng, **options)
    x = rng.normal(size=(70, 16, 24, 24))
    y = layer(x)
    delta = rng.normal(size=y.shape)
    layer.zero_grad()
    dx = layer.backward(delta)
    grad = layer.weight.grad.copy()
    layer.zero_grad()
    for n in range(len(x)):
        assert relative_error(layer(x[n : n + 1])[0], y[n]) < 1e-12
        assert relative_error(layer.backward(delta[n : n + 1])[0], dx[n]) < 1e-12
    assert relative_error(layer.weight.grad, grad) < 1e-12


@pytest.mark.parametrize("geometry", GEOMETRIES + STRIDE_ONE)
@pytest.mark.parametrize("bias", [True, False])
def test_the_formula_and_the_layer_are_equal(geometry, bias):
    rng = np.random.default_rng(0)
    layer, x = Conv2d(3, 4, bias=bias, rng=rng, **geometry), rng.normal(size=(2, 3, 7, 8))
    steps = {name: value for name, value in geometry.items() if name != "kernel_size"}
    y = conv2d(x, layer.weight.data, layer.bias.data if bias else None, **steps)
    assert relative_error(y, layer(x)) < 1e-13
    theirs = F.conv2d(torch.tensor(x), torch.tensor(layer.weight.data), **steps).numpy()
    assert relative_error(conv2d(x, layer.weight.data, **steps), theirs) < 1e-13


def test_the_formula_refuses_what_the_layer_refuses():
    x, weight = np.ones((2, 3, 4, 4)), np.ones((5, 3, 5, 5))
    with pytest.raises(ValueError, match=r"kernel_size 5 .* covers 5 pixels, more than the 4"):
        conv2d(x, weight)
    with pytest.raises(ValueError, match=r"x must have shape \(N, 2, H, W\)"):
        conv2d(x, weight[:, :2])
    with pytest.raises(ValueError, match="padding 'same' needs stride 1"):
        conv2d(x, weight, stride=2, padding="same")


def test_a_depthwise_separable_convolution_is_a_sum_of_products():
    rng = np.random.default_rng(0)
    depthwise = Conv2d(3, 3, 2, groups=3, bias=False, rng=rng)
    mixing = Conv2d(3, 5, 1, bias=False, rng=rng)
    x = rng.normal(size=(2, 3, 4, 5))
    kernels = mixing.weight.data * depthwise.weight.data[:, 0]  # (5, 3, 2, 2), of rank one each
    assert relative_error(mixing(depthwise(x)), conv2d(x, kernels)) < 1e-13
