"""Every optimizer moves the right memory: after copies, pickles, wrapping, freezing."""

import copy
import pickle

import numpy as np
import pytest

from descent.layers import Linear, ReLU, Sequential
from descent.losses import cross_entropy
from descent.optimizers import (
    LAMB,
    SAM,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Lookahead,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    Together,
)

RULES = {
    "SGD": (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    "Nesterov": (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "Adagrad": (Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "eps": 1e-6}),
    "Adadelta": (Adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    "RMSprop": (RMSprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-6, "momentum": 0.5}),
    "centered": (RMSprop, {"lr": 0.01, "alpha": 0.9, "centered": True, "weight_decay": 0.1}),
    "Adam": (Adam, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1}),
    "AMSGrad": (Adam, {"lr": 0.05, "amsgrad": True}),
    "AdamW": (AdamW, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1}),
    "NAdam": (NAdam, {"lr": 0.05, "betas": (0.8, 0.9), "momentum_decay": 0.01}),
    "RAdam": (RAdam, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    "Lion": (Lion, {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    "LAMB": (LAMB, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1}),
    "Muon": (Muon, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1, "eps": 1e-7, "ns_steps": 5}),
    "ScheduleFreeSGD": (ScheduleFreeSGD, {"lr": 0.1, "momentum": 0.8, "warmup_steps": 4}),
    "ScheduleFreeAdamW": (ScheduleFreeAdamW, {"lr": 0.05, "betas": (0.8, 0.9), "warmup_steps": 4}),
}
WRAPPED = {
    "SAM": lambda ps: SAM(Adam(ps, lr=0.05), rho=0.1),
    "Lookahead": lambda ps: Lookahead(SGD(ps, lr=0.1, momentum=0.9), k=2),
    "Together": lambda ps: Together(Muon(ps[:1], lr=0.05), Adam(ps[1:], lr=0.05)),
    "Lookahead, Together": lambda ps: Lookahead(Together(SGD(ps[:1], lr=0.1), Adam(ps[1:])), k=3),
}
MAKE = {
    **{name: lambda ps, c=cls, o=options: c(ps, **o) for name, (cls, options) in RULES.items()},
    **WRAPPED,
}
every_optimizer = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
every_rule = pytest.mark.parametrize(("cls", "options"), RULES.values(), ids=RULES)


def network(dtype=np.float64):
    rng = np.random.default_rng(0)
    sizes = [(5, 7), (7, 6), (6, 3)]
    layers = [Linear(i, o, bias=False, rng=rng, dtype=dtype) for i, o in sizes]
    return Sequential(layers[0], ReLU(), layers[1], ReLU(), layers[2])


def train(net, optimizer, times, forward=None):
    """Steps with closures on batches that depend on the time; the weights after each."""
    trajectory = []
    for t in times:
        rng = np.random.default_rng(t)
        x = rng.normal(size=(8, 5)).astype(net[0].weight.data.dtype)
        y = rng.integers(0, 3, 8)

        def closure(x=x, y=y):
            optimizer.zero_grad()
            value, gradient = cross_entropy(net(x), y)
            net.backward(gradient)
            return value

        assert optimizer.step(closure) > 0
        trajectory.append(weights(net))
    return np.array(trajectory)


def weights(net):
    return np.concatenate([p.data.ravel() for p in net.parameters()])


def reference(make, steps):
    net = network()
    return train(net, make(net.parameters()), range(steps))


