import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.checks import NotFiniteError
from descent.gradient_check import check_layer, relative_error
from descent.layers import BatchNorm1d, BatchNorm2d, GroupNorm, L2Normalize, LayerNorm

BATCH_NORMS = [
    (BatchNorm1d, torch.nn.BatchNorm1d, (6, 3)),
    (BatchNorm1d, torch.nn.BatchNorm1d, (4, 3, 5)),
    (BatchNorm2d, torch.nn.BatchNorm2d, (4, 3, 2, 5)),
]
OPTIONS = [
    {},
    {"momentum": None},
    {"momentum": 0.7, "eps": 0.1},
    {"affine": False},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
]


def randomized(layer):
    """The same layer with weights, biases and running statistics that are not 1 and 0."""
    rng = np.random.default_rng(9)
    for parameter in layer.parameters():
        parameter.data[...] = rng.normal(size=parameter.data.shape)
    for name, buffer in layer.named_buffers().items():
        buffer[...] = 4 if name == "num_batches_tracked" else rng.uniform(1, 2, buffer.shape)
    return layer


@pytest.mark.parametrize(("ours", "theirs", "shape"), BATCH_NORMS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("training", [True, False])
class TestBatchNorm:
    def test_agrees_with_pytorch(
        self, ours, theirs, shape, options, training, assert_same_as_pytorch
    ):
        layer = randomized(ours(3, **options)).train(training)
        x = 5 + 2 * np.random.default_rng(0).normal(size=shape)
        assert_same_as_pytorch(layer, theirs(3, **options).train(training), x)

    def test_central_differences(self, ours, theirs, shape, options, training):
        rng = np.random.default_rng(0)
        layer = randomized(ours(3, **options)).train(training)
        check_layer(layer, rng.normal(size=shape), rng)

    def test_keeps_float32(self, ours, theirs, shape, options, training):
        layer = ours(3, **options, dtype=np.float32).train(training)
        y = layer(np.random.default_rng(0).normal(size=shape).astype(np.float32))
        assert y.dtype == layer.backward(y).dtype == np.float32
        assert {p.grad.dtype for p in layer.parameters()} <= {np.dtype(np.float32)}
        for name, buffer in layer.named_buffers().items():
            assert buffer.dtype == (np.int64 if name == "num_batches_tracked" else np.float32)

    def test_gradients_accumulate_and_the_input_may_be_skipped(
        self, ours, theirs, shape, options, training
    ):
        layer = randomized(ours(3, **options)).train(training)
        y = layer(np.random.default_rng(0).normal(size=shape))
        first = layer.backward(y)
        once = [p.grad.copy() for p in layer.parameters()]
        assert np.array_equal(layer.backward(y), first)
        assert layer.backward(y, input_gradient=False) is None
        for p, grad in zip(layer.parameters(), once, strict=True):
            assert np.allclose(p.grad, 3 * grad, rtol=1e-14)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_over_several_batches(momentum):
    ours = BatchNorm2d(2, momentum=momentum)
    theirs = torch.nn.BatchNorm2d(2, momentum=momentum, dtype=torch.float64)
    rng = np.random.default_rng(0)
    batches = [rng.normal(3, 2, size=(4, 2, 3, 3)) for _ in range(3)]
    for x in batches:
        ours(x)
        theirs(torch.tensor(x))
    assert ours.num_batches_tracked == 3
    assert relative_error(ours.running_mean, theirs.running_mean.numpy()) < 1e-14
    assert relative_error(ours.running_var, theirs.running_var.numpy()) < 1e-14
    if momentum is None:
        means = np.mean([x.mean(axis=(0, 2, 3)) for x in batches], axis=0)
        variances = np.mean([x.var(axis=(0, 2, 3), ddof=1) for x in batches], axis=0)
        assert np.allclose(ours.running_mean, means, rtol=1e-14)
        assert np.allclose(ours.running_var, variances, rtol=1e-14)


def test_the_biased_variance_normalizes_and_the_unbiased_one_is_stored():
    layer = BatchNorm1d(1, eps=0, momentum=1)
    x = np.array([[0.0], [4.0]])
    assert layer(x).tolist() == [[-1.0], [1.0]]  # biased variance 4
    assert layer.running_mean.tolist() == [2.0]
    assert layer.running_var.tolist() == [8.0]
    layer.eval()
    assert np.allclose(layer(x), np.array([[-2.0], [2.0]]) / np.sqrt(8), rtol=1e-15)


def test_batch_norm_backward_by_hand():
    layer = BatchNorm1d(1, eps=0)
    layer.weight.data[...] = 3
    layer(np.array([[0.0], [4.0], [8.0], [4.0]]))  # σ² = 8, x̂ = (−√2, 0, √2, 0)
    dx = layer.backward(np.array([[0.0], [1.0], [0.0], [0.0]]))
    assert np.allclose(dx.ravel(), 3 / np.sqrt(8) * np.array([-1, 3, -1, -1]) / 4, rtol=1e-14)
    assert layer.bias.grad.tolist() == [1.0]
    assert np.allclose(layer.weight.grad, 0, atol=1e-15)


def test_evaluation_changes_no_buffer_and_training_none_of_the_input():
    layer = BatchNorm2d(3)
    x = np.random.default_rng(0).normal(size=(4, 3, 2, 2))
    kept = x.copy()
    delta = layer(x)
    kept_delta = delta.copy()
    before = layer.state_dict()
    layer.backward(delta)
    layer.eval()(x)
    layer.backward(delta)
    assert all(np.array_equal(a, before[name]) for name, a in layer.state_dict().items())
    assert np.array_equal(x, kept)
    assert np.array_equal(delta, kept_delta)


def test_without_tracking_there_are_no_buffers():
    layer = BatchNorm2d(3, track_running_stats=False)
    assert layer.named_buffers() == {}
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert list(BatchNorm2d(3).state_dict()) == list(torch.nn.BatchNorm2d(3).state_dict())


def test_non_contiguous_input(assert_same_as_pytorch):
    x = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).transpose(0, 3, 1, 2)
    assert_same_as_pytorch(BatchNorm2d(3), torch.nn.BatchNorm2d(3), x)
    assert_same_as_pytorch(GroupNorm(1, 3), torch.nn.GroupNorm(1, 3), x)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_batch_norm_output_has_mean_0_and_variance_1(N, C, H, W):
    x = np.random.default_rng(N + 10 * C).normal(3, 5, size=(N, C, H, W))
    y = BatchNorm2d(C, eps=0)(x)
    assert y.shape == x.shape
    assert np.allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    assert np.allclose(y.var(axis=(0, 2, 3)), 1, atol=1e-12)


