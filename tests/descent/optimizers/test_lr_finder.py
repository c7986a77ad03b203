import inspect

import numpy as np
import pytest

from descent.checks import NotFiniteError
from descent.layers import BatchNorm1d, Linear, Parameter, ReLU, Sequential
from descent.losses import cross_entropy
from descent.optimizers import (
    SAM,
    SGD,
    Adam,
    Lookahead,
    ScheduleFreeSGD,
    Together,
    lr_finder,
    lr_range_test,
)


def parabola(curvature, w, noise=0.0, floor=0.0, seed=0):
    """A closure for a bowl whose bottom is moved at random in each step."""
    rng = np.random.default_rng(seed)

    def closure():
        error = w.data - noise * rng.standard_normal(w.data.shape)
        w.grad += curvature * error
        return floor + 0.5 * float((curvature * error**2).sum())

    return closure


def plain(losses):
    """A closure that gives these losses and no gradient."""
    stream = iter(losses)
    return lambda: next(stream)


def start(n, seed=0):
    return Parameter(np.random.default_rng(seed).normal(size=n))


def network(seed=0):
    rng = np.random.default_rng(seed)
    net = Sequential(Linear(5, 8, rng=rng), BatchNorm1d(8), ReLU(), Linear(8, 3, rng=rng))
    x, y = rng.normal(size=(40, 5)), rng.integers(0, 3, 40)
    return net, [(x[i : i + 8], y[i : i + 8]) for i in range(0, 40, 8)]


@pytest.mark.parametrize("steps", [60, 100, 200])
@pytest.mark.parametrize("top", [0.3, 50.0])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_blow_up_on_a_parabola_is_near_two_over_the_curvature(top, steps, noise):
    curvature = np.geomspace(top / 100, top, 20)
    for seed in range(5):
        w = start(20, seed)
        result = lr_range_test(
            parabola(curvature, w, noise, seed=seed),
            SGD([w], lr=1.0),
            min_lr=1e-4 / top,
            max_lr=1e3 / top,
            steps=steps,
        )
        assert 0.9 < result.blow_up * top / 2 < 1.5


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_with_momentum_the_blow_up_is_within_a_factor_of_two(noise):
    curvature = np.geomspace(0.01, 1, 20)
    for seed in range(5):
        w = start(20, seed)
        closure = parabola(curvature, w, noise, seed=seed)
        optimizer = SGD([w], lr=1.0, momentum=0.9)
        result = lr_range_test(closure, optimizer, min_lr=1e-4, max_lr=1e3)
        assert 0.5 < result.blow_up / 3.8 < 1.2


def as_on_a_parabola(losses, rates, curvature, n):
    """These losses, and n more that grow as along this curvature."""
    losses = list(losses)
    for lr in rates[len(losses) - 1 :][:n]:
        losses.append(losses[-1] * (lr * curvature - 1) ** 2)
    return losses


def test_by_hand():
    rates = np.geomspace(1e-3, 1e2, 11)
    losses = as_on_a_parabola([4.0, 2.0, 1.0, 9.0, 100.0], rates, 4e2, 6)
    w = start(1)
    result = lr_range_test(
        plain(losses), SGD([w]), min_lr=1e-3, max_lr=1e2, steps=11, smoothing=0.5
    )
    assert np.allclose(result.rates, rates[:8], rtol=1e-12)
    assert result.losses.tolist() == losses[:8]  # three more than the fifth, which is too large
    assert np.allclose(result.smoothed[:5], [4, 8 / 3, 12 / 7, 5.6, 52.625 / 0.96875])
    assert result.diverged
    assert result.blow_up == pytest.approx(2 / 4e2)
    assert result.suggestion == pytest.approx(rates[2] / 10)


