"""Which memory a step moves, and where the state of each parameter lies."""

import copy
import pickle

import numpy as np
import pytest

from descent.layers import Linear, Parameter, ReLU, Sequential, flatten
from descent.networks import MLP
from descent.optimizers import EMA, LAMB, SAM, SGD, Adam, Lookahead, Muon
from descent.optimizers import _runs as runs

MAKERS = {
    "SGD": lambda ps: SGD(ps, lr=0.1, momentum=0.9),
    "Adam": lambda ps: Adam(ps, lr=0.1),
    "LAMB": lambda ps: LAMB(ps, lr=0.1),
    "Lookahead": lambda ps: Lookahead(Adam(ps, lr=0.1), k=2),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}


@pytest.fixture
def net():
    return MLP([3, 4, 4, 2], rng=np.random.default_rng(0))


def run(net, optimizer, steps, start=0):
    """Steps on gradients that depend on the weights and on the time; the weights afterwards."""
    for t in range(start, start + steps):
        for i, p in enumerate(net.parameters()):
            p.grad[...] = np.cos(i + 5 * t + 3 * p.data)
        optimizer.step()
    return np.concatenate([p.data.ravel() for p in net.parameters()])


@every_maker
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copied_together_the_copy_moves_the_copy(net, make, copied):
    optimizer = make(net.parameters())
    run(net, optimizer, 3)
    twin, its_optimizer = copied((net, optimizer))
    before = net.flat.data.copy()
    ends = run(twin, its_optimizer, 3, start=3)
    assert np.array_equal(net.flat.data, before)
    assert np.array_equal(ends, run(net, optimizer, 3, start=3))
    assert not np.array_equal(ends, before)
    assert np.array_equal(twin.flat.data, ends)


@every_maker
def test_a_state_does_not_depend_on_where_parameters_lie(net, make):
    """Saved from one vector, loaded where every parameter lies alone, and back."""
    optimizer = make(net.parameters())
    run(net, optimizer, 3)
    alone = [Parameter(p.data.copy()) for p in net.parameters()]
    apart = make(alone)
    apart.load_state_dict(optimizer.state_dict())
    for t in range(3, 6):
        for i, (p, q) in enumerate(zip(net.parameters(), alone, strict=True)):
            p.grad[...] = q.grad[...] = np.cos(i + 5 * t)
        optimizer.step()
        apart.step()
    for p, q in zip(net.parameters(), alone, strict=True):
        assert np.allclose(p.data, q.data, rtol=1e-13, atol=0)
    optimizer.load_state_dict(apart.state_dict())
    saved, other = optimizer.state_dict(), apart.state_dict()
    for a, b in zip(np_arrays(saved), np_arrays(other), strict=True):
        assert np.array_equal(a, b)