def test_scaling_the_weights_before_batch_norm_divides_their_gradient():
    rng = np.random.default_rng(0)
    layer, x, delta = BatchNorm1d(3, eps=0), rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
    y, y10 = layer(10 * x), layer(x)
    assert np.allclose(y, y10, rtol=1e-12)
    dx = layer.backward(delta)
    layer(10 * x)
    assert np.allclose(layer.backward(delta), dx / 10, rtol=1e-10)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (BatchNorm2d(3), (4, 2, 5, 5), r"x must have shape \(N, 3, H, W\), got \(4, 2, 5, 5\)"),
        (BatchNorm2d(3), (4, 3), r"x must have shape \(N, 3, H, W\), got \(4, 3\)"),
        (BatchNorm1d(3), (4, 2), r"x must have shape \(N, 3\), got \(4, 2\)"),
        (BatchNorm1d(3), (4, 2, 5), r"x must have shape \(N, 3, L\), got \(4, 2, 5\)"),
        (BatchNorm1d(3), (4, 3, 5, 5), r"x must have shape \(N, 3, L\)"),
        (BatchNorm1d(3), (1, 3), r"x must .* one value per channel.* \(1, 3, 1\): the vari"),
        (BatchNorm2d(3), (1, 3, 1, 1), "x must have more than one value per channel"),
        (LayerNorm((2, 3)), (4, 3, 2), r"x must have shape \(N0, 2, 3\), got \(4, 3, 2\)"),
        (LayerNorm((2, 3)), (3,), r"x must have shape \(2, 3\), got \(3,\)"),
        (GroupNorm(2, 4), (4, 3, 2), r"x must have shape \(N, 4, D0\), got \(4, 3, 2\)"),
        (GroupNorm(2, 4), (4,), r"x must have shape \(N, 4\), got \(4,\)"),
        (L2Normalize(), (4,), r"x must have shape \(N, D\), got \(4,\)"),
    ],
)
def test_wrong_shapes(layer, shape, message):
    before = layer.state_dict()
    with pytest.raises(ValueError, match=message):
        layer(np.ones(shape))
    assert all(np.array_equal(a, before[name]) for name, a in layer.state_dict().items())


