"""The machinery that all layers share: names, states, modes, one vector for all parameters."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from descent.layers import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    Parameter,
    ReLU,
    Residual,
    Sequential,
    coalesce,
    flatten,
    without_backward,
)

T = torch.nn


class TorchResidual(T.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def ours(dtype=np.float64):
    options = {"rng": np.random.default_rng(0), "dtype": dtype}
    body = Sequential(
        Conv2d(2, 3, 3, padding=1, bias=False, **options), BatchNorm2d(3, dtype=dtype), ReLU()
    )
    return Sequential(
        Residual(body, Conv2d(2, 3, 1, **options)),
        Flatten(),
        Sequential(Linear(48, 4, **options), ReLU(), Linear(4, 2, **options)),
    )


def theirs():
    body = T.Sequential(T.Conv2d(2, 3, 3, padding=1, bias=False), T.BatchNorm2d(3), T.ReLU())
    return T.Sequential(
        TorchResidual(body, T.Conv2d(2, 3, 1)),
        T.Flatten(),
        T.Sequential(T.Linear(48, 4), T.ReLU(), T.Linear(4, 2)),
    )


@pytest.fixture
def net():
    return ours()


X = np.random.default_rng(1).normal(size=(5, 2, 4, 4))


def same_states(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_names_are_pytorchs(net, assert_same_as_pytorch):
    assert list(net.named_parameters()) == [n for n, _ in theirs().named_parameters()]
    assert list(net.named_buffers()) == [n for n, _ in theirs().named_buffers()]
    assert net.state_dict().keys() == theirs().state_dict().keys()
    assert net.parameters() == list(net.named_parameters().values())
    assert next(iter(net[0].named_parameters("a."))) == "a.body.0.weight"
    assert next(iter(net[0].named_buffers("a."))) == "a.body.1.running_mean"
    assert_same_as_pytorch(net, theirs(), X)


def test_a_state_comes_from_pytorch_and_goes_back(net):
    model = theirs().to(torch.float64)
    model(torch.tensor(X))  # moves the running statistics
    net.load_state_dict({name: a.detach().numpy() for name, a in model.state_dict().items()})
    assert np.allclose(
        net.eval()(X), model.eval()(torch.tensor(X)).detach().numpy(), rtol=1e-12, atol=1e-12
    )
    back = theirs().to(torch.float64)
    back.load_state_dict({name: torch.tensor(a) for name, a in net.state_dict().items()})
    assert all(torch.equal(a, model.state_dict()[n]) for n, a in back.state_dict().items())
    assert back.state_dict()["0.body.1.num_batches_tracked"] == 1


def test_a_state_is_a_copy_and_loading_keeps_the_vector(net):
    state = net.state_dict()
    kept = {name: array.copy() for name, array in state.items()}
    vector = net.flat.data.base
    net(X)
    net.flat.data[...] += 1
    assert same_states(state, kept)
    net.load_state_dict(state)
    assert same_states(net.state_dict(), kept)
    assert net.flat.data.base is vector
    state["2.0.weight"][...] = 7
    assert same_states(net.state_dict(), kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("2.2.bias"), r"state lacks \['2.2.bias'\]"),
        (lambda s: s.pop("0.body.1.running_var"), r"state lacks \['0.body.1.running_var'\]"),
        (lambda s: s.update(extra=np.ones(1)), r"state has \['extra'\], which"),
        (
            lambda s: s.update({"2.2.bias": np.ones((2, 1))}),
            r"state\['2.2.bias'\] must have shape \(2,\), got \(2, 1\)",
        ),
        (
            lambda s: s.update({"0.body.1.num_batches_tracked": np.ones(1)}),
            r"state\['0.body.1.num_batches_tracked'\] must have shape \(\), got \(1,\)",
        ),
    ],
)
def test_a_refused_state_changes_nothing(net, change, message):
    before = net.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    change(state)
    with pytest.raises(ValueError, match=message):
        net.load_state_dict(state)
    assert same_states(net.state_dict(), before)


def test_modes_reach_every_layer(net):
    everything = [net, net[0], net[0].body, net[0].body[1], net[0].shortcut, net[2], net[2][0]]
    assert all(layer.training for layer in everything)
    assert net.eval() is net
    assert not any(layer.training for layer in everything)
    assert net.train() is net
    assert all(layer.training for layer in everything)
    assert not net.train(False)[2][0].training
    dropout = Dropout(0.5, rng=np.random.default_rng(0))
    assert np.array_equal(Sequential(Sequential(dropout)).eval()(np.ones(20)), np.ones(20))


def test_zero_grad_reaches_every_parameter(net):
    net.backward(net(X))
    assert all(p.grad.any() for p in net.parameters())
    net.zero_grad()
    assert not any(p.grad.any() for p in net.parameters())
    single = Linear(3, 2, rng=np.random.default_rng(0))
    single.weight.grad += 1
    single.bias.grad += 1
    single.zero_grad()
    assert not single.weight.grad.any()
    assert not single.bias.grad.any()


def test_all_parameters_lie_in_one_vector(net):
    flat = net.flat
    assert flat.data.shape == flat.grad.shape == (18 * 3 + 6 + 9 + 48 * 4 + 4 + 10,)
    assert np.array_equal(flat.data, np.concatenate([p.data.ravel() for p in net.parameters()]))
    flat.data[:] = np.arange(flat.data.size)
    assert net[0].body[0].weight.data.ravel()[:3].tolist() == [0, 1, 2]
    assert net[2][2].bias.data.tolist() == [flat.data.size - 2, flat.data.size - 1]
    flat.grad[-1] = 5
    assert net[2][2].bias.grad.tolist() == [0, 5]


def test_inner_networks_stay_one_vector_after_the_outer_flattening(net):
    inner = net[2].flat
    inner.data[...] = 3
    assert (net.flat.data[-inner.data.size :] == 3).all()
    assert (net.flat.data[: -inner.data.size] != 3).all()


def test_flattening_again_moves_nothing(net):
    old = net.flat
    assert flatten(net.parameters()) is False
    assert flatten(net.parameters()[3:]) is False
    assert flatten([]) is False
    assert np.shares_memory(net.flat.data, old.data)
    assert net.flat.storage is old.storage
    assert net.flat.storage.left == []


def test_a_network_whose_layers_went_elsewhere_is_in_pieces():
    rng = np.random.default_rng(0)
    a, b, c = (Linear(2, 2, rng=rng) for _ in range(3))
    net = Sequential(a, b, c)
    Sequential(b, Linear(2, 2, rng=rng))  # moves the parameters of b into another vector
    pieces = coalesce(net.parameters())
    assert [piece.data.shape for piece in pieces] == [(6,), (6,), (6,)]
    with pytest.raises(ValueError, match=r"lie in 3 pieces of memory, expected 1; call flatten"):
        _ = net.flat
    for number, piece in enumerate(pieces):
        piece.data[...] = number
        piece.grad[...] = 10 + number
    assert [layer.weight.data.max() for layer in (a, b, c)] == [0, 1, 2]
    assert [layer.bias.grad.min() for layer in (a, b, c)] == [10, 11, 12]
    assert flatten(net.parameters()) is True
    assert net.flat.data.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert net.flat.grad.tolist() == [10] * 6 + [11] * 6 + [12] * 6


def test_coalesce_joins_only_neighbours_in_both_vectors():
    rng = np.random.default_rng(0)
    net = Sequential(Linear(2, 2, rng=rng), Linear(2, 2, rng=rng))
    first, second, third, fourth = net.parameters()
    sizes = [run.data.size for run in coalesce([first, third, fourth])]
    assert sizes == [4, 6]
    assert [run.data.size for run in coalesce([second, first])] == [2, 4]
    third.grad = np.zeros_like(third.grad)  # the data are neighbours still, the gradients not
    assert [run.data.size for run in coalesce(net.parameters())] == [6, 4, 2]
    alone = Parameter(np.ones((2, 3)))
    (run,) = coalesce([alone])
    assert run.data.shape == run.grad.shape == (6,)
    assert np.shares_memory(run.data, alone.data)
    assert np.shares_memory(run.grad, alone.grad)
    assert coalesce([]) == []


def test_a_parameter_has_a_gradient_of_zeros_or_the_one_given():
    data, grad = np.ones((2, 3), np.float32), np.full((2, 3), 4, np.float32)
    assert Parameter(data).grad.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert Parameter(data).grad.dtype == np.float32
    assert Parameter(data, grad).grad is grad
    assert repr(Parameter(data)) == "Parameter(shape=(2, 3), dtype=float32)"


def test_children_come_from_attributes_lists_and_tuples():
    class Composite(Layer):
        def __init__(self):
            self.first = ReLU()
            self.number = 3
            self.rest = [ReLU(), 5, ReLU()]
            self.pair = (ReLU(),)

    layer = Composite()
    assert [name for name, _ in layer.children()] == ["first", "rest.0", "rest.2", "pair.0"]
    assert layer.eval().rest[2].training is False
    assert layer.pair[0].training is False


def test_names_tell_lists_apart_as_in_pytorch():
    class Ours(Layer):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.a = [Linear(2, 3, rng=rng), ReLU(), Linear(3, 2, rng=rng)]
            self.b = [Linear(2, 2, rng=rng)]
            self.c = {"x": (BatchNorm2d(2),)}
            self.scales = [Parameter(np.ones(1)), Parameter(np.ones(2))]

    class Theirs(T.Module):
        def __init__(self):
            super().__init__()
            self.a = T.ModuleList([T.Linear(2, 3), T.ReLU(), T.Linear(3, 2)])
            self.b = T.ModuleList([T.Linear(2, 2)])
            self.c = T.ModuleDict({"x": T.ModuleList([T.BatchNorm2d(2)])})
            self.scales = T.ParameterList([torch.ones(1), torch.ones(2)])

    ours, theirs = Ours(), Theirs()
    wanted = {name: tuple(a.shape) for name, a in theirs.state_dict().items()}
    assert {name: a.shape for name, a in ours.state_dict().items()} == wanted
    assert len(ours.parameters()) == 10
    leaves = [(n, type(m).__name__) for n, m in theirs.named_modules() if not list(m.children())]
    found = [(n, type(a).__name__) for n, a in ours.named_modules() if n]
    assert found == [pair for pair in leaves if pair[1] != "ParameterList"]
    ours.eval()
    assert not any(layer.training for layer in ours.modules())


class Doubled(Layer):
    """As a reader may write it."""

    def forward(self, x):
        return self.keep(2 * x, x.shape)

    def backward(self, gradient):
        self.recall(gradient)
        return 2 * gradient


def test_what_a_layer_keeps():
    layer = Doubled()
    with pytest.raises(RuntimeError, match=r"backward of <.*Doubled.*> was called before forward"):
        layer.recall(np.ones(3))
    layer(np.ones((2, 3)))
    assert layer.recall(np.ones((2, 3))) == ((2, 3),)
    layer(np.ones(4))
    assert layer.recall(np.ones(4)) == ((4,),)
    with pytest.raises(ValueError, match=r"Doubled.*, \(4,\), got \(2, 3\)"):
        layer.recall(np.ones((2, 3)))


def test_without_backward_is_for_one_network_and_ends():
    teacher, student = Sequential(Doubled()), Sequential(Doubled())
    with without_backward(teacher):
        student(np.ones(3))
        teacher(np.ones(3))
        with without_backward(student):
            assert not student[0].keeps
            assert not teacher.keeps
        assert student[0].keeps
        assert not teacher[0].keeps
        with pytest.raises(KeyError), without_backward(student):
            raise KeyError
        assert student[0].keeps
    assert teacher[0].keeps
    assert student.backward(np.ones(3)).tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="before forward"):
        teacher.backward(np.ones(3))


def test_without_backward_is_for_one_thread():
    layer = Doubled()
    with ThreadPoolExecutor(1) as pool, without_backward(layer):
        assert pool.submit(lambda: layer.keeps).result()
        assert not layer.keeps


def test_a_part_of_a_state_can_be_loaded(net):
    before = net.state_dict()
    trunk = {n: a + 1 for n, a in before.items() if n.startswith("0.")} | {"9.weight": np.ones(3)}
    keys = net.load_state_dict(trunk, strict=False)
    assert keys == (sorted(n for n in before if n.startswith("2.")), ["9.weight"])
    assert keys.missing_keys == ["2.0.bias", "2.0.weight", "2.2.bias", "2.2.weight"]
    assert keys.unexpected_keys == ["9.weight"]
    after = net.state_dict()
    assert all(np.array_equal(after[n], before[n] + n.startswith("0.")) for n in before)
    model = theirs()
    found = model.load_state_dict({n: torch.tensor(a) for n, a in trunk.items()}, strict=False)
    assert sorted(found.missing_keys) == keys.missing_keys
    assert found.unexpected_keys == keys.unexpected_keys
    with pytest.raises(ValueError, match=r"state\['0.body.0.weight'\] must have shape"):
        net.load_state_dict({"2.2.bias": np.ones(2), "0.body.0.weight": np.ones(2)}, strict=False)
    with pytest.raises(TypeError, match=r"state\['2.2.bias'\] must hold numbers, got <U1"):
        net.load_state_dict({"2.2.bias": np.array(["a", "b"])}, strict=False)
    assert same_states(net.state_dict(), after)


def test_a_frozen_trunk_saves_its_backward_pass(net):
    class Untouchable(ReLU):
        def backward(self, gradient):
            raise AssertionError("not needed")

    rng = np.random.default_rng(0)
    trunk = Sequential(Linear(3, 4, rng=rng), Untouchable())
    whole = Sequential(trunk, Linear(4, 4, rng=rng), Residual(Linear(4, 4, rng=rng), Untouchable()))
    y = whole(np.ones((2, 3)))
    with pytest.raises(AssertionError, match="not needed"):
        whole.backward(y, input_gradient=False)
    trunk.requires_grad_(False)
    whole[1].requires_grad_(False)
    whole.zero_grad()
    assert whole.backward(y, input_gradient=False) is None
    named = whole.named_parameters()
    assert [n for n, p in named.items() if p.grad.any()] == ["2.body.weight", "2.body.bias"]
    whole.requires_grad_(False)
    assert whole.backward(y, input_gradient=False) is None


def test_float32_networks(net):
    net = ours(np.float32)
    y = net(X.astype(np.float32))
    assert y.dtype == net.backward(y).dtype == net.flat.data.dtype == net.flat.grad.dtype
    assert y.dtype == np.float32
    net.load_state_dict(ours().state_dict())
    assert net.flat.data.dtype == np.float32
    reference = ours()(X)
    assert np.allclose(net.train()(X.astype(np.float32)), reference, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "grad", "error", "message"),
    [
        (
            np.ones((2, 3)).T,
            None,
            ValueError,
            r"data .* \(3, 2\) must be contiguous.*; pass np.asc",
        ),
        (np.ones(3, int), None, TypeError, "data must be float32 or float64, got int64"),
        (np.ones(3), np.ones((3, 1)), ValueError, r"grad has shape \(3, 1\)"),
        (np.ones(3), np.ones(3, np.float32), TypeError, "grad is float32"),
    ],
)
def test_a_parameter_refuses(data, grad, error, message):
    with pytest.raises(error, match=message):
        Parameter(data, grad)


class Holder(Layer):
    def __init__(self, **attributes):
        vars(self).update(attributes)


def linear():
    return Linear(2, 2, bias=False, rng=np.random.default_rng(0))


def test_layers_in_any_ordered_container_are_found():
    layers = [linear() for _ in range(4)]
    held = Holder(a=layers[:1], b=(layers[1],), c={"d": layers[2]}, e=deque([None, layers[3]]))
    names = ["a.0.weight", "b.0.weight", "c.d.weight", "e.1.weight"]
    assert list(held.named_parameters()) == names
    assert held.parameters() == [layer.weight for layer in layers]


@pytest.mark.parametrize("container", [set, frozenset])
def test_a_set_of_layers_is_refused_and_one_of_anything_else_is_not(container):
    with pytest.raises(TypeError, match="a must be a list, not a set"):
        Holder(a=container([linear()])).parameters()
    with pytest.raises(TypeError, match="a must be a list, not a set"):
        Holder(a=container([linear().weight])).parameters()
    assert Holder(a=container([1, "b"])).parameters() == []


@pytest.mark.parametrize("way", [["me"], ["a", "owner"], ["a", "b", "owner"]])
def test_a_layer_that_lies_within_itself_is_refused(way):
    outer = inner = Holder()
    for name in way[:-1]:
        setattr(inner, name, Holder(c=linear()))
        inner = getattr(inner, name)
    setattr(inner, way[-1], [outer])
    for ask in (outer.parameters, outer.state_dict, outer.train, lambda: list(outer.modules())):
        with pytest.raises(ValueError, match=f"^{'.'.join(way)}.0 is a Holder that lies within"):
            ask()


def test_two_places_of_one_layer_are_not_one_within_itself():
    layer = linear()
    assert len(list(Holder(a=layer, b=Holder(c=layer)).modules())) == 4


@pytest.mark.parametrize(
    "held",
    [
        Holder(a={1: linear(), "1": linear()}),
        Holder(a={"b.0": linear(), "b": [linear()]}),
        Holder(a={"b": linear()}, **{"a.b": linear()}),
    ],
)
def test_two_parameters_of_one_name_are_refused(held):
    with pytest.raises(ValueError, match=r"two parameters are both named 'a\.(1|b|b\.0)\.weight'"):
        held.parameters()