def np_arrays(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [a for branch in tree for a in np_arrays(branch)]
    return [tree] if isinstance(tree, np.ndarray) else []


@every_maker
def test_freezing_and_thawing_on_the_way(net, make):
    """Each parameter moves as if it had an optimizer of its own, that rests while it is frozen."""
    twin = copy.deepcopy(net)
    optimizer = make(net.parameters())
    single = [make([p]) for p in twin.parameters()]
    moving = [{0, 1, 2, 3, 4, 5}, {2, 3, 4, 5}, {0, 5}, set(), {0, 1, 2, 3, 4, 5}, {1, 3}]
    if isinstance(optimizer, Lookahead):  # its steps are counted for all together
        moving = [{0, 1, 4, 5}] * 5
    for t, which in enumerate(moving):
        for i, (p, q) in enumerate(zip(net.parameters(), twin.parameters(), strict=True)):
            p.grad[...] = q.grad[...] = np.cos(i + 5 * t + 3 * p.data)
            p.requires_grad_(i in which)
        assert optimizer.parameters() == [p for p in net.parameters() if p.requires_grad]
        before = net.flat.data.copy()
        optimizer.step()
        for i in which:
            single[i].step()
        assert np.allclose(net.flat.data, twin.flat.data, rtol=1e-12, atol=1e-15)
        assert np.array_equal(net.flat.data, before) is (not which)
    own, copied = optimizer.state_dict(), copy.deepcopy(optimizer).state_dict()
    for a, b in zip(np_arrays(copied), np_arrays(own), strict=True):
        assert np.array_equal(a, b)


def test_a_gradient_that_is_not_finite_counts_only_where_it_moves(net):
    net[1].requires_grad_(False)
    net[1].weight.grad[...] = np.nan
    sgd = SGD(net.parameters())
    sgd.step()
    sgd.zero_grad()
    assert not net.flat.grad.any()
    net[1].weight.grad[...] = np.nan
    net[1].requires_grad_(True)
    with pytest.raises(ValueError, match=r"got nan at index \(0, 0\) of 1.weight, a Parameter"):
        sgd.step()


def test_the_only_parameter_of_a_network_has_its_name_too():
    alone = Linear(2, 3, bias=False, rng=np.random.default_rng(0))
    net = Sequential(ReLU(), alone)  # nothing has to move
    alone.weight.grad[...] = np.inf
    with pytest.raises(ValueError, match=r"got inf at index \(0, 0\) of 1.weight, a Parameter"):
        SGD(net.parameters()).step()
    Sequential(*net.layers[1:])  # a part leaves the names that the whole has given
    assert alone.weight.name == "1.weight"


@every_maker
@pytest.mark.parametrize(
    "move",
    [
        lambda net: Sequential(net, Linear(2, 2, rng=np.random.default_rng(0))),
        lambda net: Sequential(net[1], Linear(4, 2, rng=np.random.default_rng(0))),
        lambda net: setattr(net[3].bias, "data", np.zeros(4)),
        lambda net: setattr(net[3].bias, "grad", np.zeros(4)),
        lambda net: flatten([Parameter(np.zeros(2)), net[1].bias]),
    ],
)
@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("whole", [False, True])
def test_what_has_moved_is_refused(net, make, move, steps, whole):
    optimizer = make([net.flat] if whole else net.parameters())
    for _ in range(steps):
        optimizer.step()
    move(net)
    before = [p.data.copy() for p in net.parameters()]
    for _ in range(2):
        with pytest.raises(ValueError, match=r"has moved to other memory since this optimizer was"):
            optimizer.step()
    assert all(np.array_equal(p.data, b) for p, b in zip(net.parameters(), before, strict=True))
    SGD(net.parameters()).step()


def test_an_optimizer_of_another_part_goes_on(net):
    sgd = SGD(net[3].parameters(), lr=1.0)
    Sequential(net[1], Linear(4, 2, rng=np.random.default_rng(0)))
    net[3].bias.grad[...] = 1
    before = net[3].bias.data.copy()
    sgd.step()
    assert np.array_equal(net[3].bias.data, before - 1)


def test_the_state_is_the_one_that_steps_use(net):
    adam = Adam(net.parameters(), lr=0.1)
    run(net, adam, 2)
    p = net[3].weight
    assert list(adam.state) == net.parameters()
    m = adam.state[p]["m"]
    run(net, adam, 1)
    assert np.shares_memory(adam.state[p]["m"], m)  # what was looked at follows the steps
    assert adam.state[p]["t"] == 3
    m[...] = 0
    adam.state[p]["v"] = np.full(p.data.shape, 4.0)  # an array of the user's
    net.zero_grad()
    before = p.data.copy()
    adam.step()
    assert np.array_equal(p.data, before)
    assert np.allclose(adam.state[p]["v"], 4 * 0.999)
    assert np.array_equal(adam.state[p]["m"], np.zeros(p.data.shape))
    adam.state[p]["t"] = 0  # numbers that differ part the run
    adam.step()
    assert [state["t"] for state in adam.state.values()] == [5, 5, 1, 5, 5, 5]


def test_states_that_a_reader_exchanged_stay_exchanged():
    a, b = Parameter(np.zeros(2)), Parameter(np.zeros(2))
    flatten([a, b])
    a.grad[...], b.grad[...] = 1, 2
    sgd = SGD([a, b], lr=1.0, momentum=1.0)
    sgd.step()
    state = sgd.state
    state[a]["v"], state[b]["v"] = state[b]["v"], state[a]["v"]
    sgd.zero_grad()
    sgd.step()
    assert a.data.tolist() == [-3, -3]
    assert b.data.tolist() == [-3, -3]
    assert sgd.state[a]["v"].tolist() == [2, 2]


@pytest.mark.parametrize("make", [MAKERS["SGD"], MAKERS["Adam"]], ids=["SGD", "Adam"])
def test_long_vectors_are_worked_off_in_blocks(make, monkeypatch, net):
    whole, twin = make(net.parameters()), copy.deepcopy(net)
    expected = run(net, whole, 4)
    monkeypatch.setattr(runs, "BLOCK", 5)
    blocks = make(twin.parameters())
    run(twin, blocks, 2)
    twin, blocks = copy.deepcopy((twin, blocks))
    assert np.array_equal(run(twin, blocks, 2, start=2), expected)
    for a, b in zip(np_arrays(blocks.state_dict()), np_arrays(whole.state_dict()), strict=True):
        assert np.array_equal(a, b)


def test_a_rule_that_makes_its_arrays_anew(monkeypatch, net):
    class Plain(SGD):
        def update(self, w, g, state, *, lr, **options):
            state["v"] = 0.5 * state.get("v", 0) + g
            w -= lr * state["v"]

    twin = copy.deepcopy(net)
    expected = run(net, Plain(net.parameters(), lr=0.1), 3)
    monkeypatch.setattr(runs, "BLOCK", 7)
    optimizer = Plain(twin.parameters(), lr=0.1)
    assert np.array_equal(run(twin, optimizer, 3), expected)
    assert [s["v"].shape for s in optimizer.state.values()] == [
        p.data.shape for p in twin.parameters()
    ]


@every_maker
def test_a_closure_is_called_once_and_its_value_returned(net, make):
    optimizer, calls = make(net.parameters()), []

    def closure():
        calls.append(net.flat.data.copy())
        net.flat.grad[...] = 1
        return 7.5

    before = net.flat.data.copy()
    assert optimizer.step(closure) == 7.5
    assert len(calls) == 1
    assert np.array_equal(calls[0], before)
    assert not np.array_equal(net.flat.data, before)
    assert optimizer.step() is None


def test_groups_can_be_added(net):
    sgd = SGD(net[1].parameters(), lr=0.5, momentum=0.9)
    net.flat.grad[...] = 1
    sgd.step()
    sgd.add_param_group({"params": (p for p in net[3].parameters()), "lr": np.float32(0.25)})
    sgd.add_param_group({"params": net[5].bias})
    assert [len(g["params"]) for g in sgd.param_groups] == [2, 2, 1]
    assert [g["lr"] for g in sgd.param_groups] == [0.5, 0.25, 0.5]
    assert type(sgd.param_groups[1]["lr"]) is float
    before = net.flat.data.copy()
    sgd.step()
    moved = before - net.flat.data
    assert np.allclose(moved, [0.95] * 16 + [0.25] * 20 + [0] * 8 + [0.5] * 2)
    sgd.zero_grad()
    assert net.flat.grad.sum() == 8
    for wrapper in (SAM(SGD([net[5].weight])), Lookahead(SGD([net[5].weight]))):
        wrapper.add_param_group({"params": [net[5].bias]})
        assert wrapper.parameters() == net[5].parameters()
        assert wrapper.defaults is wrapper.optimizer.defaults


@pytest.mark.parametrize(
    ("group", "error", "message"),
    [
        ([], TypeError, r"param_group must be a dict, got \[\]"),
        ({"lr": 1}, ValueError, r"a group must be a dict with 'params', got {'lr': 1}"),
        ({"params": [np.ones(2)]}, TypeError, "params must hold Parameter objects, got array"),
        ({"params": [Parameter(np.ones(1))], "lr": -1}, ValueError, "lr must be finite and ≥ 0"),
        ({"params": [Parameter(np.ones(1))], "rate": 1}, ValueError, r"a group has \['rate'\]"),
        ("same", ValueError, "params must not hold the same parameter more than once"),
        (
            "flat",
            ValueError,
            "params must not hold parameters that share memory, such as a net's flat",
        ),
    ],
)
def test_groups_that_are_refused_change_nothing(net, group, error, message):
    sgd = SGD(net.parameters())
    group = {"same": {"params": [net[1].bias]}, "flat": {"params": [net.flat]}}.get(
        group if isinstance(group, str) else "", group
    )
    with pytest.raises(error, match=message):
        sgd.add_param_group(group)
    assert len(sgd.param_groups) == 1
    assert list(sgd.state) == net.parameters()
    sgd.step()


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([{"params": []}, {"params": iter(())}], ValueError, "^params is empty"),
        (Parameter(np.ones(1)), TypeError, "params must be a list of Parameters or of groups"),
        ([{"params": []}, Parameter(np.ones(1))], ValueError, "a group must be a dict with"),
    ],
)
def test_parameters_that_are_none(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params)