def test_one_value_per_channel_is_enough_in_evaluation():
    assert np.allclose(BatchNorm1d(2, eps=0).eval()(np.array([[3.0, 4.0]])), [[3, 4]])


@pytest.mark.parametrize(
    ("make", "sizes"), [(BatchNorm1d, [3]), (LayerNorm, [3]), (GroupNorm, [1, 3])]
)
def test_wrong_dtype(make, sizes):
    with pytest.raises(TypeError, match="x must be float64 like the layer's parameters, got flo"):
        make(*sizes)(np.ones((4, 3), np.float32))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: BatchNorm2d(0), ValueError, "num_features must be finite and ≥ 1, got 0"),
        (lambda: BatchNorm2d(2.0), TypeError, "num_features must be an integer"),
        (lambda: BatchNorm2d(2, eps=-1), ValueError, "eps must be finite and ≥ 0, got -1"),
        (lambda: BatchNorm2d(2, momentum=-0.1), ValueError, "momentum must be finite and ≥ 0"),
        (lambda: BatchNorm2d(2, momentum=1.1), ValueError, "momentum must be .* ≤ 1, got 1.1"),
        (lambda: LayerNorm(0), ValueError, "normalized_shape must be finite and ≥ 1, got 0"),
        (lambda: LayerNorm((2, 0)), ValueError, "normalized_shape must be finite and ≥ 1, got 0"),
        (lambda: LayerNorm(()), ValueError, r"^normalized_shape must name at least one axis"),
        (lambda: LayerNorm(2, eps=-1), ValueError, "eps must be finite and ≥ 0, got -1"),
        (lambda: GroupNorm(2, 3), ValueError, "num_groups must divide num_channels 3, got 2"),
        (lambda: GroupNorm(0, 3), ValueError, "num_groups must be finite and ≥ 1, got 0"),
        (lambda: GroupNorm(1, 0), ValueError, "num_channels must be finite and ≥ 1, got 0"),
        (lambda: GroupNorm(1, 2, eps=-1), ValueError, "eps must be finite and ≥ 0, got -1"),
        (lambda: L2Normalize(0), ValueError, "eps must be finite and > 0, got 0"),
    ],
)
def test_bad_options(make, error, message):
    with pytest.raises(error, match=message):
        make()


ROW_NORMS = [
    (LayerNorm, torch.nn.LayerNorm, [3], {}, (4, 3)),
    (LayerNorm, torch.nn.LayerNorm, [3], {"eps": 0.1}, (2, 4, 3)),
    (LayerNorm, torch.nn.LayerNorm, [(4, 3)], {}, (2, 4, 3)),
    (LayerNorm, torch.nn.LayerNorm, [(4, 3)], {"bias": False}, (2, 4, 3)),
    (LayerNorm, torch.nn.LayerNorm, [[3]], {"elementwise_affine": False}, (5, 3)),
    (LayerNorm, torch.nn.LayerNorm, [3], {}, (3,)),
    (GroupNorm, torch.nn.GroupNorm, [2, 4], {}, (3, 4)),
    (GroupNorm, torch.nn.GroupNorm, [1, 4], {"eps": 0.1}, (3, 4, 5)),
    (GroupNorm, torch.nn.GroupNorm, [4, 4], {}, (3, 4, 5, 2)),
    (GroupNorm, torch.nn.GroupNorm, [2, 6], {"affine": False}, (3, 6, 2, 2)),
]


@pytest.mark.parametrize(("ours", "theirs", "sizes", "options", "shape"), ROW_NORMS)
@pytest.mark.parametrize("training", [True, False])
def test_layer_and_group_norm_agree_with_pytorch(
    ours, theirs, sizes, options, shape, training, assert_same_as_pytorch
):
    layer = randomized(ours(*sizes, **options)).train(training)
    x = 5 + 2 * np.random.default_rng(0).normal(size=shape)
    assert_same_as_pytorch(layer, theirs(*sizes, **options).train(training), x)


@pytest.mark.parametrize(("ours", "_", "sizes", "options", "shape"), ROW_NORMS)
def test_layer_and_group_norm_central_differences(ours, _, sizes, options, shape):
    rng = np.random.default_rng(0)
    check_layer(randomized(ours(*sizes, **options)), rng.normal(size=shape), rng)