@pytest.mark.parametrize(
    ("last", "divergence", "diverged"), [(8.0, 4, False), (8.001, 4, True), (8.0, 3.9, True)]
)
def test_divergence_is_relative_to_the_first_loss(last, divergence, diverged):
    result = lr_range_test(
        plain([2.0, 1.0, last]), SGD([start(1)]), steps=3, smoothing=0, divergence=divergence
    )
    assert result.diverged == diverged
    assert result.blow_up is None
    assert len(result.losses) == 3


def test_defaults():
    result = lr_range_test(plain([2.0] * 100), SGD([start(1)]))
    assert len(result.rates) == 100
    assert result.rates[[0, -1]] == pytest.approx([1e-6, 10])
    assert np.allclose(result.smoothed, 2)
    assert not result.diverged
    assert result.blow_up is None
    falling = lr_range_test(plain([2.0] + [1.0] * 99), SGD([start(1)]))
    assert falling.smoothed[1] == pytest.approx((0.9 * 2 + 1) / 1.9)
    for last, diverged in [(30.8, False), (30.9, True)]:  # the mean of 51 gains a tenth of it
        rising = lr_range_test(plain([1.0] * 50 + [last] + [1.0] * 49), SGD([start(1)]))
        assert rising.diverged == diverged
        assert len(rising.losses) == (54 if diverged else 100)


def test_the_finder_has_the_defaults_of_the_range_test():
    def defaults(function):
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    assert defaults(lr_finder) == defaults(lr_range_test)
    assert len(defaults(lr_finder)) == 5


@pytest.mark.parametrize(
    ("factors", "onset"),
    [
        ((1, 1, 1), 0.005),
        ((1, 1, 1.4), 2 / 490),  # the three differ by a sixth
        ((1.7, 1, 1), None),  # by more than a quarter
        ((1, 1.7, 1), None),
        ((1, 1, 1.7), None),
    ],
)
def test_the_last_three_rises_must_agree(factors, onset):
    rates = np.geomspace(0.02, 0.2, 6)
    losses = [1.0, 8.0, 10.0]
    for lr, factor in zip(rates[2:], factors, strict=False):
        losses.append(losses[-1] * factor * (lr * 400 - 1) ** 2)
    losses = np.array(losses)
    result = lr_range_test(
        plain([*losses, 1.0]),
        SGD([start(1)]),
        min_lr=0.02,
        max_lr=0.2,
        steps=6,
        smoothing=0,
        divergence=9,
    )
    each = 2 * rates[2:5] / (1 + np.sqrt(losses[3:] / losses[2:-1]))
    assert (each.max() < 1.25 * each.min()) == (onset is not None)
    if onset is None:
        assert result.blow_up is None
    else:
        assert result.blow_up == pytest.approx(each[-1])
        assert result.blow_up == pytest.approx(onset, rel=0.05)
    assert result.diverged


@pytest.mark.parametrize(
    "end",
    [
        [9.0, 8.0, 60.0, 900.0],  # one of the last three falls
        [9.0, 9.0, 60.0, 900.0],  # or stands still
        [0.0, 9.0, 60.0, 900.0],  # no ratio to it
        [-1.0, 9.0, 60.0, 900.0],
        [9.0, 60.0],  # too few
    ],
)
def test_losses_that_do_not_grow_as_on_a_parabola(end):
    result = lr_range_test(
        plain([2.0, *end, np.inf]), SGD([start(1)]), min_lr=1e-3, max_lr=1, smoothing=0
    )
    assert result.diverged
    assert result.blow_up is None


@pytest.mark.parametrize("make", [SGD, lambda ps: SGD(ps, momentum=0.9), Adam])
@pytest.mark.parametrize("seed", range(3))
def test_nets_of_relus_die_and_no_rate_is_told(make, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 20))
    y = np.argmax(x @ rng.normal(size=(20, 5)), axis=1)
    net = Sequential(
        *(Linear(20, 32, rng=rng), ReLU(), Linear(32, 32, rng=rng), ReLU()),
        Linear(32, 5, rng=rng),
    )
    batches = [(x[i : i + 40], y[i : i + 40]) for i in range(0, 200, 40)]
    result = lr_finder(net, cross_entropy, batches, make(net.parameters()), max_lr=1e3)
    assert result.diverged
    assert result.blow_up is None
    assert 1e-4 < result.suggestion < 1


