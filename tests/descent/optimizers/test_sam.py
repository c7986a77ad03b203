import copy

import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.layers import Dropout, Linear, Parameter, ReLU, Sequential
from descent.losses import cross_entropy
from descent.optimizers import SAM, SGD, Adam


def closure_of(problem, optimizer, t):
    """The loss at time t is the sum of the weights, so that the order of calls can be seen."""

    def closure():
        optimizer.zero_grad()
        problem.set_gradients(t)
        return problem.vector().sum()

    return closure


def test_agrees_with_the_paper(problem):
    """Algorithm 1, with momentum, in vectors over all layers."""
    lr, mu, rho = 0.02, 0.9, 0.3
    a, b = problem(), problem()
    optimizer = SAM(SGD(a.parameters, lr=lr, momentum=mu), rho=rho)
    w, v = b.vector(), np.zeros(18)
    scale = np.concatenate([s.ravel() for s in b.scale])
    for t in range(1, 101):
        loss = optimizer.step(closure_of(a, optimizer, t))
        assert loss == pytest.approx(w.sum(), abs=1e-10)
        g = b.gradient(w, scale, t)
        uphill = b.gradient(w + rho * g / np.linalg.norm(g), scale, t)
        v = mu * v + uphill
        w = w - lr * v
        assert relative_error(a.vector(), w) < 1e-11


def test_the_default_radius(problem):
    a = problem()
    optimizer = SAM(SGD(a.parameters))
    before = a.vector()
    a.set_gradients(1)
    optimizer.first_step()
    assert np.linalg.norm(a.vector() - before) == pytest.approx(0.05, rel=1e-12)


def test_steps_by_hand(problem):
    """first_step and second_step are what step does, and the way back is exact."""
    a, b = problem(), problem()
    one, two = SAM(Adam(a.parameters), rho=0.5), SAM(Adam(b.parameters), rho=0.5)
    for t in (1, 2):
        one.step(closure_of(a, one, t))
        b.set_gradients(t)
        two.first_step()
        b.set_gradients(t)
        two.second_step()
        assert a.vector().tolist() == b.vector().tolist()
    before = b.vector()
    b.set_gradients(3)
    two.first_step()
    two.param_groups[0]["lr"] = 0.0
    two.second_step()
    assert b.vector().tolist() == before.tolist()


def test_a_radius_of_zero_is_the_optimizer_inside(problem):
    a, b = problem(), problem()
    sam, adam = SAM(Adam(a.parameters), rho=0), Adam(b.parameters)
    for t in (1, 2, 3):
        sam.step(closure_of(a, sam, t))
        b.set_gradients(t)
        adam.step()
    assert a.vector().tolist() == b.vector().tolist()


def test_no_gradient_no_hill(problem):
    a = problem()
    sam, before = SAM(SGD(a.parameters)), a.vector()
    sam.step(lambda: sam.zero_grad())
    assert a.vector().tolist() == before.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resumes_exactly(problem, dtype):
    a, b = problem(dtype), problem(dtype)
    first = SAM(Adam(a.parameters, lr=0.1))
    for t in range(4):
        first.step(closure_of(a, first, t))
    for p, q in zip(a.parameters, b.parameters, strict=True):
        q.data[...] = p.data
    second = SAM(Adam(b.parameters, lr=0.5))
    second.load_state_dict(first.state_dict())
    for t in range(4):
        first.step(closure_of(a, first, t))
        second.step(closure_of(b, second, t))
    assert a.vector().dtype == dtype
    assert a.vector().tolist() == b.vector().tolist()


def test_gradients_that_are_not_finite(problem):
    a = problem()
    sam, before = SAM(SGD(a.parameters)), a.vector()
    a.parameters[0].grad[...] = np.nan
    with pytest.raises(ValueError, match="the gradient must be finite, got nan"):
        sam.first_step()
    assert a.vector().tolist() == before.tolist()
    a.set_gradients(1)
    sam.first_step()
    a.parameters[0].grad[...] = np.nan
    with pytest.raises(ValueError, match="the gradient must be finite, got nan"):
        sam.second_step()
    assert a.vector().tolist() == before.tolist()


def test_order_of_the_steps(problem):
    sam = SAM(SGD(problem().parameters))
    with pytest.raises(RuntimeError, match=r"^second_step was called without first_step"):
        sam.second_step()
    sam.first_step()
    with pytest.raises(RuntimeError, match=r"^first_step was called twice; second_step must come"):
        sam.first_step()
    sam.second_step()
    with pytest.raises(RuntimeError, match=r"^second_step was called without first_step"):
        sam.second_step()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_way_back_is_exact_to_the_last_bit(dtype):
    """Weights of all sizes: a sum and a difference would leave roundings behind."""
    rng = np.random.default_rng(0)
    size = 10_000
    weights = (rng.normal(size=size) * 10.0 ** rng.integers(-9, 9, size)).astype(dtype)
    w = Parameter(weights.copy())
    w.grad[...] = rng.normal(size=size)
    sam = SAM(SGD([w], lr=0.0), rho=3.0)
    sam.first_step()
    uphill = w.data.copy()
    assert (uphill - (uphill - weights) != weights).any()  # a difference would be seen
    assert np.linalg.norm(uphill.astype(float) - weights) == pytest.approx(3, rel=0.1)
    w.grad[...] = rng.normal(size=size)
    sam.second_step()
    assert w.data.tobytes() == weights.tobytes()


