import numpy as np
import pytest
import torch

from descent.gradient_check import check_layer
from descent.layers import BatchNorm1d, Linear, ReLU, Residual, Sequential, Tanh
from descent.networks import MLP


class TorchResidual(torch.nn.Module):
    def __init__(self, body, shortcut, scale):
        super().__init__()
        self.body, self.shortcut, self.scale = body, shortcut, scale

    def forward(self, x):
        return self.shortcut(x) + self.scale * self.body(x)


def pairs(rng):
    T = torch.nn
    return {
        "sequential": (
            Sequential(Linear(3, 5, rng=rng), Tanh(), Linear(5, 3, rng=rng)),
            T.Sequential(T.Linear(3, 5), T.Tanh(), T.Linear(5, 3)),
        ),
        "empty": (Sequential(), T.Sequential()),
        "identity shortcut": (
            Residual(Sequential(Linear(3, 5, rng=rng), Tanh(), Linear(5, 3, rng=rng))),
            TorchResidual(
                T.Sequential(T.Linear(3, 5), T.Tanh(), T.Linear(5, 3)), T.Identity(), 1.0
            ),
        ),
        "scaled, with a projection": (
            Residual(Linear(3, 4, rng=rng), Linear(3, 4, bias=False, rng=rng), scale=0.3),
            TorchResidual(T.Linear(3, 4), T.Linear(3, 4, bias=False), 0.3),
        ),
        "nested": (
            Sequential(
                Tanh(),
                Sequential(
                    Residual(
                        Sequential(Linear(3, 3, bias=False, rng=rng), BatchNorm1d(3), Tanh()),
                        scale=2,
                    ),
                    Residual(Tanh(), Linear(3, 3, rng=rng)),
                ),
                Linear(3, 2, rng=rng),
            ),
            T.Sequential(
                T.Tanh(),
                T.Sequential(
                    TorchResidual(
                        T.Sequential(T.Linear(3, 3, bias=False), T.BatchNorm1d(3), T.Tanh()),
                        T.Identity(),
                        2,
                    ),
                    TorchResidual(T.Tanh(), T.Linear(3, 3), 1),
                ),
                T.Linear(3, 2),
            ),
        ),
    }


