"""Parameters and the memory that they share."""

import copy
import pickle

import numpy as np
import pytest

from descent.layers import Linear, Parameter, ReLU, Residual, Sequential, coalesce, flatten
from descent.networks import MLP

COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}


def linear(n=2, m=2, dtype=np.float64):
    return Linear(n, m, rng=np.random.default_rng(0), dtype=dtype)


@pytest.fixture
def net():
    return MLP([2, 3, 4], rng=np.random.default_rng(0))


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_keeps_one_vector_of_its_own(net, copied):
    net.flat.grad[...] = np.arange(net.flat.data.size)
    net[1].weight.requires_grad_(False)
    twin = copied(net)
    before = net.flat.data.copy()
    assert np.array_equal(twin.flat.data, before)
    assert np.array_equal(twin.flat.grad, net.flat.grad)
    assert not np.shares_memory(twin.flat.data, net.flat.data)
    assert [p.requires_grad for p in twin.parameters()] == [False, True, True, True]
    assert twin[3].bias.name == "3.bias"
    twin.flat.data[...] += 1
    assert np.array_equal(twin[3].bias.data, before[-4:] + 1)
    assert np.array_equal(net.flat.data, before)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_what_shares_memory_shares_it_in_the_copy(net, copied):
    twin, flat, part = copied((net, net.flat, net[:-1]))
    flat.data[...] = 7
    assert (twin[1].weight.data == 7).all()
    part[1].weight.grad[...] = 5
    assert (twin[1].weight.grad == 5).all()
    assert part[1] is twin[1]


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_parameter_that_moved_alone_is_copied_as_it_is(net, copied):
    net[1].weight.data = np.full((3, 2), 9.0)
    twin = copied(net)
    assert (twin[1].weight.data == 9).all()
    assert np.array_equal(twin[1].bias.data, net[1].bias.data)
    assert len(coalesce(twin.parameters())) == 2


@pytest.mark.parametrize(
    "wrap",
    [
        lambda net: Sequential(*net.layers[:-1]),
        lambda net: net[:-1],
        lambda net: net[1:],
        lambda net: Sequential(net[3], net[1]),
        lambda net: Sequential(Sequential(*net.layers[:2]), net[3]),
        lambda net: Residual(net[1], net[3]),
        lambda net: flatten(net.parameters()),
        lambda net: flatten(net.parameters()[::2]),
    ],
)
def test_what_lies_in_one_vector_is_never_moved(net, wrap):
    arrays = [(p.data, p.grad) for p in net.parameters()]
    names = [p.name for p in net.parameters()]
    wrap(net)
    for p, (data, grad) in zip(net.parameters(), arrays, strict=True):
        assert p.data is data
        assert p.grad is grad
    assert [p.name for p in net.parameters()] == names == list(net.named_parameters())
    assert net.flat.data.size == 25


def test_names_are_those_in_the_network_that_holds_the_vector():
    inner = Sequential(linear(), ReLU())
    assert inner[0].weight.name == "0.weight"
    assert linear().weight.name is None
    Sequential(linear(), inner)
    assert inner[0].weight.name == "1.0.weight"


def test_an_assignment_in_place_moves_nothing(net):
    p = net[1].weight
    data, storage = p.data, p.storage
    p.data += 1
    p.grad -= 2
    p.data[...] = 3
    p.data = p.data
    assert p.data is data
    assert p.storage is storage
    assert storage.left == []


@pytest.mark.parametrize("which", ["data", "grad"])
def test_an_assignment_of_another_array_moves(net, which):
    p, new = net[1].weight, np.full((3, 2), 4.0)
    storage, other = p.storage, p.grad if which == "data" else p.data
    setattr(p, which, new)
    assert getattr(p, which) is new
    assert (p.grad if which == "data" else p.data) is other
    assert storage.left == [(0, 6)]
    assert [run.data.size for run in coalesce(net.parameters())] == [6, 19]
    with pytest.raises(ValueError, match="lie in 2 pieces of memory"):
        _ = net.flat
    assert flatten(net.parameters()) is True
    assert (getattr(net.flat, which)[:6] == 4).all()


def test_one_dtype():
    with pytest.raises(TypeError, match=r"one dtype, got \['float32', 'float64'\]"):
        Sequential(linear(), linear(dtype=np.float32))


def test_a_shared_parameter_is_moved_once():
    a, b = linear(), linear()
    b.weight = a.weight
    net = Sequential(a, b)
    assert list(net.named_parameters()) == ["0.weight", "0.bias", "1.bias"]
    assert net.flat.data.size == 8
    assert net[0].weight.data is net[1].weight.data
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    state["0.weight"] = state["1.weight"] = np.ones((2, 2))
    net.load_state_dict(state)
    assert (net.flat.data[:4] == 1).all()


def test_requires_grad():
    p = Parameter(np.ones(2))
    assert p.requires_grad
    assert p.requires_grad_(False) is p
    assert p.requires_grad is False
    assert p.requires_grad_() is p
    assert p.requires_grad is True


def read_only():
    array = np.ones(3)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda p: Parameter(read_only()), ValueError, r"data of shape \(3,\) is read-only; pass"),
        (lambda p: Parameter(np.ones(3), read_only()), ValueError, "grad of shape .* read-only"),
        (lambda p: setattr(p, "data", np.ones(4)), ValueError, r"data must have shape \(3,\), got"),
        (lambda p: setattr(p, "grad", np.ones((3, 1))), ValueError, r"grad must have shape \(3,\)"),
        (lambda p: setattr(p, "data", np.ones(3, int)), TypeError, "data must be float32 or"),
        (lambda p: setattr(p, "data", np.ones(3, np.float32)), TypeError, "data is float32, grad"),
        (lambda p: setattr(p, "grad", np.ones(6)[::2]), ValueError, "grad .* must be contiguous"),
    ],
)
def test_refused_memory(act, error, message):
    p = Parameter(np.zeros(3))
    data, grad = p.data, p.grad
    with pytest.raises(error, match=message):
        act(p)
    assert p.data is data
    assert p.grad is grad
    assert p.storage.left == []