@pytest.mark.parametrize(("ours", "_", "sizes", "options", "shape"), ROW_NORMS)
def test_layer_and_group_norm_accumulate_and_may_skip_the_input(ours, _, sizes, options, shape):
    layer = randomized(ours(*sizes, **options))
    y = layer(np.random.default_rng(0).normal(size=shape))
    layer.backward(y)
    once = [p.grad.copy() for p in layer.parameters()]
    assert layer.backward(y, input_gradient=False) is None
    for p, grad in zip(layer.parameters(), once, strict=True):
        assert np.allclose(p.grad, 2 * grad, rtol=1e-14)


def test_layer_and_group_norm_keep_float32():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    for layer in (
        LayerNorm(4, eps=np.float64(1e-5), dtype=np.float32),
        GroupNorm(2, 4, eps=np.float64(1e-5), dtype=np.float32),
        BatchNorm1d(4, eps=np.float64(1e-5), dtype=np.float32),
        L2Normalize(np.float64(1e-5)),
    ):
        y = layer(x)
        assert y.dtype == layer.backward(y).dtype == np.float32
        assert {p.grad.dtype for p in layer.parameters()} <= {np.dtype(np.float32)}


def test_layer_norm_by_hand():
    layer = LayerNorm(2, eps=0)
    layer.weight.data[...] = [1, 10]
    layer.bias.data[...] = [0, 5]
    assert layer(np.array([[1.0, 3.0]])).tolist() == [[-1.0, 15.0]]
    assert layer.backward(np.array([[1.0, 1.0]])).tolist() == [[0.0, 0.0]]
    assert layer.weight.grad.tolist() == [-1.0, 1.0]
    assert layer.bias.grad.tolist() == [1.0, 1.0]


def test_group_norm_by_hand():
    layer = GroupNorm(2, 4, eps=0)
    assert layer(np.array([[1.0, 3.0, 20.0, 10.0]])).tolist() == [[-1.0, 1.0, 1.0, -1.0]]


@pytest.mark.parametrize("eps", [1e-12, 2.0])
def test_l2_normalize_agrees_with_pytorch(eps):
    x = np.array([[3.0, 4.0], [0.6, -0.8], [0.0, 0.0], [-5.0, 1.0], [0.0, 2.0]])
    torch_x = torch.tensor(x, requires_grad=True)
    delta = np.random.default_rng(0).normal(size=x.shape)
    output = torch.nn.functional.normalize(torch_x, eps=eps)
    output.backward(torch.tensor(delta))
    layer = L2Normalize(eps)
    assert relative_error(layer(x), output.detach().numpy()) < 1e-14
    for ours, theirs in zip(layer.backward(delta), torch_x.grad.numpy(), strict=True):
        assert relative_error(ours, theirs) < 1e-14


