import math

import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.optimizers import ScheduleFreeAdamW, ScheduleFreeSGD


def sgd(lr, beta, decay, warmup):
    """Yields y, as the network holds it while it trains, and keeps x in `rule.x`."""

    def rule(x, gradient):
        z, weights, t = x, [], 0
        y = x
        while True:
            t += 1
            gamma = lr * min(1, t / warmup) if warmup else lr
            z = z - gamma * (gradient(y, t) + decay * y)
            weights.append(gamma**2)
            c = weights[-1] / sum(weights)
            x = (1 - c) * x + c * z
            y = (1 - beta) * z + beta * x
            yield y

    return rule


def adamw(lr, beta1, beta2, eps, decay, warmup):
    """Algorithm 1 of the paper."""

    def rule(x, gradient):
        z, v, weights, t = x, 0.0 * x, [], 0
        y = (1 - beta1) * z + beta1 * x
        while True:
            t += 1
            g = gradient(y, t)
            v = beta2 * v + (1 - beta2) * g**2
            gamma = lr * math.sqrt(1 - beta2**t) * (min(1, t / warmup) if warmup else 1)
            z = z - gamma * g / (np.sqrt(v) + eps) - gamma * decay * y
            weights.append(gamma**2)
            c = weights[-1] / sum(weights)
            x = (1 - c) * x + c * z
            y = (1 - beta1) * z + beta1 * x
            yield y

    return rule


@pytest.mark.parametrize(
    ("options", "as_in_the_paper"),
    [
        ({"lr": 0.1}, (0.1, 0.9, 0.0, 0)),
        ({"lr": 0.1, "momentum": 0.5, "weight_decay": 0.3}, (0.1, 0.5, 0.3, 0)),
        ({"lr": 0.1, "warmup_steps": 20}, (0.1, 0.9, 0.0, 20)),
        ({"lr": 0.1, "momentum": 0}, (0.1, 0.0, 0.0, 0)),
        ({"lr": 0.1, "momentum": 1}, (0.1, 1.0, 0.0, 0)),
    ],
)
def test_sgd_agrees_with_the_paper(problem, options, as_in_the_paper):
    a = problem()
    trajectory = a.run(ScheduleFreeSGD(a.parameters, **options), 100)
    assert relative_error(trajectory, problem().follow(sgd(*as_in_the_paper), 100)) < 1e-12


@pytest.mark.parametrize(
    ("options", "as_in_the_paper"),
    [
        ({}, (0.0025, 0.9, 0.999, 1e-8, 0.0, 0)),
        (
            {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.3},
            (0.1, 0.5, 0.7, 0.1, 0.3, 0),
        ),
        ({"lr": 0.1, "warmup_steps": 20}, (0.1, 0.9, 0.999, 1e-8, 0.0, 20)),
    ],
)
def test_adamw_agrees_with_the_paper(problem, options, as_in_the_paper):
    a = problem()
    trajectory = a.run(ScheduleFreeAdamW(a.parameters, **options), 100)
    assert relative_error(trajectory, problem().follow(adamw(*as_in_the_paper), 100)) < 1e-12


def test_the_default_rate_of_sgd_is_one(one_weight):
    w = one_weight()
    ScheduleFreeSGD([w]).step()
    assert w.data[0] == -1.0


def test_two_steps_by_hand(one_weight):
    w = one_weight()
    optimizer = ScheduleFreeSGD([w], lr=1.0, momentum=0.75)
    optimizer.step()  # z = x = y = −1
    optimizer.step()  # z = −2, x = −1.5, y = 0.25·(−2) + 0.75·(−1.5)
    assert w.data[0] == -1.625
    assert optimizer.eval() is optimizer
    assert w.data[0] == -1.5
    assert optimizer.train() is optimizer
    assert w.data[0] == -1.625


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_x_is_the_mean_of_z_weighted_by_the_squared_rate(problem, cls):
    a = problem()
    optimizer = cls(
        a.parameters, lr=0.1, **({"betas": (0.9, 0.0)} if cls is ScheduleFreeAdamW else {})
    )
    rates, zs = [0.1, 0.2, 0.05, 0.1], []
    for t, rate in enumerate(rates):
        optimizer.param_groups[0]["lr"] = rate
        a.run(optimizer, 1, start=t)
        zs.append(np.concatenate([state["z"].ravel() for state in optimizer.state.values()]))
    optimizer.eval()
    assert relative_error(a.vector(), np.average(zs, axis=0, weights=np.square(rates))) < 1e-12


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_switching_does_not_disturb_the_training(problem, cls):
    a, b = problem(), problem()
    undisturbed, switched = cls(a.parameters, lr=0.1), cls(b.parameters, lr=0.1)
    for t in range(5):
        a.run(undisturbed, 1, start=t)
        b.run(switched.train(), 1, start=t)
        y = b.vector()
        switched.eval().eval()
        assert relative_error(b.vector(), y) > 1e-6 or t == 0
        switched.train().train()
        assert b.vector().tolist() == y.tolist() == a.vector().tolist()