def test_each_step_has_its_rate():
    w = Parameter(np.array([1.0]))
    seen = []

    def closure():
        seen.append(float(w.data[0]))
        w.grad += 1
        return 1.0

    groups = [{"params": [w]}, {"params": [start(1)], "lr": 5.0}]
    optimizer = SGD(groups, lr=3.0)
    lr_range_test(closure, optimizer, min_lr=0.001, max_lr=0.1, steps=3)
    assert np.allclose(seen, [1, 0.999, 0.989])
    assert [group["lr"] for group in optimizer.param_groups] == [3.0, 5.0]


def failing(after, error):
    calls = []

    def closure():
        calls.append(1)
        if len(calls) > after:
            raise error
        return 2.0 / len(calls)

    return closure


def test_a_loss_that_is_refused_counts_as_divergence():
    result = lr_range_test(
        failing(3, NotFiniteError("overflow")), SGD([start(1)]), min_lr=1e-3, max_lr=10, steps=5
    )
    assert len(result.losses) == len(result.rates) == 3
    assert result.diverged
    assert result.blow_up is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_counts_as_divergence(bad):
    rates = np.geomspace(1e-3, 10, 8)
    losses = as_on_a_parabola([2.0, 1.0], rates, 900.0, 3)
    result = lr_range_test(
        plain([*losses, bad]), SGD([start(1)]), min_lr=1e-3, max_lr=10, steps=8, divergence=1e9
    )
    assert result.losses.tolist() == losses
    assert result.diverged
    assert result.blow_up == pytest.approx(2 / 900)


def test_overflow_is_no_warning():
    w = Parameter(np.ones(1))

    def closure():
        w.grad += w.data
        value = np.exp(w.data**2)
        return float((value - value / 2)[0])

    result = lr_range_test(closure, SGD([w], lr=1.0), min_lr=3, max_lr=10, divergence=1e300)
    assert 1 < len(result.losses) < 10
    assert result.diverged


def test_a_gradient_that_is_not_finite_counts_as_divergence():
    w = start(1)

    def closure():
        w.grad += np.inf
        return 1.0

    assert len(lr_range_test(closure, SGD([w])).losses) == 1


def test_optimizers_that_call_the_closure_twice_see_one_batch():
    """SAM on a parabola, and as many batches as steps."""
    seen = []
    net = Sequential(Linear(1, 1, bias=False, rng=np.random.default_rng(0)))

    def half_mse(y, target):
        seen.append(float(target[0, 0]))
        return 0.5 * float(((y - target) ** 2).sum()), y - target

    batches = [(np.ones((1, 1)), np.full((1, 1), t)) for t in (7.0, 8.0, 9.0)]
    sam = SAM(SGD(net.parameters()), rho=0.1)
    before = net[0].weight.data.copy()
    result = lr_finder(net, half_mse, iter(batches), sam, steps=3, divergence=1e9)
    assert seen == [7, 7, 8, 8, 9, 9]
    assert result.losses[0] == 0.5 * (before[0, 0] - 7) ** 2  # before the step, not uphill
    assert np.array_equal(net[0].weight.data, before)


@pytest.mark.parametrize(
    "make",
    [
        lambda ps: SAM(SGD(ps)),
        lambda ps: Lookahead(Adam(ps), k=2),
        lambda ps: Together(Adam(ps[:1]), SGD(ps[1:])),
        ScheduleFreeSGD,
    ],
)
def test_every_kind_of_optimizer_can_be_tested_and_is_put_back(make):
    net, batches = network()
    optimizer = make(net.parameters())
    before, state = net.state_dict(), optimizer.state_dict()
    result = lr_finder(net, cross_entropy, batches, optimizer, steps=30, max_lr=1.0)
    assert len(result.losses) > 10
    assert all(np.array_equal(before[name], a) for name, a in net.state_dict().items())
    assert str(optimizer.state_dict()) == str(state)


