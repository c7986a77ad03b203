"""What holds for every layer, whatever it computes."""

import copy
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

import descent.layers as library
from descent.layers import (
    ELU,
    GELU,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    L2Normalize,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    SpectralNorm,
    StochasticDepth,
    Tanh,
    without_backward,
)

VECTORS, SIGNALS, IMAGES = (6, 4), (6, 4, 5), (6, 4, 5, 3)


def rng():
    return np.random.default_rng(0)


CASES = {
    "ELU": (ELU, IMAGES),
    "GELU": (GELU, IMAGES),
    "GELU tanh": (lambda: GELU("tanh"), IMAGES),
    "LeakyReLU": (LeakyReLU, IMAGES),
    "ReLU": (ReLU, IMAGES),
    "SiLU": (SiLU, IMAGES),
    "Sigmoid": (Sigmoid, IMAGES),
    "Softplus": (Softplus, IMAGES),
    "Tanh": (Tanh, IMAGES),
    "AvgPool2d": (lambda: AvgPool2d(2, padding=1, count_include_pad=False), IMAGES),
    "MaxPool2d": (lambda: MaxPool2d((2, 1), stride=1), IMAGES),
    "GlobalAvgPool2d": (GlobalAvgPool2d, IMAGES),
    "BatchNorm1d": (lambda: BatchNorm1d(4), VECTORS),
    "BatchNorm2d": (lambda: BatchNorm2d(4, affine=False), IMAGES),
    "GroupNorm": (lambda: GroupNorm(2, 4), IMAGES),
    "GroupNorm plain": (lambda: GroupNorm(2, 4, affine=False), IMAGES),
    "InstanceNorm1d": (lambda: InstanceNorm1d(4), SIGNALS),
    "InstanceNorm2d": (
        lambda: InstanceNorm2d(4, affine=True, track_running_stats=True),
        IMAGES,
    ),
    "L2Normalize": (L2Normalize, VECTORS),
    "LayerNorm": (lambda: LayerNorm(3), IMAGES),
    "LayerNorm plain": (lambda: LayerNorm(3, elementwise_affine=False), IMAGES),
    "Conv2d": (lambda: Conv2d(4, 6, (3, 2), 2, 1, groups=2, rng=rng()), IMAGES),
    "Conv2d 1×1": (lambda: Conv2d(4, 6, 1, rng=rng()), IMAGES),
    "Linear": (lambda: Linear(4, 3, rng=rng()), VECTORS),
    "SpectralNorm": (lambda: SpectralNorm(Linear(4, 3, rng=rng()), rng=rng()), VECTORS),
    "Dropout": (lambda: Dropout(0.5, rng=rng()), IMAGES),
    "Dropout2d": (lambda: Dropout2d(0.5, rng=rng()), IMAGES),
    "StochasticDepth": (lambda: StochasticDepth(0.5, rng=rng()), IMAGES),
    "Flatten": (Flatten, IMAGES),
    "Sequential": (
        lambda: Sequential(Linear(4, 5, rng=rng()), Tanh(), Linear(5, 2, rng=rng())),
        VECTORS,
    ),
    "Residual": (lambda: Residual(Linear(4, 4, rng=rng()), Tanh(), scale=0.5), VECTORS),
}
every_layer = pytest.mark.parametrize(("make", "shape"), CASES.values(), ids=CASES)
every_mode = pytest.mark.parametrize("training", [True, False])


def inputs(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def passed(layer, x, change=lambda x, y: None):
    """Output, input gradient and parameter gradients; `change` acts between the two passes."""
    y = layer(x)
    kept = y.copy()
    delta = inputs(y.shape, 2)
    change(x, y)
    return [kept, layer.backward(delta), *(p.grad for p in layer.parameters())]


def assert_equal(results, expected):
    for a, b in zip(results, expected, strict=True):
        assert np.array_equal(a, b)


def test_every_layer_is_here():
    layers = {
        value
        for value in vars(library).values()
        if inspect.isclass(value) and issubclass(value, Layer) and value is not Layer
    }
    assert {type(make()) for make, _ in CASES.values()} == layers


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def spread(x):
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan)
    wide[..., ::2] = x
    return wide[..., ::2]


MEMORY = {
    "read-only": read_only,
    "Fortran": np.asfortranarray,
    "non-contiguous": spread,
    "reversed": lambda x: x[::-1].copy()[::-1],
}


@every_layer
@every_mode
@pytest.mark.parametrize("arrange", MEMORY.values(), ids=MEMORY)
def test_any_memory_of_the_input_will_do(make, shape, training, arrange):
    x = inputs(shape)
    expected = passed(make().train(training), x.copy())
    arranged = arrange(x)
    results = passed(make().train(training), arranged)
    for a, b in zip(results, expected, strict=True):  # BLAS may sum in another order
        assert np.allclose(a, b, rtol=1e-12, atol=1e-13)
    assert np.array_equal(arranged, x)


@every_layer
@every_mode
def test_any_memory_of_the_gradient_will_do(make, shape, training):
    x = inputs(shape)
    results = []
    for arrange in (np.copy, read_only, np.asfortranarray, spread):
        layer = make().train(training)
        delta = inputs(layer(x).shape, 2)
        arranged = arrange(delta)
        results.append([layer.backward(arranged), *(p.grad for p in layer.parameters())])
        assert np.array_equal(arranged, delta)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert np.allclose(a, b, rtol=1e-12, atol=1e-13)


