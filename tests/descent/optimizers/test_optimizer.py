"""What all optimizers have in common."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import relative_error
from descent.layers import Parameter
from descent.networks import MLP
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
    Optimizer,
    RAdam,
    RMSprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
)

FACTORIES = {
    "SGD": lambda ps: SGD(ps, lr=0.02, momentum=0.9, weight_decay=0.1),
    "Adagrad": lambda ps: Adagrad(ps, lr=0.1, lr_decay=0.1),
    "Adadelta": Adadelta,
    "RMSprop": lambda ps: RMSprop(ps, momentum=0.9, centered=True),
    "Adam": lambda ps: Adam(ps, lr=0.1, amsgrad=True),
    "AdamW": lambda ps: AdamW(ps, lr=0.1),
    "NAdam": lambda ps: NAdam(ps, lr=0.1),
    "RAdam": lambda ps: RAdam(ps, lr=0.1),
    "Lion": lambda ps: Lion(ps, lr=0.01, weight_decay=0.1),
    "LAMB": lambda ps: LAMB(ps, lr=0.01),
    "Muon": lambda ps: Muon(ps, lr=0.01),
    "Lookahead": lambda ps: Lookahead(Adam(ps, lr=0.1), k=3),
    "Lookahead around Lookahead": lambda ps: Lookahead(Lookahead(Adam(ps, lr=0.1), k=3), k=2),
    "ScheduleFreeSGD": lambda ps: ScheduleFreeSGD(ps, lr=0.1, warmup_steps=9),
    "ScheduleFreeAdamW": lambda ps: ScheduleFreeAdamW(ps, lr=0.1, warmup_steps=9),
}
every_optimizer = pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)


STATES = {
    "SGD": "v",
    "Adagrad": "s t",
    "Adadelta": "u v",
    "RMSprop": "b mean v",
    "Adam": "largest_v m t v",
    "NAdam": "m product t v",
    "RAdam": "m t v",
    "Lion": "m",
    "LAMB": "m t v",
    "Muon": "m",
    "ScheduleFreeSGD": "beta t total x z",
    "ScheduleFreeAdamW": "beta t total v x z",
}


def copied(problem, source, dtype):
    copy = problem(dtype)
    for p, q in zip(copy.parameters, source.parameters, strict=True):
        p.data[...] = q.data
    return copy


@pytest.mark.parametrize(("name", "held"), STATES.items())
def test_what_a_state_holds(problem, name, held):
    a = problem()
    optimizer = FACTORIES[name](a.parameters)
    a.run(optimizer, 1)
    assert all(sorted(state) == held.split() for state in optimizer.state.values())


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("saved_after", [0, 7])
def test_resumes_exactly(problem, make, dtype, saved_after):
    first = problem(dtype)
    optimizer = make(first.parameters)
    first.run(optimizer, saved_after)
    saved, second = optimizer.state_dict(), copied(problem, first, dtype)
    expected = first.run(optimizer, 6, start=saved_after)

    resumed = make(second.parameters)
    resumed.load_state_dict(saved)
    assert second.run(resumed, 6, start=saved_after).tolist() == expected.tolist()

    # What was saved is a copy, of which nothing has changed, and so is what was loaded.
    third = copied(problem, problem(dtype), dtype)
    for p, q in zip(third.parameters, first.parameters, strict=True):
        p.data[...] = q.data
    again = make(third.parameters)
    again.load_state_dict(saved)
    assert_equal_states(again.state_dict(), saved)


def assert_equal_states(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for name in a:
            assert_equal_states(a[name], b[name])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_equal_states(x, y)
    else:
        assert np.array_equal(a, b)


@every_optimizer
def test_keeps_float32(problem, make):
    single = problem(np.float32)
    optimizer = make(single.parameters)
    trajectory = single.run(optimizer, 5)
    assert trajectory.dtype == np.float32
    for state in optimizer.state.values():
        for name, value in state.items():
            number = type(value) in (int, float)
            assert number or value.dtype == np.float32, name
    double = problem(np.float64)
    for p, q in zip(double.parameters, single.parameters, strict=True):
        p.data[...] = problem(np.float32).parameters[single.parameters.index(q)].data
    # Lion's sign and the polynomial of Newton and Schulz may magnify a rounding.
    assert relative_error(double.run(make(double.parameters), 5), trajectory) < 1e-3


@every_optimizer
def test_numbers_stay_python_numbers_when_loaded(problem, make):
    """A NumPy number would make float32 arithmetic float64."""
    a = problem()
    optimizer = make(a.parameters)
    a.run(optimizer, 2)
    optimizer.load_state_dict(optimizer.state_dict())
    values = [value for state in optimizer.state.values() for value in state.values()]
    assert {type(value) for value in values} <= {int, float, np.ndarray}


@every_optimizer
def test_gradients_are_left_alone(problem, make):
    a = problem()
    a.set_gradients(1)
    before = [p.grad.copy() for p in a.parameters]
    make(a.parameters).step()
    assert all((p.grad == g).all() for p, g in zip(a.parameters, before, strict=True))


@every_optimizer
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_gradients_that_are_not_finite(problem, make, bad):
    a = problem()
    optimizer = make(a.parameters)
    a.run(optimizer, 2)
    a.set_gradients(3)
    a.parameters[1].grad[1, 2] = bad
    before, state = a.vector(), optimizer.state_dict()
    with pytest.raises(ValueError, match=rf"the gradient must be finite, got {bad} at index \("):
        optimizer.step()
    assert a.vector().tolist() == before.tolist()
    assert_equal_states(optimizer.state_dict(), state)


def test_says_where_a_gradient_is_not_finite():
    w = Parameter(np.zeros((2, 3)))
    w.grad[0, 1] = w.grad[1, 2] = np.nan
    message = r"nan at index \(0, 1\) of Parameter\(shape=\(2, 3\), dtype=float64\); nothing was"
    for optimizer in (SGD([w]), Muon([w])):
        with pytest.raises(ValueError, match=message):
            optimizer.step()
    net = MLP([3, 4, 2], rng=np.random.default_rng(0))
    net[3].bias.grad[1] = np.inf
    message = r"inf at index \(1,\) of 3.bias, a Parameter\(shape=\(2,\)"
    with pytest.raises(ValueError, match=message):
        SGD(net.parameters()).step()


def test_large_gradients_are_finite():
    w = Parameter(np.zeros(2), np.array([1e200, -1e300]))
    SGD([w], lr=1e-200).step()
    assert w.data.tolist() == [-1.0, 1e100]


def test_state_of_another_optimizer(problem):
    a = problem()
    sgd, adam = SGD(a.parameters), Adam(a.parameters)
    with pytest.raises(ValueError, match=r"saved has options \['amsgrad', .*expected \['dampening"):
        sgd.load_state_dict(adam.state_dict())
    groups = SGD([{"params": [p]} for p in a.parameters])
    with pytest.raises(ValueError, match=r"saved has \(groups, states\) = \(2, 2\), .* has \(1, 2"):
        sgd.load_state_dict(groups.state_dict())


def test_neighbours_are_updated_as_one_vector(problem):
    class Spy(Adam):
        def update(self, w, g, state, **options):
            shapes.append(w.shape)
            super().update(w, g, state, **options)

    class Shaped(Spy):
        entrywise = False

    a, shapes = problem(), []
    for adam in (Spy(a.parameters), Shaped(a.parameters)):
        adam.step()
        assert [p.data.shape for p in adam.state] == [(3, 4), (2, 3)]
        assert [state["m"].shape for state in adam.state.values()] == [(3, 4), (2, 3)]
    assert shapes == [(18,), (3, 4), (2, 3)]
    a.set_gradients(1)
    adam.zero_grad()
    assert not any(p.grad.any() for p in a.parameters)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(cut=st.integers(1, 17), rows=st.sampled_from([1, 2, 3, 6]))
def test_how_the_weights_are_divided_does_not_matter(cut, rows):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=18), rng.normal(size=(3, 18))
    for make in (FACTORIES[name] for name in ("Adam", "RMSprop", "ScheduleFreeAdamW")):
        whole = Parameter(start.reshape(rows, -1).copy())
        parts = [Parameter(start[:cut].copy()), Parameter(start[cut:].copy())]
        one, two = make([whole]), make([{"params": [p]} for p in parts])
        for g in gradients:
            whole.grad[...] = g.reshape(rows, -1)
            parts[0].grad[...], parts[1].grad[...] = g[:cut], g[cut:]
            one.step()
            two.step()
        divided = np.concatenate([p.data for p in parts])
        assert np.allclose(whole.data.ravel(), divided, rtol=1e-13, atol=1e-13)


def test_options_of_groups():
    a, b = Parameter(np.zeros(1)), Parameter(np.zeros(1))
    optimizer = SGD([{"params": [a], "lr": 1.0}, {"params": [b]}], lr=0.5)
    a.grad[...] = b.grad[...] = 1
    optimizer.step()
    assert (a.data[0], b.data[0]) == (-1.0, -0.5)
    optimizer.param_groups[1]["lr"] = 0.25
    optimizer.step()
    assert (a.data[0], b.data[0]) == (-2.0, -0.75)


ONE = Parameter(np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, r"^params is empty"),
        ([np.zeros(2)], TypeError, "params must hold Parameter objects, got array"),
        ([ONE, ONE], ValueError, r"^params must not hold the same parameter more than once"),
        ([{"params": [ONE], "momentun": 0.9}], ValueError, r"a group has \['momentun'\]; expected"),
        ([{"params": [ONE], "lr": -1}], ValueError, "lr must be finite and ≥ 0, got -1"),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params)


OPTIONS = {
    SGD: ("lr", "momentum", "weight_decay"),
    Adagrad: ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
    Adadelta: ("lr", "eps", "weight_decay", "rho"),
    RMSprop: ("lr", "eps", "weight_decay", "momentum", "alpha"),
    Adam: ("lr", "eps", "weight_decay"),
    AdamW: ("lr", "eps", "weight_decay"),
    NAdam: ("lr", "eps", "weight_decay", "momentum_decay"),
    RAdam: ("lr", "eps", "weight_decay"),
    Lion: ("lr", "weight_decay"),
    LAMB: ("lr", "eps", "weight_decay"),
    Muon: ("lr", "weight_decay", "momentum", "ns_steps"),
    ScheduleFreeSGD: ("lr", "momentum", "weight_decay", "warmup_steps"),
    ScheduleFreeAdamW: ("lr", "eps", "weight_decay", "warmup_steps"),
}


@pytest.mark.parametrize(("cls", "name"), [(c, n) for c, names in OPTIONS.items() for n in names])
def test_negative_options(cls, name):
    with pytest.raises(ValueError, match=f"^{name} must be finite and ≥ 0.*, got -1"):
        cls([ONE], **{name: -1})
    cls([ONE], **{name: 0})


@pytest.mark.parametrize("cls", OPTIONS)
@pytest.mark.parametrize("lr", [np.nan, np.inf])
def test_rates_that_are_no_numbers(cls, lr):
    with pytest.raises(ValueError, match=f"lr must be finite and ≥ 0, got {lr}"):
        cls([ONE], lr=lr)
    with pytest.raises(TypeError, match="lr must be a number, got 'fast'"):
        cls([ONE], lr="fast")


@pytest.mark.parametrize("cls", [Adam, AdamW, NAdam, RAdam, Lion, LAMB, ScheduleFreeAdamW])
def test_betas(cls):
    for beta in (1, 1.5, -0.1, np.nan):
        with pytest.raises(ValueError, match=r"betas\[0\] must be finite and ≥ 0 and < 1, got"):
            cls([ONE], betas=(beta, 0.9))
        with pytest.raises(ValueError, match=r"betas\[1\] must be finite and ≥ 0 and < 1, got"):
            cls([ONE], betas=(0.9, beta))
    for betas in (0.9, (0.9,), (0.9, 0.9, 0.9)):
        with pytest.raises(ValueError, match="betas must be two numbers, got"):
            cls([ONE], betas=betas)


@pytest.mark.parametrize("wrapper", [SAM, Lookahead])
def test_wrappers_need_an_optimizer(wrapper):
    with pytest.raises(TypeError, match=r"optimizer must be an Optimizer such as SGD, got \["):
        wrapper([ONE])


@pytest.mark.parametrize("wrapper", [SAM, Lookahead])
def test_wrappers_switch_the_optimizer_inside(problem, wrapper):
    a = problem()
    inner = ScheduleFreeSGD(a.parameters, lr=0.1)
    outer = wrapper(inner)
    a.run(inner, 3)
    y = a.vector()
    assert outer.eval() is outer
    assert not inner.training
    assert relative_error(a.vector(), y) > 1e-6
    assert outer.train() is outer
    assert inner.training
    assert a.vector().tolist() == y.tolist()


def test_most_optimizers_have_nothing_to_switch(problem):
    a = problem()
    adam, before = Adam(a.parameters), a.vector()
    a.run(adam, 1)
    after = a.vector()
    assert adam.eval() is adam
    assert adam.train() is adam
    assert a.vector().tolist() == after.tolist() != before.tolist()


def test_wrappers_share_groups_and_states(problem):
    inner = Adam(problem().parameters)
    for outer in (SAM(inner), Lookahead(inner)):
        assert isinstance(outer, Optimizer)
        assert outer.optimizer is inner
        assert outer.param_groups is inner.param_groups
        assert outer.state is inner.state