def test_l2_normalize_by_hand_and_central_differences():
    layer = L2Normalize()
    assert layer(np.array([[3.0, 4.0]])).tolist() == [[0.6, 0.8]]
    assert np.allclose(layer.backward(np.array([[1.0, 0.0]])), [[0.128, -0.096]], rtol=1e-14)
    assert np.allclose(layer.backward(np.array([[3.0, 4.0]])), 0, atol=1e-15)
    rng = np.random.default_rng(0)
    check_layer(layer, rng.normal(size=(4, 3)), rng)
    check_layer(L2Normalize(10), rng.normal(size=(4, 3)), rng)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (BatchNorm1d(3), "BatchNorm1d(3)"),
        (BatchNorm2d(3), "BatchNorm2d(3)"),
        (LayerNorm(3), "LayerNorm((3,))"),
        (GroupNorm(2, 4), "GroupNorm(2, 4)"),
        (L2Normalize(), "L2Normalize(eps=1e-12)"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


def test_defaults():
    assert (BatchNorm2d(1).eps, BatchNorm2d(1).momentum) == (1e-5, 0.1)
    assert LayerNorm(1).eps == GroupNorm(1, 1).eps == 1e-5
    assert L2Normalize().eps == 1e-12


ROWS = (64, 4, 25)
MAKERS = {
    "BatchNorm1d": lambda dtype: BatchNorm1d(4, dtype=dtype),
    "GroupNorm": lambda dtype: GroupNorm(4, 4, dtype=dtype),
    "LayerNorm": lambda dtype: LayerNorm(25, dtype=dtype),
}
every_norm = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_norm
@pytest.mark.parametrize("mean", [0, 3, 100, 1e4, -1e4])
def test_a_large_mean_costs_no_digits(make, mean):
    """Of the deviations nothing is lost that float32 input still holds."""
    x = np.random.default_rng(0).normal(mean, 1, size=ROWS).astype(np.float32)
    exact = make(np.float64)(x.astype(np.float64))
    assert np.abs(make(np.float32)(x) - exact).max() < 3e-6


@every_norm
@pytest.mark.parametrize("value", [73.12, -0.1, 1e6])
def test_a_constant_becomes_zero(make, value):
    x = np.full(ROWS, value, np.float32)
    assert np.abs(make(np.float32)(x)).max() < 1e-6 * abs(value)


def test_the_running_mean_of_a_constant_is_the_constant():
    layer = BatchNorm1d(1, momentum=1, dtype=np.float32)
    layer(np.full((64, 1, 196), 73.12, np.float32))
    assert layer.running_mean[0] == np.float32(73.12)


@pytest.mark.parametrize("scale", [3e19, 1e30])
def test_squares_that_overflow(scale):
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    large = (scale * x.astype(float)).astype(np.float32)
    for layer in (LayerNorm(4, eps=0, dtype=np.float32), GroupNorm(2, 4, eps=0, dtype=np.float32)):
        assert np.allclose(layer(large), layer(x), atol=1e-5)
        assert np.allclose(layer.backward(x), layer.backward(x), atol=1e-5)
    assert np.allclose(L2Normalize()(large), L2Normalize()(x), atol=1e-6)
    layer = BatchNorm1d(4, dtype=np.float32)
    before = layer.state_dict()
    large[:, :2] = 1
    message = r"x is too large: in float32 the variance of channel 2 overflows, with values up to"
    with pytest.raises(NotFiniteError, match=message):
        layer(large)
    assert all(np.array_equal(a, before[n]) for n, a in layer.state_dict().items())
    large[0, 0] = np.nan
    with np.errstate(all="ignore"):
        assert np.isnan(layer(large)[:, 0]).all()


def test_small_rows_have_a_length():
    x = np.array([[3e-30, 4e-30]], np.float32)
    assert np.allclose(L2Normalize(eps=1e-37)(x), [[0.6, 0.8]])


@pytest.mark.parametrize(
    "layer",
    [
        BatchNorm1d(4, eps=0, dtype=np.float32),
        LayerNorm(4, eps=0, dtype=np.float32),
        GroupNorm(2, 4, eps=0, dtype=np.float32),
    ],
    ids=repr,
)
@pytest.mark.parametrize("x", [np.ones((3, 4)), 1e-44 * np.arange(12).reshape(3, 4)])
def test_a_variance_that_nothing_can_be_divided_by_needs_eps(layer, x):
    before = layer.state_dict()
    with pytest.raises(
        ValueError, match=r"a variance is 0, or too small to divide by in float32; .* eps > 0"
    ):
        layer(x.astype(np.float32))
    assert all(np.array_equal(a, before[n]) for n, a in layer.state_dict().items())


def test_a_running_variance_of_zero_needs_eps():
    layer = BatchNorm1d(1, eps=0).eval()
    layer.running_var[...] = 0
    with pytest.raises(ValueError, match="a variance is 0"):
        layer(np.array([[1.0], [2.0]]))


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (LayerNorm(4, dtype=np.float32), "a mean or a variance"),
        (GroupNorm(1, 4, dtype=np.float32), "a mean or a variance"),
        (BatchNorm1d(4, dtype=np.float32), "the variance of channel 0"),
        (L2Normalize(), "the length of a row"),
    ],
    ids=repr,
)
def test_sums_that_overflow(layer, what):
    x = np.full((6, 4), 3e38, np.float32)
    with pytest.raises(NotFiniteError, match=f"x is too large: in float32 {what} overflows"):
        layer(x)


def test_a_large_constant_has_no_spread_and_no_warning():
    layer = BatchNorm1d(1, momentum=1, dtype=np.float32)
    layer(np.full((4, 1), 2.0**70, np.float32))
    assert (layer.running_mean, layer.running_var) == (2.0**70, 0)