@pytest.mark.parametrize("error", [KeyError("stop"), KeyboardInterrupt()])
def test_a_second_pass_that_fails_leaves_the_weights_where_they_were(problem, error):
    a = problem()
    sam, before, calls = SAM(SGD(a.parameters)), a.vector(), []

    def closure():
        calls.append(a.vector())
        a.set_gradients(1)
        if len(calls) == 2:
            raise error
        return 0.0

    with pytest.raises(type(error)):
        sam.step(closure)
    assert (calls[1] != before).any()
    assert a.vector().tolist() == before.tolist()
    sam.step(closure)  # and it can go on


def dropout_net(*generators):
    rng = np.random.default_rng(0)
    return Sequential(
        Linear(6, 20, rng=rng),
        ReLU(),
        Dropout(0.5, rng=generators[0]),
        Linear(20, 20, rng=rng),
        Dropout(0.3, rng=generators[-1]),
        Linear(20, 3, rng=rng),
    )


@pytest.mark.parametrize("shared", [False, True])
def test_one_dropout_mask_for_both_passes(shared):
    generators = [np.random.default_rng(seed) for seed in ([7] if shared else [7, 8])]
    net = dropout_net(*generators)
    x, y = np.random.default_rng(1).normal(size=(9, 6)), np.arange(9) % 3
    sam = SAM(SGD(net.parameters(), lr=0.1), rng=generators[0] if shared else generators)
    masks = []

    def closure():
        sam.zero_grad()
        value, gradient = cross_entropy(net(x), y)
        net.backward(gradient)
        masks.append([net[i].backward(np.ones((9, 20))) for i in (2, 4)])
        return value

    for _ in range(3):
        sam.step(closure)
    for first, second in zip(masks[::2], masks[1::2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(masks[0][0], masks[2][0])  # each step has new ones
    assert not np.array_equal(masks[2][1], masks[4][1])


def test_without_generators_each_pass_draws_its_own_mask():
    rng = np.random.default_rng(7)
    w, drawn = Parameter(np.ones(2)), []
    SAM(SGD([w])).step(lambda: drawn.append(rng.random()))
    assert drawn[0] != drawn[1]


def test_the_generators_of_a_copy_are_those_of_the_copied_net():
    rng = np.random.default_rng(7)
    net = dropout_net(rng)
    twin, sam = copy.deepcopy((net, SAM(SGD(net.parameters()), rng=rng)))
    assert sam.generators[0] is twin[2].rng is not rng


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [0.6, 0.9, -0.6, -0.9])
def test_the_radius_where_squares_overflow_or_vanish(dtype, exponent):
    scale = float(np.finfo(dtype).max) ** exponent
    w = Parameter(np.zeros(2, dtype))
    w.grad[...] = np.array([3.0, -4.0]) * scale
    sam = SAM(SGD([w], lr=1.0), rho=10.0)
    sam.first_step()
    assert w.data == pytest.approx([6, -8], rel=1e-6)


def test_frozen_weights_do_not_move_and_do_not_count(problem):
    a = problem()
    sam = SAM(SGD(a.parameters), rho=0.5)
    a.parameters[0].requires_grad = False
    before = [p.data.copy() for p in a.parameters]
    a.set_gradients(1)
    sam.first_step()
    assert np.array_equal(a.parameters[0].data, before[0])
    assert np.linalg.norm(a.parameters[1].data - before[1]) == pytest.approx(0.5)
    sam.second_step()
    a.parameters[1].requires_grad = False
    after = a.vector()
    sam.step(closure_of(a, sam, 1))
    assert a.vector().tolist() == after.tolist()


def test_a_closure_is_needed(problem):
    sam = SAM(SGD(problem().parameters))
    with pytest.raises(TypeError, match=r"closure is missing: SAM needs two gradients, so call"):
        sam.step()


def test_bad_generators(problem):
    for rng in (3, [np.random.default_rng(0), 3]):
        with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator"):
            SAM(SGD(problem().parameters), rng=rng)


def test_bad_radius(problem):
    with pytest.raises(ValueError, match=r"rho must be finite and ≥ 0, got -0\.1"):
        SAM(SGD(problem().parameters), rho=-0.1)