NAMES = list(pairs(np.random.default_rng(0)))


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_pytorch(name, assert_same_as_pytorch):
    rng = np.random.default_rng(0)
    assert_same_as_pytorch(*pairs(rng)[name], rng.normal(size=(5, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_central_differences(name):
    rng = np.random.default_rng(0)
    check_layer(pairs(rng)[name][0], rng.normal(size=(5, 3)), rng)


@pytest.mark.parametrize("name", NAMES)
def test_without_the_input_gradient_the_parameters_get_the_same(name):
    rng = np.random.default_rng(0)
    net = pairs(rng)[name][0]
    y = net(rng.normal(size=(5, 3)))
    net.backward(y)
    once = [p.grad.copy() for p in net.parameters()]
    net.zero_grad()
    assert net.backward(y, input_gradient=False) is None
    assert all(np.array_equal(p.grad, g) for p, g in zip(net.parameters(), once, strict=True))
    assert not once or any(g.any() for g in once)


def test_without_the_input_gradient_the_first_layers_are_left_alone():
    class Untouchable(ReLU):
        def backward(self, gradient):
            raise AssertionError("not needed")

    rng = np.random.default_rng(0)
    for first in (Untouchable, lambda: Sequential(Untouchable()), lambda: Residual(Untouchable())):
        net = Sequential(first(), Sequential(first(), Linear(3, 2, rng=rng)), ReLU())
        y = net(np.ones((4, 3)))
        assert net.backward(y, input_gradient=False) is None
        with pytest.raises(AssertionError, match="not needed"):
            net.backward(y)
    block = Residual(Sequential(Untouchable(), Linear(3, 3, rng=rng)))
    assert block.backward(block(np.ones((4, 3))), input_gradient=False) is None
    assert Sequential(Untouchable()).backward(y, input_gradient=False) is None
    assert Residual(Untouchable(), Linear(3, 2, rng=rng)).named_parameters().keys() == {
        "shortcut.weight",
        "shortcut.bias",
    }


def test_residual_by_hand():
    body = Linear(1, 1, rng=np.random.default_rng(0))
    body.weight.data[...], body.bias.data[...] = 3, 1
    block = Residual(body, scale=0.5)
    assert block(np.array([[2.0]])).tolist() == [[5.5]]  # 2 + ½ · 7
    assert block.backward(np.array([[1.0]])).tolist() == [[2.5]]
    assert body.weight.grad.tolist() == [[1.0]]
    assert body.bias.grad.tolist() == [0.5]


def test_residual_keeps_float32():
    body = Linear(3, 3, rng=np.random.default_rng(0), dtype=np.float32)
    block = Residual(body, scale=1 / np.sqrt(np.float64(3)))
    y = block(np.ones((2, 3), np.float32))
    assert y.dtype == block.backward(y).dtype == body.weight.grad.dtype == np.float32


def test_residual_is_one_vector():
    rng = np.random.default_rng(0)
    assert Residual(Linear(3, 4, rng=rng), Linear(3, 4, rng=rng)).flat.data.shape == (32,)


def test_a_layer_has_one_place():
    rng = np.random.default_rng(0)
    relu, linear = ReLU(), Linear(3, 3, rng=rng)
    for act in (
        lambda: Sequential(relu, linear, relu),
        lambda: Sequential(linear, Sequential(linear)),
        lambda: Sequential(Residual(linear), ReLU(), linear),
        lambda: Residual(linear, linear),
        lambda: Residual(Sequential(relu, linear), Sequential(relu)),
    ):
        with pytest.raises(
            ValueError, match=r"layers must differ, got .* both as '.*' and as '.*'"
        ):
            act()
    with pytest.raises(ValueError, match=r"got ReLU\(\) both as '0' and as '1.body.0'"):
        Sequential(relu, Residual(Sequential(relu)))
    assert Sequential(linear, Sequential(relu)).flat.data.size == 12


def test_a_part_of_a_network_is_a_network():
    rng = np.random.default_rng(0)
    net = MLP([3, 5, 4, 2], rng=rng)
    x = rng.normal(size=(6, 3))
    part = net.eval()[:-1]
    assert type(part) is Sequential
    assert list(part) == net.layers[:-1]
    assert part.training is False
    assert net.train()[1:3].training is True
    assert np.array_equal(net[-1:](part(x)), net(x))
    assert part.flat.data.size == 20 + 24
    assert np.shares_memory(part.flat.data, net.flat.data)
    assert list(net[::-2].layers) == net.layers[::-2]
    with pytest.raises(IndexError):
        net[6]


def test_a_network_that_has_more_than_its_layers():
    class Headed(Sequential):
        def __init__(self):
            self.heads = [ReLU()]
            super().__init__(Tanh())

    assert [name for name, _ in Headed().children()] == ["heads.0", "0"]


def test_sequential_is_a_sequence():
    layers = ReLU(), Tanh(), ReLU()
    net = Sequential(*layers)
    assert len(net) == 3
    assert net[1] is layers[1]
    assert list(net) == list(layers)
    assert repr(net) == "Sequential(ReLU(), Tanh(), ReLU())"
    assert repr(Residual(ReLU())) == "Residual(ReLU(), Sequential(), scale=1.0)"


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: Sequential(ReLU(), np.tanh), TypeError, r"layers\[1\] must be a Layer, got"),
        (lambda: Residual(np.tanh), TypeError, "body must be a Layer, got"),
        (lambda: Residual(ReLU(), np.tanh), TypeError, "shortcut must be a Layer, got"),
        (lambda: Residual(ReLU(), scale=np.inf), ValueError, "scale must be finite, got inf"),
        (
            lambda: Residual(Linear(3, 1, rng=np.random.default_rng(0)))(np.ones((2, 3))),
            ValueError,
            r"body must give the shape that shortcut gives, \(2, 3\), got \(2, 1\)",
        ),
    ],
)
def test_bad_input(act, error, message):
    with pytest.raises(error, match=message):
        act()