def spoil_input(x, y):
    x[...] = np.nan


def spoil_output(x, y):
    y[...] = np.nan


@every_layer
@every_mode
@pytest.mark.parametrize("spoil", [spoil_input, spoil_output])
def test_input_and_output_may_be_changed_after_forward(make, shape, training, spoil):
    x = inputs(shape)
    expected = passed(make().train(training), x.copy())
    assert_equal(passed(make().train(training), x.copy(), spoil), expected)


@every_layer
@every_mode
def test_the_input_gradient_may_be_changed_before_a_second_backward(make, shape, training):
    layer = make().train(training)
    delta = inputs(layer(inputs(shape)).shape, 2)
    first = layer.backward(delta)
    kept = first.copy()
    if not np.shares_memory(first, delta):
        first[...] = np.nan
    assert np.array_equal(layer.backward(delta), kept)


@every_layer
@every_mode
def test_without_backward_disturbs_no_pending_backward(make, shape, training):
    x, other = inputs(shape), inputs((3, *shape[1:]), 7)
    expected = passed(make().train(training), x)
    layer = make().train(training)

    def predict(x, y):
        modes = [inner.training for inner in layer.modules()]
        layer.eval()
        with without_backward(layer) as same:
            assert same is layer
            outputs.append(layer(other))
            assert not any(inner.keeps for inner in layer.modules())
        for inner, mode in zip(layer.modules(), modes, strict=True):
            inner.training = mode

    outputs = []
    assert_equal(passed(layer, x, predict), expected)
    assert all(inner.keeps for inner in layer.modules())
    assert_equal(outputs, [layer.eval()(other)])
    # Without it, what was kept is another pass's: the test above can fail.
    if type(layer) not in (Dropout, Dropout2d, StochasticDepth):  # eval keeps one factor for all
        delta = inputs(expected[0].shape, 2)
        with pytest.raises(ValueError, match="gradient must have the shape of the output of"):
            layer.backward(delta)


@every_layer
def test_two_threads_may_use_one_layer_in_evaluation_mode(make, shape):
    layer = make().eval()
    batches = [inputs((n, *shape[1:]), n) for n in (2, 5)]
    expected = [layer(x) for x in batches]
    barrier = Barrier(2)

    def work(i):
        barrier.wait(timeout=30)
        for _ in range(60):
            with without_backward(layer):
                if not np.array_equal(layer(batches[i]), expected[i]):
                    return False
            assert np.array_equal(layer(batches[i]), expected[i])
        return True

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [True, True]


@every_layer
def test_backward_before_forward_says_so(make, shape):
    layer = make()
    with pytest.raises(RuntimeError, match=r"backward of .* was called before forward"):
        layer.backward(np.ones(shape))
    with without_backward(layer):
        layer(inputs(shape))
    with pytest.raises(RuntimeError, match=r"backward of .* was called before forward"):
        layer.backward(np.ones(shape))


@every_layer
@every_mode
def test_a_gradient_of_another_shape_is_refused(make, shape, training):
    layer = make().train(training)
    y = layer(inputs(shape))
    for delta in (1.0, np.ones(y.shape[1:]), np.ones((1, *y.shape[1:])), np.ones((*y.shape, 1))):
        with pytest.raises(ValueError, match=r"gradient must have the shape of the output of .*\("):
            layer.backward(delta)
    assert not any(p.grad.any() for p in layer.parameters())


@every_layer
def test_a_gradient_that_is_no_array_of_floats_is_refused(make, shape):
    layer = make()
    y = layer(inputs(shape))
    for delta in (y.tolist(), np.ones(y.shape, int), np.ones(y.shape, complex)):
        with pytest.raises(TypeError, match="gradient must be an array of float32 or float64, got"):
            layer.backward(delta)
    assert not any(p.grad.any() for p in layer.parameters())


@every_layer
@every_mode
def test_frozen_parameters_get_no_gradient(make, shape, training):
    x = inputs(shape)
    y, dx, *gradients = passed(make().train(training), x)
    layer = make().train(training)
    assert layer.requires_grad_(False) is layer
    assert not layer.learns()
    frozen = passed(layer, x)
    assert_equal(frozen[:2], [y, dx])
    assert not any(g.any() for g in frozen[2:])
    assert layer.requires_grad_().learns() is bool(gradients)
    for i, parameter in enumerate(layer.parameters()):  # each alone
        one = make().train(training)
        one.requires_grad_(False)
        one.parameters()[i].requires_grad_(True)
        results = passed(one, x)
        wanted = [g if i == j else 0 * g for j, g in enumerate(gradients)]
        assert_equal(results, [y, dx, *wanted])
        assert parameter.requires_grad


@every_layer
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies_compute_the_same_with_memory_of_their_own(make, shape, copied):
    layer, x = make(), inputs(shape)
    layer(x)
    twin = copied(layer)
    assert_equal(passed(twin, x), passed(layer, x))
    for p, q in zip(twin.parameters(), layer.parameters(), strict=True):
        assert not np.shares_memory(p.data, q.data)
