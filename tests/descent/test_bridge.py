"""The bridge: what crosses it computes the same, forward, backward and for 100 steps."""

import copy
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from descent import layers
from descent.bridge import OPTIONS, from_torch, to_torch
from descent.layers import (
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    L2Normalize,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    SpectralNorm,
)
from descent.losses import cross_entropy
from descent.networks import MLP, VGG, EmbeddingNet, LeNet5, ResNet, SmallCNN
from descent.optimizers import SGD, Adam

RNG = np.random.default_rng(0)
NETWORKS = {
    "MLP": (MLP([12, 7, 3], norm=BatchNorm1d, rng=RNG), (5, 3, 2, 2)),
    "SmallCNN": (SmallCNN(rng=RNG), (5, 1, 8, 8)),
    "LeNet5": (LeNet5(activation=layers.Tanh, pooling=layers.AvgPool2d, rng=RNG), (3, 1, 28, 28)),
    "VGG": (VGG([(4, 4), (6,)], hidden=(9,), image_size=8, norm=True, rng=RNG), (5, 1, 8, 8)),
    "ResNet": (ResNet(stages=(1, 2), width=4, scale=1.0, rng=RNG), (5, 1, 8, 8)),
    "scaled": (ResNet(stages=(2, 1), width=4, norm=False, scale=0.6, rng=RNG), (5, 1, 8, 8)),
}
OURS = {  # a layer of every kind, away from the defaults, and an input
    "Linear": (Linear(4, 3, bias=False, rng=RNG), (5, 4)),
    "Conv2d": (
        Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2, rng=RNG),
        (3, 4, 7, 6),
    ),
    "Conv2d same": (Conv2d(2, 3, (2, 4), padding="same", bias=False, rng=RNG), (3, 2, 5, 6)),
    "BatchNorm1d": (BatchNorm1d(3, 0.1, None), (4, 3, 5)),
    "BatchNorm2d": (BatchNorm2d(3, 0.01, 0.3, affine=False), (4, 3, 2, 5)),
    "InstanceNorm1d": (layers.InstanceNorm1d(3, 0.01, 0.3, True, True), (4, 3, 5)),
    "InstanceNorm2d": (layers.InstanceNorm2d(3, 0.01), (4, 3, 2, 5)),
    "GroupNorm": (layers.GroupNorm(2, 4, 0.01), (3, 4, 2, 3)),
    "LayerNorm": (layers.LayerNorm((2, 3), 0.01, bias=False), (4, 2, 3)),
    "MaxPool2d": (MaxPool2d((3, 2), (1, 2), (1, 0)), (2, 3, 7, 6)),
    "AvgPool2d": (layers.AvgPool2d(3, 2, 1, count_include_pad=False), (2, 3, 7, 6)),
    "Dropout": (Dropout(0.3, rng=RNG).eval(), (3, 4)),
    "Dropout2d": (layers.Dropout2d(0.3, rng=RNG).eval(), (3, 4, 2, 2)),
    "Flatten": (Flatten(), (3, 4, 2, 2)),
    "ReLU": (ReLU(), (3, 4)),
    "LeakyReLU": (layers.LeakyReLU(0.2), (3, 4)),
    "ELU": (layers.ELU(0.7), (3, 4)),
    "Sigmoid": (layers.Sigmoid(), (3, 4)),
    "Tanh": (layers.Tanh(), (3, 4)),
    "SiLU": (layers.SiLU(), (3, 4)),
    "GELU": (layers.GELU("tanh"), (3, 4)),
    "Softplus": (layers.Softplus(0.7, 1.0), (3, 4)),
    "GlobalAvgPool2d": (GlobalAvgPool2d(), (3, 4, 2, 5)),
    "Residual": (Residual(Linear(4, 4, rng=RNG), Linear(4, 4, rng=RNG), scale=0.3), (3, 4)),
}


def prepared(layer):
    """A copy whose parameters and running statistics are not those of a fresh layer."""
    layer, rng = copy.deepcopy(layer), np.random.default_rng(1)
    for parameter in layer.parameters():
        parameter.data += 0.1 * rng.normal(size=parameter.data.shape)
    for name, buffer in layer.named_buffers().items():
        buffer += np.arange(buffer.size).reshape(buffer.shape) + ("running_var" in name)
    return layer


def passes(layer, x, delta):
    """Output, gradients and buffers of one of our layers after a forward and a backward pass."""
    y = layer(x)
    layer.zero_grad()
    gradients = {"x": layer.backward(delta(y))}
    gradients |= {name: p.grad.copy() for name, p in layer.named_parameters().items()}
    return {"y": y} | gradients | {f"buffer {k}": b for k, b in layer.named_buffers().items()}


def torch_passes(module, x, delta):
    x = torch.tensor(x, requires_grad=True)
    y = module(x)
    module.zero_grad()
    y.backward(torch.tensor(delta(y.detach().numpy())))
    found = {"y": y, "x": x.grad}
    found |= {name: p.grad for name, p in module.named_parameters()}
    found |= {f"buffer {name}": b for name, b in module.named_buffers()}
    return {name: tensor.detach().numpy() for name, tensor in found.items()}