def test_a_rule_may_refuse_parameters(net):
    muon = Muon([net[1].weight])
    with pytest.raises(ValueError, match="two or more axes"):
        muon.add_param_group({"params": [net[1].bias]})
    assert len(muon.param_groups) == 1


def test_a_state_of_other_shapes_is_refused(net):
    other = MLP([3, 5, 4, 2], rng=np.random.default_rng(0))
    for make in (MAKERS[name] for name in ("SGD", "Adam", "LAMB")):
        optimizer = make(net.parameters())
        run(net, optimizer, 1)
        foreign = make(other.parameters())
        run(other, foreign, 2)
        before = optimizer.state_dict()
        message = r"number 0 has \(5, 3\), here it is 1.weight, a Parameter\(shape=\(4, 3\)"
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(foreign.state_dict())
        for a, b in zip(np_arrays(optimizer.state_dict()), np_arrays(before), strict=True):
            assert np.array_equal(a, b)
    sgd = SGD(net.parameters())
    saved = sgd.state_dict()
    saved["groups"][0]["lr"] = np.nan
    with pytest.raises(ValueError, match="lr must be finite"):
        sgd.load_state_dict(saved)
    assert sgd.param_groups[0]["lr"] == 1e-3


def test_a_state_takes_the_dtype_of_the_parameters(net):
    adam = Adam(net.parameters())
    run(net, adam, 2)
    single = MLP([3, 4, 4, 2], rng=np.random.default_rng(0), dtype=np.float32)
    twin = Adam(single.parameters())
    twin.load_state_dict(adam.state_dict())
    assert run(single, twin, 1).dtype == np.float32
    assert all(a.dtype == np.float32 for a in np_arrays(twin.state_dict()))
    assert twin.state[single[1].weight]["t"] == 3


def test_an_average_needs_no_single_vector():
    class Two(Sequential):
        def __init__(self):
            rng = np.random.default_rng(0)
            super().__init__(Linear(2, 3, rng=rng), ReLU())
            self.other = Linear(3, 1, rng=rng)

    net = Two()
    ema = EMA(net, decay=0.5)
    vector = np.concatenate([p.data.ravel() for p in net.parameters()])
    ema.update_parameters()
    for p in net.parameters():
        p.data += 2
    ema.update_parameters()
    assert np.allclose(ema.average, vector + 1)
    with ema.applied():
        assert np.allclose(net.other.bias.data, vector[-1] + 1)
    assert np.allclose(net.other.bias.data, vector[-1] + 2)
    twin = EMA(copy.deepcopy(net))
    twin.update_parameters()
    assert np.allclose(twin.average, vector + 2)
    flatten(net.parameters())
    ema.update_parameters()
    assert np.allclose(ema.average, vector + 1.5)
