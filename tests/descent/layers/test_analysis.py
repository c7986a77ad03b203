import math

import numpy as np
import pytest

from descent.layers import (
    ELU,
    GELU,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    GroupNorm,
    L2Normalize,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from descent.layers.analysis import (
    evaluating,
    flops,
    has_weights,
    parameter_count,
    receptive_field,
    summary,
    trace,
)
from descent.networks import LeNet5, ResNet

RNG = np.random.default_rng(0)


def conv(i, o, k, **options):
    return Conv2d(i, o, k, rng=RNG, **options)


def residual_net():
    return Sequential(
        conv(1, 2, 3, padding=1),
        BatchNorm2d(2),
        Residual(Sequential(conv(2, 2, 3, padding=1), ReLU(), conv(2, 2, 3, padding=1))),
        GlobalAvgPool2d(),
        Linear(2, 3, rng=RNG),
    )


def test_trace_records_leaves_in_the_order_in_which_they_run():
    net = residual_net()
    x = RNG.normal(size=(4, 1, 6, 6))
    steps = trace(net, x)
    assert [s.name for s in steps] == ["0", "1", "2.body.0", "2.body.1", "2.body.2", "3", "4"]
    assert [s.layer for s in steps][:2] == [net[0], net[1]]
    assert steps[0].input is x
    assert steps[1].input is steps[0].output
    assert np.array_equal(steps[-1].output, net(x))
    assert net[1].num_batches_tracked == 2  # in training mode, as the network was
    assert len(trace(net, x)) == 7  # the layers are as they were
    assert all("forward" not in vars(step.layer) for step in steps)


def test_trace_of_a_single_layer():
    relu = ReLU()
    x = np.array([[-1.0, 2.0]])
    assert [(s.name, s.layer) for s in trace(relu, x)] == [("", relu)]
    assert trace(Sequential(), x) == []


def test_trace_leaves_the_layers_alone_after_a_failure():
    net = Sequential(ReLU(), Linear(3, 2, rng=RNG))
    with pytest.raises(ValueError, match="x must have shape"):
        trace(net, np.ones((4, 5)))
    assert all("forward" not in vars(layer) for layer in net)


def test_evaluating_puts_every_mode_back():
    net = Sequential(ReLU(), Sequential(Dropout2d(0.5, rng=RNG)))
    net[1].eval()
    with evaluating(net) as same:
        assert same is net
        assert not any(layer.training for layer in (net, net[0], net[1], net[1][0]))
    assert net.training
    assert net[0].training
    assert not net[1].training
    assert not net[1][0].training
    net.train()
    with pytest.raises(KeyError), evaluating(net):
        raise KeyError
    assert net[1][0].training


def gradient_support(net, image_size):
    """From the first to the last pixel on which the output's middle pixel depends."""
    for p in net.parameters():
        p.data[...] = np.abs(p.data) + 0.1  # nothing cancels, no unit is off
    rng = np.random.default_rng(0)
    reached = np.zeros((1, 1, image_size, image_size), bool)
    for _ in range(20):  # a maximum reaches one pixel alone: look at several images
        y = net(rng.uniform(0.5, 1, size=reached.shape))
        delta = np.zeros_like(y)
        delta[0, 0, y.shape[2] // 2, y.shape[3] // 2] = 1
        reached |= net.backward(delta) != 0
    rows, columns = np.nonzero(reached[0, 0])
    return np.ptp(rows) + 1, np.ptp(columns) + 1


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (lambda: [conv(1, 1, 3), AvgPool2d(2), conv(1, 1, 3), AvgPool2d(2), conv(1, 1, 3)], 18),
        (lambda: [conv(1, 1, 3), MaxPool2d(2), conv(1, 1, 3), MaxPool2d(2), conv(1, 1, 3)], 18),
        (lambda: [conv(1, 1, 3), conv(1, 1, 3, stride=2), ReLU(), conv(1, 1, 5)], 13),
        (lambda: [conv(1, 2, 3, dilation=2), conv(2, 1, 3, stride=3, dilation=3)], 11),
        (lambda: [conv(1, 1, (3, 5)), conv(1, 1, 3, stride=(2, 1)), conv(1, 1, 3)], (9, 9)),
        (lambda: [conv(1, 1, (3, 1)), conv(1, 1, 3, dilation=(1, 4))], (5, 9)),
        (
            lambda: [
                Residual(Sequential(conv(1, 1, 3, padding=1), conv(1, 1, 3, padding=1))),
                Residual(conv(1, 1, 1), conv(1, 1, 3, padding=1)),
                Residual(conv(1, 1, 3, stride=2, padding=1), Sequential(conv(1, 1, 1, stride=2))),
                conv(1, 1, 3),
            ],
            13,
        ),
        (list, 1),
    ],
)
def test_the_receptive_field_is_the_support_of_the_gradient(layers, expected):
    net = Sequential(*layers())
    expected = expected if isinstance(expected, tuple) else (expected, expected)
    assert receptive_field(net) == expected
    assert gradient_support(net, 41) == expected


def test_layers_that_keep_the_receptive_field():
    net = Sequential(conv(1, 2, 3), BatchNorm2d(2), Dropout2d(0.5, rng=RNG), LeakyReLU())
    activations = [ReLU(), ELU(), GELU(), SiLU(), Sigmoid(), Softplus(), Tanh(), BatchNorm1d(2)]
    assert receptive_field(Sequential(net, *activations)) == (3, 3)
    assert receptive_field(conv(1, 1, 5)) == (5, 5)