def slopes(y):
    return np.linspace(-1, 2, y.size).reshape(y.shape)


def assert_equal(came, expected, tolerance=1e-10):
    assert came.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(came[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel lengths")
@pytest.mark.parametrize("name", [*NETWORKS, *OURS])
@pytest.mark.parametrize("training", [True, False])
def test_forward_and_gradients_are_equal_both_ways(name, training):
    layer, shape = (NETWORKS | OURS)[name]
    net = prepared(layer).train(training and "Dropout" not in name)
    x = np.random.default_rng(2).normal(size=shape)
    module = to_torch(net)
    back = from_torch(module, rng=np.random.default_rng(0))
    expected = passes(net, x, slopes)
    assert_equal(torch_passes(module, x, slopes), expected)
    assert_equal(passes(back, x, slopes), expected)
    assert list(dict(module.named_parameters())) == list(net.named_parameters())


def test_every_known_kind_is_tried():
    assert OPTIONS.keys() <= {name.split()[0] for name in OURS}


@pytest.mark.parametrize("name", ["MLP", "SmallCNN", "VGG", "ResNet"])
def test_a_hundred_steps_are_equal(name):
    net, shape = copy.deepcopy(NETWORKS[name])
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, *shape[1:]))
    classes = net(x[:2]).shape[1]
    labels = rng.integers(classes, size=40)
    module = to_torch(net)
    pairs = [
        (SGD(net.parameters(), lr=0.01, momentum=0.9), torch.optim.SGD, {"lr": 0.01}),
        (Adam(net.parameters(), lr=1e-3), torch.optim.Adam, {"lr": 1e-3}),
    ]
    for ours, kind, options in pairs:
        options |= {"momentum": 0.9} if kind is torch.optim.SGD else {}
        theirs = kind(module.parameters(), **options)
        for rows in np.array_split(rng.integers(40, size=400), 50):
            ours.zero_grad()
            value, gradient = cross_entropy(net(x[rows]), labels[rows])
            net.backward(gradient, input_gradient=False)
            ours.step()
            theirs.zero_grad()
            loss = nn.functional.cross_entropy(
                module(torch.tensor(x[rows])), torch.tensor(labels[rows])
            )
            loss.backward()
            theirs.step()
            assert value == pytest.approx(loss.item(), rel=1e-8)
    back = from_torch(module)
    for array, expected in zip(back.state_dict().values(), net.state_dict().values(), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    for net in (SmallCNN(rng=RNG, dtype=dtype), BatchNorm1d(3, affine=False, dtype=dtype)):
        module = to_torch(net)
        for state in (net.state_dict(), from_torch(module).state_dict()):
            floats = {a.dtype for a in state.values() if a.dtype.kind == "f"}
            assert floats == {np.dtype(dtype)}


def test_copies_do_not_share_memory():
    net = SmallCNN(rng=np.random.default_rng(0))
    before = net.state_dict()
    module = to_torch(net)
    back = from_torch(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    for name, array in before.items():
        assert np.array_equal(net.state_dict()[name], array)
        assert np.array_equal(back.state_dict()[name], array)


def test_frozen_parameters_and_modes_are_kept():
    net = Sequential(Linear(3, 4, rng=RNG), BatchNorm1d(4), Sequential(Linear(4, 2, rng=RNG)))
    net[0].weight.requires_grad_(False)
    net[1].training = False
    net.training = False
    module = to_torch(net)
    for copied in (module, from_torch(module)):
        named = dict(copied.named_parameters())
        assert [name for name, p in named.items() if not p.requires_grad] == ["0.weight"]
        assert [a.training for a in copied.modules()] == [False, True, False, True, True]


def test_a_part_of_a_network_crosses():
    net = LeNet5(rng=np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(2, 1, 28, 28))
    trunk = to_torch(net[:7])
    np.testing.assert_allclose(trunk(torch.tensor(x)).detach().numpy(), net[:7](x), rtol=1e-12)


def test_the_hands_of_pytorch():
    """A module as PyTorch's users write it, global pooling included."""
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding="same", dtype=torch.float64),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(4, 2, dtype=torch.float64),
    ).eval()
    net = from_torch(module, rng=np.random.default_rng(0))
    assert [type(layer).__name__ for layer in net.layers] == [
        *("Conv2d", "ReLU", "GlobalAvgPool2d", "Flatten", "Dropout", "Linear")
    ]
    x = np.random.default_rng(1).normal(size=(3, 1, 6, 6))
    assert_equal(passes(net, x, slopes), torch_passes(module, x, slopes))


def test_dropout_draws_from_the_generator_that_is_given():
    rng = np.random.default_rng(5)
    net = from_torch(nn.Sequential(nn.Dropout(0.4)), rng=rng)
    assert net[0].rng is rng
    assert net[0].p == 0.4