def test_train_leaves_weights_alone_that_are_there_for_training(one_weight):
    w = one_weight()
    optimizer = ScheduleFreeSGD([w])
    optimizer.step()
    w.data[...] = 5.0
    optimizer.train()
    assert w.data[0] == 5.0


def test_before_the_first_step_all_weights_are_one(problem):
    a = problem()
    before = a.vector()
    ScheduleFreeSGD(a.parameters).eval().train()
    assert a.vector().tolist() == before.tolist()


def test_evaluation_refuses_steps(one_weight):
    w = one_weight()
    optimizer = ScheduleFreeSGD([w]).eval()
    with pytest.raises(RuntimeError, match=r"^step\(\) needs the weights for training; call train"):
        optimizer.step()
    assert w.data[0] == 0.0


def test_resumes_from_evaluation(problem):
    a, b = problem(), problem()
    first, second = ScheduleFreeSGD(a.parameters, lr=0.1), ScheduleFreeSGD(b.parameters)
    a.run(first, 5)
    first.eval()
    for p, q in zip(a.parameters, b.parameters, strict=True):
        q.data[...] = p.data
    second.load_state_dict(first.state_dict())
    with pytest.raises(RuntimeError, match="call train"):
        second.step()
    expected = a.run(first.train(), 5, start=5)
    assert b.run(second.train(), 5, start=5).tolist() == expected.tolist()


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_a_rate_of_zero_moves_nothing(one_weight, cls):
    w = one_weight(value=2.0)
    optimizer = cls([w], lr=0.0)
    optimizer.step()
    assert w.data[0] == 2.0
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.step()
    assert w.data[0] < 2.0


def test_averaging_reaches_a_minimum_that_the_rate_alone_does_not(one_weight):
    """On |w| with a constant rate the steps end where they began; x goes on to the minimum."""
    w = one_weight(value=1.03)
    optimizer = ScheduleFreeSGD([w], lr=0.1)
    for _ in range(1000):
        w.grad[...] = np.sign(w.data)
        optimizer.step()
    optimizer.eval()
    assert abs(w.data[0]) < 0.01


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_warmup_is_a_whole_number(one_weight, cls):
    with pytest.raises(TypeError, match=r"warmup_steps must be an integer, got 2\.5"):
        cls([one_weight()], warmup_steps=2.5)


def test_momentum_is_at_most_1(one_weight):
    with pytest.raises(ValueError, match=r"momentum must be finite and ≥ 0 and ≤ 1, got 1\.1"):
        ScheduleFreeSGD([one_weight()], momentum=1.1)


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_switching_leaves_frozen_weights_alone(problem, cls):
    a = problem()
    optimizer = cls(a.parameters, lr=0.1)
    a.run(optimizer, 5)
    a.parameters[0].requires_grad = False
    y = [p.data.copy() for p in a.parameters]
    optimizer.eval()
    assert np.array_equal(a.parameters[0].data, y[0])
    assert not np.allclose(a.parameters[1].data, y[1])
    optimizer.train()
    assert np.array_equal(a.parameters[0].data, y[0])
    assert np.allclose(a.parameters[1].data, y[1], rtol=1e-14)
    a.parameters[0].data += 1  # as when the frozen part is exchanged
    optimizer.eval()
    optimizer.train()
    assert np.array_equal(a.parameters[0].data, y[0] + 1)


@pytest.mark.parametrize("cls", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_no_closure_is_called_with_the_weights_for_predictions(problem, cls):
    optimizer, calls = cls(problem().parameters), []
    optimizer.eval()
    with pytest.raises(RuntimeError, match=r"call train\(\) first"):
        optimizer.step(lambda: calls.append(1))
    assert calls == []