@pytest.mark.parametrize(
    "layer",
    [
        Flatten(),
        GlobalAvgPool2d(),
        GroupNorm(1, 2),
        L2Normalize(),
        LayerNorm(2),
        Linear(2, 2, rng=RNG),
    ],
)
def test_layers_that_see_everything(layer):
    assert receptive_field(Sequential(conv(1, 2, 3), layer)) == (math.inf, math.inf)
    assert receptive_field(Sequential(layer, conv(1, 2, 3))) == (math.inf, math.inf)


def test_a_layer_of_unknown_reach_is_refused():
    class Unknown(Layer):
        def __repr__(self):
            return "Unknown()"

    for layers in ([ReLU(), Unknown()], [Unknown(), Linear(1, 1, rng=RNG)]):
        with pytest.raises(TypeError, match=r"unknown receptive field, Unknown\(\)"):
            receptive_field(Sequential(*layers))
    with pytest.raises(TypeError, match=r"unknown receptive field, Unknown\(\)"):
        receptive_field(Residual(Unknown()))


class Swish(Layer):
    """As a reader may write it, with a parameter of its own."""

    def __init__(self):
        self.beta = Parameter(np.ones(1))

    def forward(self, x):
        return x / (1 + np.exp(-self.beta.data * x))


class Block(Layer):
    """A reader's layer that is made of layers."""

    def __init__(self):
        self.branches = [conv(1, 1, 3, padding=1), Swish()]

    def forward(self, x):
        return self.branches[1](self.branches[0](x)) + x


def test_a_summary_takes_layers_that_a_reader_writes():
    net = Sequential(
        conv(1, 1, 3), Swish(), Block(), MaxPool2d(2), Flatten(), Linear(4, 2, rng=RNG)
    )
    assert (
        summary(net, (1, 6, 6))
        == """\
layer                output  parameters  multiply-adds  receptive field
0 Conv2d              1×4×4          10            144              3×3
1 Swish               1×4×4           1              0                ?
2.branches.0 Conv2d   1×4×4          10            144                ?
2.branches.1 Swish    1×4×4           1              0                ?
3 MaxPool2d           1×2×2           0              0                ?
4 Flatten                 4           0              0              all
5 Linear                  2          10              8              all
total                                32            296              all"""
    )
    assert summary(net[:2], (1, 6, 6)).splitlines()[-1].endswith("?")


def test_tracing_disturbs_no_pending_backward():
    net, x = residual_net(), np.random.default_rng(0).normal(size=(2, 1, 6, 6))
    delta = net.eval()(x)
    expected = net.backward(delta)
    net(x)
    summary(net, (1, 6, 6))
    trace(net, x[:1])
    assert np.array_equal(net.backward(delta), expected)


def test_counts_by_hand():
    assert parameter_count(LeNet5(rng=RNG)) == 61_706
    # 6·25·28² + 6·16·25·10² + 400·120 + 120·84 + 84·10
    assert flops(LeNet5(rng=RNG), (1, 28, 28)) == 117_600 + 240_000 + 48_000 + 10_080 + 840
    grouped = conv(4, 6, 3, groups=2, stride=2)
    assert flops(grouped, (4, 7, 9)) == 6 * 2 * 9 * 3 * 4
    assert flops(Linear(3, 4, bias=False, rng=RNG), (3,)) == 12
    assert flops(Sequential(ReLU(), BatchNorm2d(2)), (2, 3, 3)) == 0
    assert flops(ReLU(), (5,)) == 0
    assert parameter_count(ReLU()) == 0


def test_flops_of_a_residual_network():
    net = ResNet(stages=(1, 1), width=4, in_channels=1, classes=3, rng=RNG)
    convolutions = 36 * 64 + 2 * 4 * 36 * 64 + 8 * 36 * 16 + 8 * 72 * 16 + 8 * 4 * 16
    assert flops(net, (1, 8, 8)) == convolutions + 8 * 3


def test_counting_has_no_side_effects():
    net = residual_net()
    before = net.state_dict()
    assert flops(net, (1, 6, 6)) > 0
    assert summary(net, [1, 6, 6]).startswith("layer")
    assert all(np.array_equal(a, before[name]) for name, a in net.state_dict().items())
    assert net.training
    assert net[1].training
    single = Linear(3, 4, rng=RNG, dtype=np.float32)
    assert flops(single, (3,)) == 12


def test_summary():
    expected = """\
layer              output  parameters  multiply-adds  receptive field
0 Conv2d            2×6×6          20            648              3×3
1 BatchNorm2d       2×6×6           4              0              3×3
2.body.0 Conv2d     2×6×6          38          1,296              5×5
2.body.1 ReLU       2×6×6           0              0              5×5
2.body.2 Conv2d     2×6×6          38          1,296              7×7
3 GlobalAvgPool2d       2           0              0              all
4 Linear                3           9              6              all
total                             109          3,246              all"""
    assert summary(residual_net(), (1, 6, 6)) == expected
    assert summary(ReLU(), (2, 3)).splitlines()[1].split() == ["ReLU", "2×3", "0", "0", "1×1"]


def test_bad_input_shapes():
    with pytest.raises(ValueError, match="input_shape must be finite and ≥ 1, got 0"):
        flops(ReLU(), (0,))
    with pytest.raises(TypeError, match=r"input_shape must be an integer, got 2\.0"):
        summary(ReLU(), (2.0,))
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3\), got \(1, 4\)"):
        flops(Linear(3, 4, rng=RNG), (4,))


def test_layers_with_weights():
    assert has_weights(conv(1, 1, 1))
    assert has_weights(Linear(1, 1, rng=RNG))
    assert not has_weights(BatchNorm2d(1))