@pytest.mark.parametrize("make", [lambda p: SGD(p, momentum=0.9), Adam], ids=["SGD", "Adam"])
@pytest.mark.parametrize("error", [None, KeyError("stop")])
def test_puts_everything_back(make, error):
    net, batches = network()
    optimizer = make(net.parameters())

    def train():
        for x, y in batches:
            optimizer.zero_grad()
            net.backward(cross_entropy(net(x), y)[1], input_gradient=False)
            optimizer.step()

    train()
    weights, gradient, options = net.state_dict(), net.flat.grad.copy(), optimizer.state_dict()
    if error:
        with pytest.raises(KeyError, match="stop"):
            lr_range_test(failing(3, error), optimizer)
    else:
        assert len(lr_finder(net, cross_entropy, batches, optimizer).losses) > 20
    after = net.state_dict()
    assert all(np.array_equal(weights[name], after[name]) for name in weights)
    assert np.array_equal(net.flat.grad, gradient)
    assert optimizer.state_dict()["groups"] == options["groups"]
    for one, two in zip(optimizer.state_dict()["states"], options["states"], strict=True):
        assert all(np.array_equal(one[name], two[name]) for name in one | two)
    train()
    trained = net.state_dict()
    again, _ = network()
    optimizer = make(again.parameters())
    net = again
    train()
    train()
    assert all(np.array_equal(trained[name], a) for name, a in again.state_dict().items())


def test_the_finder_restores_buffers_after_an_error():
    net, batches = network()
    with pytest.raises(ValueError, match=r"^batches came to its end; expected a list"):
        lr_finder(net, cross_entropy, iter(batches), SGD(net.parameters()))
    assert net[1].num_batches_tracked == 0
    assert not net[1].running_mean.any()


def test_the_finder_is_the_range_test_on_one_batch_after_the_other():
    net, batches = network()
    stream = iter(batches * 4)

    def closure():
        x, y = next(stream)
        value, gradient = cross_entropy(net(x), y)
        net.backward(gradient)
        return value

    options = {"min_lr": 1e-3, "max_lr": 1.0, "steps": 12}
    one = lr_finder(net, cross_entropy, batches, SGD(net.parameters()), **options)
    two = lr_range_test(closure, SGD(net.parameters()), **options)
    assert np.array_equal(one.losses, two.losses)
    assert len(one.losses) == 12


def test_keeps_float32():
    w = Parameter(np.ones(2, np.float32))
    dtypes = []

    def closure():
        dtypes.append(w.data.dtype)
        w.grad += w.data
        return np.float32(0.5) * (w.data**2).sum()

    lr_range_test(closure, Adam([w]), steps=5)
    assert set(dtypes) == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"optimizer": 1}, TypeError, "optimizer must be an Optimizer, got 1"),
        ({"min_lr": 0}, ValueError, "min_lr must be .* > 0"),
        ({"max_lr": 1e-6}, ValueError, "max_lr must be .* > 1e-06"),
        ({"steps": 1}, ValueError, "steps must be .* ≥ 2"),
        ({"smoothing": 1}, ValueError, "smoothing must be .* < 1"),
        ({"smoothing": -0.1}, ValueError, "smoothing must be .* ≥ 0"),
        ({"divergence": 1}, ValueError, "divergence must be .* > 1"),
        ({"closure": lambda: 0.0}, ValueError, "closure must return a first loss > 0 .* got 0.0"),
        ({"closure": lambda: np.inf}, ValueError, "closure must return a first loss .* got inf"),
        ({"closure": lambda: np.nan}, ValueError, "closure must return a first loss .* got nan"),
    ],
)
def test_bad_input(change, error, message):
    arguments = {"closure": lambda: 1.0, "optimizer": SGD([start(1)])}
    with pytest.raises(error, match=message):
        lr_range_test(**{**arguments, **change})