@every_optimizer
@pytest.mark.parametrize("way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
@pytest.mark.parametrize("before", [0, 3])
def test_a_copy_of_both_goes_on_alone(make, way, before):
    expected = reference(make, before + 3)[before:]
    net = network()
    optimizer = make(net.parameters())
    train(net, optimizer, range(before))
    twin, its_optimizer = way((net, optimizer))
    kept = weights(net)
    assert train(twin, its_optimizer, range(before, before + 3)).tolist() == expected.tolist()
    assert weights(net).tolist() == kept.tolist()
    assert train(net, optimizer, range(before, before + 3)).tolist() == expected.tolist()
    assert weights(twin).tolist() == expected[-1].tolist()


@every_optimizer
@pytest.mark.parametrize("flat", [True, False])
def test_a_state_loads_into_a_copy_of_the_net_wherever_it_lies(make, flat):
    expected = reference(make, 6)[3:]
    net = network()
    optimizer = make(net.parameters())
    train(net, optimizer, range(3))
    saved = optimizer.state_dict()
    twin = copy.deepcopy(net)
    if not flat:
        for p in twin.parameters():
            p.data = p.data.copy()
    its_optimizer = make(twin.parameters())
    its_optimizer.load_state_dict(saved)
    train(net, optimizer, range(3, 6))  # what was saved is a copy
    got = train(twin, its_optimizer, range(3, 6))
    assert np.allclose(got, expected, rtol=1e-12, atol=1e-12)
    if flat:
        assert got.tolist() == expected.tolist()


@every_optimizer
@pytest.mark.parametrize("before", [0, 3])
def test_wrapping_parts_of_the_net_again_changes_nothing(make, before):
    expected = reference(make, before + 3)[before:]
    net = network()
    optimizer = make(net.parameters())
    train(net, optimizer, range(before))
    features = Sequential(*net.layers[:-1])
    whole = Sequential(*features.layers, net[-1])
    assert train(whole, optimizer, range(before, before + 3)).tolist() == expected.tolist()
    assert weights(net).tolist() == expected[-1].tolist()


@every_optimizer
def test_weights_that_moved_stop_the_step(make):
    net = network()
    optimizer = make(net.parameters())
    train(net, optimizer, range(2))
    net[2].weight.data = net[2].weight.data.copy()
    before = weights(net)
    with pytest.raises(ValueError, match=r"2\.weight, .* has moved to other memory"):
        train(net, optimizer, [2])
    assert weights(net).tolist() == before.tolist()


@every_optimizer
def test_what_is_frozen_stays_and_the_rest_moves(make):
    net = network()
    optimizer = make(net.parameters())
    train(net, optimizer, range(3))
    net[2].requires_grad_(False)
    before = [p.data.copy() for p in net.parameters()]
    train(net, optimizer, range(3, 6))
    moved = [not np.array_equal(p.data, b) for p, b in zip(net.parameters(), before, strict=True)]
    assert moved == [True, False, True]
    net[2].requires_grad_()
    train(net, optimizer, range(6, 9))
    assert not np.array_equal(net[2].weight.data, before[1])


@every_rule
def test_groups_may_be_generators(cls, options):
    net, other = network(), network()
    expected = train(net, cls(net.parameters(), **options), range(3))
    groups = [
        {"params": (p for p in other.parameters()[:1])},
        {"params": (p for p in other.parameters()[1:]), "lr": options["lr"]},
    ]
    got = train(other, cls(iter(groups), **options), range(3))
    assert np.allclose(got, expected, rtol=1e-12, atol=1e-12)


@every_rule
def test_one_generator_for_two_groups_is_refused(cls, options):
    parameters = iter(network().parameters())
    with pytest.raises(ValueError, match="two groups hold the same list_iterator"):
        cls([{"params": parameters}, {"params": parameters, "lr": 0.5}], **options)


def as_numpy(value, kind):
    if isinstance(value, tuple):
        return np.array(value) if kind is np.array else tuple(as_numpy(v, kind) for v in value)
    if isinstance(value, bool):
        return np.bool_(value)
    return np.int64(value) if isinstance(value, int) else kind(value)


@every_rule
@pytest.mark.parametrize("kind", [np.float64, np.array])
def test_options_as_numpy_scalars_keep_float32(cls, options, kind):
    plain, net = network(np.float32), network(np.float32)
    first = cls(plain.parameters(), **options)
    expected = train(plain, first, range(3))
    optimizer = cls(net.parameters(), **{n: as_numpy(v, kind) for n, v in options.items()})
    got = train(net, optimizer, range(3))
    assert got.dtype == np.float32
    assert got.tolist() == expected.tolist()
    for o in (first, optimizer):
        o.param_groups[0]["lr"] = options["lr"] / 2
    optimizer.param_groups[0]["lr"] = kind(optimizer.param_groups[0]["lr"])  # as a loop may do
    expected = train(plain, first, range(3, 6))
    assert train(net, optimizer, range(3, 6)).tolist() == expected.tolist()
    for state in optimizer.state.values():
        for name, value in state.items():
            assert type(value) in (int, float) or value.dtype == np.float32, name
    loaded = cls(net.parameters(), **options)
    loaded.load_state_dict(optimizer.state_dict())
    expected = train(plain, first, range(6, 8))
    assert train(net, loaded, range(6, 8)).tolist() == expected.tolist()


@every_rule
@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_a_rate_that_a_loop_sets_is_looked_at(cls, options, bad):
    net = network()
    optimizer = cls(net.parameters(), **options)
    train(net, optimizer, range(2))
    before, state = weights(net), str(optimizer.state_dict()["states"])
    optimizer.param_groups[0]["lr"] = bad
    with pytest.raises(ValueError, match="lr must be finite and ≥ 0, got"):
        train(net, optimizer, [2])
    assert weights(net).tolist() == before.tolist()
    assert str(optimizer.state_dict()["states"]) == state