class Doubled(ReLU):
    def forward(self, x):
        return 2 * super().forward(x)


class WithMore(Sequential):
    def __init__(self):
        super().__init__(ReLU())
        self.more = ReLU()


class OtherOrder(Sequential):
    def forward(self, x):
        return self.layers[0](self.layers[1](x))


class DoubledTorch(nn.ReLU):
    def forward(self, x):
        return 2 * super().forward(x)


def shared_layers():
    net = Sequential(Linear(3, 3, rng=RNG), Linear(3, 3, rng=RNG))
    net[1].weight = net[0].weight
    return net


def hooked():
    module = nn.ReLU()
    module.register_forward_hook(lambda module, x, y: 2 * y)
    return nn.Sequential(module)


class TestRefused:
    @pytest.mark.parametrize(
        ("net", "error", "message"),
        [
            (EmbeddingNet(rng=RNG), TypeError, r"not know layer '7', a descent.*\.L2Normalize; it"),
            (L2Normalize(), TypeError, r"know a descent\.layers\.normalization\.L2Normalize; it"),
            (
                Sequential(Residual(Sequential(SpectralNorm(Linear(2, 2, rng=RNG), rng=RNG)))),
                TypeError,
                r"not know layer '0\.body\.0', a .*SpectralNorm; it knows Sequential, Residual, ",
            ),
            (Sequential(Doubled()), TypeError, "not know layer '0', a .*Doubled"),
            (WithMore(), TypeError, "not know a .*WithMore"),
            (OtherOrder(ReLU(), ReLU()), TypeError, "not know a .*OtherOrder"),
            (
                Sequential(Dropout(0.5, inverted=False, rng=RNG)),
                ValueError,
                "layer '0', a .*Dropout has inverted=False; both libraries have True alone",
            ),
            (shared_layers(), ValueError, "a parameter stands in two layers"),
        ],
    )
    def test_on_the_way_there(self, net, error, message):
        with pytest.raises(error, match=message):
            to_torch(net)

    @pytest.mark.parametrize(
        ("module", "error", "message"),
        [
            (nn.Sequential(nn.Hardswish()), TypeError, r"know layer '0', a torch.*\.Hardswish"),
            (nn.Sequential(DoubledTorch()), TypeError, "know layer '0', a .*DoubledTorch"),
            (nn.Sequential(nn.AdaptiveAvgPool2d(1)), TypeError, "know layer '0', a .*Adaptive"),
            (nn.AdaptiveAvgPool2d(1), TypeError, "know a .*AdaptiveAvgPool2d"),
            (
                nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
                TypeError,
                "know layer '0', a .*AdaptiveAvgPool2d",
            ),
            (nn.Conv2d(1, 1, 3, padding_mode="reflect"), ValueError, "padding_mode='reflect'"),
            (nn.MaxPool2d(2, dilation=2), ValueError, "dilation=2"),
            (nn.MaxPool2d(2, ceil_mode=True), ValueError, "ceil_mode=True"),
            (nn.MaxPool2d(2, return_indices=True), ValueError, "return_indices=True"),
            (nn.AvgPool2d(2, ceil_mode=True), ValueError, "ceil_mode=True"),
            (nn.AvgPool2d(2, divisor_override=3), ValueError, "divisor_override=3"),
            (nn.Flatten(0), ValueError, "start_dim=0"),
            (nn.Flatten(1, 2), ValueError, "end_dim=2; both libraries have -1 alone"),
            (nn.BatchNorm1d(2, bias=False), ValueError, "BatchNorm1d has a weight and no bias"),
            (nn.Linear(2, 2, dtype=torch.bfloat16), TypeError, "float32 or float64 throughout"),
            (
                nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, dtype=torch.float64)),
                TypeError,
                "module must be float32 or float64 throughout",
            ),
            (nn.Sequential(nn.Dropout()), TypeError, r"rng must be a numpy\.random\.Generator"),
            (hooked(), ValueError, r"layer '0', a .*ReLU has hooks.*\['_forward_hooks'\]"),
            (nn.Sequential(*[nn.Linear(2, 2)] * 2), ValueError, "stands in two layers"),
            (
                nn.Sequential(OrderedDict(first=nn.ReLU())),
                ValueError,
                r"a .*Sequential names its layers \['first'\]; ours have numbers",
            ),
        ],
    )
    def test_on_the_way_back(self, module, error, message):
        with pytest.raises(error, match=message):
            from_torch(module)


def test_nothing_else_imports_torch_or_dask():
    code = (
        "import pkgutil, sys, importlib, descent\n"
        "names = [m.name for m in pkgutil.walk_packages(descent.__path__, 'descent.')]\n"
        "for name in names:\n"
        "    if name != 'descent.bridge':\n"
        "        importlib.import_module(name)\n"
        "print(len(names) > 50, {'torch', 'dask', 'distributed'} & sys.modules.keys())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert run.stdout.split() == ["True", "set()"]
