import copy
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

from descent import optimizers as ours
from descent.layers import Parameter
from descent.optimizers import SGD, Adagrad, Adam

RATES = [0.3, 0.07]


@pytest.mark.parametrize("first", ["inside", "around"])
@pytest.mark.parametrize("around", [ours.SAM, ours.Lookahead, ours.Together])
def test_schedules_of_a_wrapper_and_of_what_is_inside_start_from_the_same_rates(first, around):
    inside = our_optimizer()
    pair = [inside, around(inside)]
    if first == "around":
        pair.reverse()
    ours.LinearLR(pair[0], 0.1)
    assert ours.ExponentialLR(pair[1], 0.9).base_lrs == RATES
    ours.OneCycleLR(pair[0], max_lr=5.0, total_steps=10, div_factor=2.0)
    assert ours.ExponentialLR(pair[1], 0.9).base_lrs == [2.5, 2.5]
    alone = ours.OneCycleLR(pair[1], max_lr=5.0, total_steps=10)
    ours.SequentialLR(pair[1], [ours.ConstantLR(pair[1]), alone], [5])
    assert [group["momentum"] for group in inside.param_groups] == [0.5, 0.5]


def test_a_schedule_of_a_part_counts_for_the_whole():
    inside, other = our_optimizer(), our_optimizer()
    ours.LinearLR(inside, 0.1)
    assert ours.ExponentialLR(ours.Together(other, inside), 0.9).base_lrs == RATES + RATES


@pytest.mark.parametrize("number", [np.longdouble, Fraction, np.float16, np.array])
def test_rates_of_any_kind_of_number_leave_float32_as_it_is(number):
    weights = Parameter(np.ones(2, np.float32), np.ones(2, np.float32))
    optimizer = SGD([weights], lr=number(0.25), momentum=number(0.5))
    optimizer.step()
    optimizer.param_groups[0]["lr"] = number(0.5)
    optimizer.step()
    assert weights.data.tolist() == [0.0, 0.0]  # 1 − 0.25 − 0.5 · 1.5
    assert optimizer.state[weights]["v"].dtype == np.float32
    schedule = ours.ExponentialLR(optimizer, number(0.5))
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.25


def our_optimizer(kind="SGD"):
    groups = [{"params": [Parameter(np.zeros(1))], "lr": lr} for lr in RATES]
    return Adam(groups) if kind == "Adam" else SGD(groups, momentum=0.5)


def their_optimizer(kind="SGD"):
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in RATES]
    return torch.optim.Adam(groups) if kind == "Adam" else torch.optim.SGD(groups, momentum=0.5)


def history(module, optimizer, build, steps):
    """The rates, and momenta or betas, of all groups at each step."""
    schedule = build(module, optimizer)
    rows = []
    for t in range(steps):
        momenta = [g.get("betas", (g.get("momentum"),))[0] for g in optimizer.param_groups]
        rows.append([*schedule.get_last_lr(), *momenta])
        if t < steps - 1:
            optimizer.step()
            schedule.step()
    return np.array(rows)


def one_cycle(**options):
    def build(module, optimizer):
        return module.OneCycleLR(optimizer, [0.5, 2.0], total_steps=300, **options)

    return build


def warmup_then_cosine(module, optimizer):
    warmup = module.LinearLR(optimizer, start_factor=0.01, total_iters=20)
    cosine = module.CosineAnnealingLR(optimizer, T_max=150, eta_min=0.001)
    step = module.StepLR(optimizer, 40)
    return module.SequentialLR(optimizer, [warmup, cosine, step], milestones=[20, 120])


SCHEDULES = {
    "lambda": lambda m, o: m.LambdaLR(o, lambda t: 1 / (1 + t)),
    "lambdas": lambda m, o: m.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 + t]),
    "constant": lambda m, o: m.ConstantLR(o),
    "constant, options": lambda m, o: m.ConstantLR(o, 0.25, 37),
    "constant, 0 steps": lambda m, o: m.ConstantLR(o, 1.0, 1),
    "step": lambda m, o: m.StepLR(o, 30),
    "step, gamma": lambda m, o: m.StepLR(o, 7, 0.9),
    "multi-step": lambda m, o: m.MultiStepLR(o, [10, 50, 50, 200]),
    "multi-step, gamma": lambda m, o: m.MultiStepLR(o, [1, 2, 100], 0.5),
    "exponential": lambda m, o: m.ExponentialLR(o, 0.98),
    "exponential, growing": lambda m, o: m.ExponentialLR(o, 1.01),
    "cosine": lambda m, o: m.CosineAnnealingLR(o, 299),
    "cosine, eta_min": lambda m, o: m.CosineAnnealingLR(o, 299, 0.01),
    "cosine, beyond T_max": lambda m, o: m.CosineAnnealingLR(o, 40, 0.01),
    "cosine, restarts": lambda m, o: m.CosineAnnealingWarmRestarts(o, 40),
    "cosine, restarts each step": lambda m, o: m.CosineAnnealingWarmRestarts(o, 1),
    "cosine, restarts, longer": lambda m, o: m.CosineAnnealingWarmRestarts(o, 7, 2, 0.01),
    "cosine, restarts, thrice as long": lambda m, o: m.CosineAnnealingWarmRestarts(o, 3, 3),
    "polynomial": lambda m, o: m.PolynomialLR(o),
    "polynomial, options": lambda m, o: m.PolynomialLR(o, 250, 0.9),
    "polynomial, square": lambda m, o: m.PolynomialLR(o, 299, 2),
    "polynomial, constant": lambda m, o: m.PolynomialLR(o, 300, 0.0),
    "linear": lambda m, o: m.LinearLR(o),
    "linear, options": lambda m, o: m.LinearLR(o, 0.1, 0.8, 50),
    "linear, falling": lambda m, o: m.LinearLR(o, 1.0, 0.0, 250),
    "one cycle": one_cycle(),
    "one cycle, one rate": lambda m, o: m.OneCycleLR(o, 0.5, 300),
    "one cycle, linear": one_cycle(anneal_strategy="linear", pct_start=0.1),
    "one cycle, only rising": one_cycle(pct_start=1.0),
    "one cycle, three phases": one_cycle(three_phase=True),
    "one cycle, three phases, half": one_cycle(three_phase=True, pct_start=0.5),
    "one cycle, three linear phases": one_cycle(three_phase=True, anneal_strategy="linear"),
    "one cycle, rates alone": one_cycle(cycle_momentum=False),
    "one cycle, epochs": lambda m, o: m.OneCycleLR(o, 0.5, None, 30, 10),
    "one cycle, by position": lambda m, o: m.OneCycleLR(
        o, 0.5, 300, None, None, 0.2, "linear", True, 0.7, 0.8, 5.0, 50.0, True
    ),
    "one cycle, factors": one_cycle(
        div_factor=4.0, final_div_factor=10.0, base_momentum=0.1, max_momentum=0.7
    ),
    "warm-up, cosine, steps": warmup_then_cosine,
    "one of one": lambda m, o: m.SequentialLR(o, [m.StepLR(o, 5)], []),
    "one cycle, exponential": lambda m, o: m.SequentialLR(
        o, [m.OneCycleLR(o, 0.5, 100), m.ExponentialLR(o, 0.9)], [90]
    ),
}


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("build", SCHEDULES.values(), ids=SCHEDULES)
def test_agrees_with_pytorch(build, kind):
    got = history(ours, our_optimizer(kind), build, 300)
    expected = history(theirs, their_optimizer(kind), build, 300)
    assert np.abs(got - expected).max() < 1e-10
    assert np.allclose(got, expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    ("make", "rates"),
    [
        (lambda: ours.LambdaLR(None, lambda t: t), [0, 2, 4, 6]),
        (lambda: ours.ConstantLR(None), [2 / 3] * 5 + [2, 2]),
        (lambda: ours.ConstantLR(None, total_iters=0), [2, 2]),
        (lambda: ours.StepLR(None, 2), [2, 2, 0.2, 0.2, 0.02]),
        (lambda: ours.MultiStepLR(None, [1, 3]), [2, 0.2, 0.2, 0.02]),
        (lambda: ours.ExponentialLR(None, 0.5), [2, 1, 0.5]),
        (lambda: ours.CosineAnnealingLR(None, 2), [2, 1, 0, 1, 2]),
        (lambda: ours.CosineAnnealingLR(None, 2, 1), [2, 1.5, 1, 1.5, 2]),
        (
            lambda: ours.CosineAnnealingWarmRestarts(None, 2, 2, 1),
            [2, 1.5, 2, 1.5 + math.sqrt(1 / 8), 1.5, 1.5 - math.sqrt(1 / 8), 2],
        ),
        (lambda: ours.CosineAnnealingWarmRestarts(None, 2), [2, 1, 2, 1, 2]),
        (lambda: ours.PolynomialLR(None), [2, 1.6, 1.2, 0.8, 0.4, 0, 0]),
        (lambda: ours.PolynomialLR(None, 2, 3.0), [2, 0.25, 0, 0]),
        (lambda: ours.LinearLR(None), [2 / 3, 14 / 15, 1.2, 22 / 15, 26 / 15, 2, 2]),
        (lambda: ours.LinearLR(None, 1.0, 0.5, 2), [2, 1.5, 1, 1]),
        (
            lambda: ours.OneCycleLR(None, 9.0, 5, pct_start=0.6, anneal_strategy="linear"),
            [0.08, 1.04, 2, 1.000004, 0.000008],
        ),
        (
            lambda: ours.SequentialLR(
                None, [ours.ExponentialLR(None, 0.5), ours.StepLR(None, 1)], [2]
            ),
            [2, 1, 2, 0.2, 0.02],
        ),
        (
            lambda: ours.WarmupStableDecay(None, 10, warmup_steps=4, decay_steps=4),
            [0.5, 1, 1.5, 2, 2, 2, 2, 1.5, 1, 0.5, 0, 0],
        ),
        (
            lambda: ours.WarmupStableDecay(
                None, 10, warmup_steps=1, decay_steps=4, decay="sqrt", end_factor=0.5
            ),
            [2, 2, 2, 2, 2, 2, 2, 1.5, 2 - math.sqrt(0.5), 2 - math.sqrt(0.75), 1, 1, 1],
        ),
        (
            lambda: ours.WarmupStableDecay(None, 4, warmup_steps=0, decay_steps=4, decay="cosine"),
            [2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5), 0, 0],
        ),
        (
            lambda: ours.WarmupStableDecay(None, 3, warmup_steps=3, decay_steps=0),
            [2 / 3, 4 / 3, 2, 2, 0],
        ),
    ],
)
def test_by_hand_and_without_an_optimizer(make, rates):
    schedule = make()
    assert np.allclose([schedule.rate(t, lr=2) for t in range(len(rates))], rates, atol=1e-15)
    assert schedule.rate(1) == pytest.approx(schedule.rate(1, lr=1.0))
    with pytest.raises(ValueError, match=r"^optimizer is None: this schedule can only tell"):
        schedule.step()


def test_momentum_of_one_cycle_by_hand():
    schedule = ours.OneCycleLR(None, 9.0, 5, pct_start=0.6, anneal_strategy="linear")
    assert np.allclose([schedule.momentum(t) for t in range(5)], [0.95, 0.9, 0.85, 0.9, 0.95])


def test_one_cycle_holds_its_last_rate_at_total_steps_where_pytorch_extrapolates():
    schedule = ours.OneCycleLR(None, 1.0, 10, anneal_strategy="linear")
    assert schedule.rate(10) == schedule.rate(9) == pytest.approx(4e-6)
    optimizer = their_optimizer()
    other = theirs.OneCycleLR(optimizer, 1.0, 10, anneal_strategy="linear")
    for _ in range(10):
        optimizer.step()
        other.step()
    assert other.get_last_lr()[0] < 0


def test_one_cycle_refuses_steps_beyond_the_end():
    optimizer = our_optimizer()
    schedule = ours.OneCycleLR(optimizer, 1.0, 4, pct_start=0.5)
    for _ in range(4):
        schedule.step()
    before = copy.deepcopy([{**g, "params": None} for g in optimizer.param_groups])
    with pytest.raises(ValueError, match="step 5 is beyond total_steps = 4"):
        schedule.step()
    assert schedule.last_epoch == 4
    assert [{**g, "params": None} for g in optimizer.param_groups] == before


def test_only_the_first_beta_cycles():
    optimizer = Adam([Parameter(np.zeros(1))], betas=(0.9, 0.98))
    ours.OneCycleLR(optimizer, 1.0, 10)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.98)


def test_warmup_stable_decay_sets_the_rates():
    def build(module, optimizer):
        return module.WarmupStableDecay(optimizer, 100, warmup_steps=10, decay_steps=30)

    t = np.arange(100)
    factor = np.clip(np.minimum((t + 1) / 10, (100 - t) / 30), 0, 1)
    assert np.allclose(history(ours, our_optimizer(), build, 100)[:, :2], np.outer(factor, RATES))


def test_the_state_of_a_sequence_is_a_copy():
    schedule = warmup_then_cosine(ours, our_optimizer())
    before, state = schedule.state_dict(), schedule.state_dict()
    schedule.load_state_dict(state)
    state["base_lrs"][0][0] = 9.0
    assert schedule.state_dict() == before != state


def test_rates_of_a_sequence_without_setting_them():
    optimizer = our_optimizer()
    schedule = warmup_then_cosine(ours, optimizer)
    now = schedule.get_last_lr()
    assert np.allclose(schedule.rates(10), [0.505 * lr for lr in RATES])
    assert np.allclose(schedule.rates(160), [0.1 * lr for lr in RATES])
    assert schedule.get_last_lr() == now


def test_a_nested_sequence():
    def build(module, optimizer):
        inner = module.SequentialLR(
            optimizer, [module.ConstantLR(optimizer, 0.5, 9), module.StepLR(optimizer, 2)], [3]
        )
        return module.SequentialLR(optimizer, [module.ConstantLR(optimizer, 0.25, 9), inner], [2])

    got = history(ours, our_optimizer(), build, 8)[:, 0]
    assert np.allclose(got, 0.3 * np.array([0.25, 0.25, 0.5, 0.5, 0.5, 1, 1, 0.1]))


@pytest.mark.parametrize("when", [0, 1, 25, 110])
@pytest.mark.parametrize("build", SCHEDULES.values(), ids=SCHEDULES)
def test_resumes_exactly(build, when):
    expected = history(ours, our_optimizer(), build, 200)
    optimizer = our_optimizer()
    schedule = build(ours, optimizer)
    for _ in range(when):
        schedule.step()
    saved = copy.deepcopy((optimizer.state_dict(), schedule.state_dict()))
    kept = schedule.state_dict()
    schedule.step()
    assert kept == saved[1]  # a copy

    fresh = our_optimizer()
    resumed = build(ours, fresh)
    fresh.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for t in range(when, 200):
        momenta = [group["momentum"] for group in fresh.param_groups]
        assert [*resumed.get_last_lr(), *momenta] == expected[t].tolist()
        resumed.step()


def test_resumes_with_its_own_base_rates():
    optimizer = our_optimizer()
    schedule = ours.StepLR(optimizer, 2)
    for _ in range(3):
        schedule.step()
    optimizer = SGD([{"params": [Parameter(np.zeros(1))], "lr": 9.0} for _ in RATES])
    resumed = ours.StepLR(optimizer, 2)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.get_last_lr() == schedule.get_last_lr() == [0.1 * lr for lr in RATES]


def test_one_cycle_after_another_schedule():
    def build(module, optimizer):
        first = module.ExponentialLR(optimizer, 0.5)
        return module.SequentialLR(optimizer, [first, module.OneCycleLR(optimizer, 0.5, 30)], [3])

    got = history(ours, our_optimizer(), build, 30)[:, 0]
    cycle = ours.OneCycleLR(None, 0.5, 30)
    expected = [0.3, 0.15, 0.075, *(cycle.rate(t, lr=0.5) for t in range(27))]
    assert np.allclose(got, expected, rtol=1e-12)


def momenta(optimizer):
    return [g["betas"] if "betas" in g else g["momentum"] for g in optimizer.param_groups]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("cycle_first", [False, True])
def test_the_momentum_waits_for_the_turn_of_one_cycle(kind, nested, cycle_first):
    optimizer = our_optimizer(kind)
    before = momenta(optimizer)
    warmup = None if cycle_first else ours.LinearLR(optimizer, total_iters=3)
    cycle = ours.OneCycleLR(optimizer, 0.5, 30)
    warmup = warmup or ours.LinearLR(optimizer, total_iters=3)
    later = ours.SequentialLR(optimizer, [cycle, ours.StepLR(optimizer, 9)], [8])
    schedule = ours.SequentialLR(optimizer, [warmup, later if nested else cycle], [3])
    for t in range(9):
        expected = cycle.momentum(t - 3)
        expected = (expected, 0.999) if kind == "Adam" else expected
        assert momenta(optimizer) == (before if t < 3 else [expected] * 2)
        schedule.step()


def test_two_cycles_in_a_row():
    optimizer = our_optimizer()
    first = ours.OneCycleLR(optimizer, 0.5, 30, max_momentum=0.9)
    second = ours.OneCycleLR(optimizer, 0.5, 30, max_momentum=0.99)
    schedule = ours.SequentialLR(optimizer, [first, second], [4])
    for t in range(8):
        expected = first.momentum(t) if t < 4 else second.momentum(t - 4)
        assert momenta(optimizer) == [expected] * 2
        schedule.step()


def test_a_cycle_of_rates_alone_leaves_the_momentum():
    optimizer = SGD([Parameter(np.zeros(1))], lr=1.0, momentum=0.3)
    cycle = ours.OneCycleLR(optimizer, 0.5, 30, cycle_momentum=False)
    ours.SequentialLR(optimizer, [ours.LinearLR(optimizer), cycle], [4])
    assert momenta(optimizer) == [0.3]
    plain = Adagrad([Parameter(np.zeros(1))])
    cycle = ours.OneCycleLR(plain, 0.5, 30, cycle_momentum=False)
    ours.SequentialLR(plain, [ours.LinearLR(plain), cycle], [4])
    assert "momentum" not in plain.param_groups[0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.5])
def test_a_rate_that_is_none_is_refused_and_changes_nothing(bad):
    optimizer = our_optimizer()
    schedule = ours.LambdaLR(optimizer, [lambda t: 1.0, lambda t: bad if t == 2 else 0.5])
    schedule.step()
    before = schedule.get_last_lr(), schedule.state_dict()
    message = rf"the rate of step 2 must be finite and ≥ 0, got {bad * 0.07}"
    with pytest.raises(ValueError, match=message):
        schedule.step()
    assert (schedule.get_last_lr(), schedule.state_dict()) == before
    with pytest.raises(ValueError, match=r"the rate of step 0 must be finite and ≥ 0"):
        ours.LambdaLR(optimizer, lambda t: bad)
    assert schedule.get_last_lr() == before[0]


@pytest.mark.parametrize("bad", [None, "1", 1j, np.ones(2)])
def test_a_rate_must_be_a_number(bad):
    with pytest.raises(TypeError, match=r"lr_lambda\(0\) must be a number, got "):
        ours.LambdaLR(our_optimizer(), lambda t: bad)


def test_rates_become_python_numbers():
    optimizer = our_optimizer()
    ours.LambdaLR(optimizer, lambda t: np.float64(0.5))
    assert [type(group["lr"]) for group in optimizer.param_groups] == [float, float]
    assert optimizer.param_groups[0]["lr"] == 0.15


@pytest.mark.parametrize(
    ("build", "change", "message"),
    [
        ("step", {"base_lrs": [1.0, math.nan]}, r"state\['base_lrs'\]\[1\] must be finite and ≥ 0"),
        ("step", {"last_epoch": -1}, r"state\['last_epoch'\] must be finite and ≥ 0, got -1"),
        ("step", {"gamma": 1}, r"state must have \['base_lrs', 'last_epoch'\], got \['base_lrs',"),
        ("step", {"base_lrs": [1.0]}, "the optimizer has 2 groups, the schedule 1"),
        ("one cycle", {"last_epoch": 301}, "step 301 is beyond total_steps = 300"),
        ("warm-up, cosine, steps", {"base_lrs": [[1.0]]}, "state has 1 schedules, expected 3"),
    ],
)
def test_a_refused_state_changes_nothing(build, change, message):
    optimizer = our_optimizer()
    schedule = SCHEDULES[build](ours, optimizer)
    schedule.step()
    before = copy.deepcopy((schedule.state_dict(), schedule.get_last_lr()))
    with pytest.raises(ValueError, match=message):
        schedule.load_state_dict({**before[0], "last_epoch": 7, **change})
    assert (schedule.state_dict(), schedule.get_last_lr()) == before


def test_schedules_of_one_optimizer_start_from_the_same_rates():
    optimizer = our_optimizer()
    ours.ConstantLR(optimizer, 0.5)
    second = ours.ConstantLR(optimizer, 0.1)
    assert second.base_lrs == RATES
    assert second.get_last_lr() == [0.1 * lr for lr in RATES]
    second.base_lrs[0] = 9.0
    assert ours.StepLR(optimizer, 1).base_lrs == RATES


PLATEAUS = {
    "default": {},
    "patience 0": {"patience": 0, "factor": 0.5},
    "patience 3": {"patience": 3, "factor": 0.9, "threshold": 0.05},
    "abs": {"patience": 2, "threshold_mode": "abs", "threshold": 0.3, "factor": 0.7},
    "max": {"mode": "max", "patience": 2, "factor": 0.7, "threshold": 0.05},
    "max abs": {"mode": "max", "patience": 1, "threshold_mode": "abs", "threshold": 0.2},
    "cooldown": {"patience": 1, "cooldown": 3, "factor": 0.5},
    "min_lr": {"patience": 1, "min_lr": 0.01, "factor": 0.5},
    "min_lrs": {"patience": 1, "min_lr": [0.2, 0.01], "factor": 0.5},
    "eps": {"patience": 1, "eps": 0.01, "factor": 0.5},
    "by position": ("max", 0.7, 2, 0.05, "abs", 3, [0.01, 0.001], 1e-3),
}


def build_plateau(module, optimizer, options):
    if isinstance(options, tuple):
        return module.ReduceLROnPlateau(optimizer, *options)
    return module.ReduceLROnPlateau(optimizer, **options)


@pytest.mark.parametrize("options", PLATEAUS.values(), ids=PLATEAUS)
def test_plateau_agrees_with_pytorch_and_resumes(options):
    rng = np.random.default_rng(0)
    metrics = 2 + np.exp(-np.arange(200) / 20) + 0.1 * rng.standard_normal(200)
    one, two = our_optimizer(), their_optimizer()
    ours_, theirs_ = (
        build_plateau(ours, one, options),
        build_plateau(theirs, two, options),
    )
    for t, metric in enumerate(metrics):
        if t == 60:
            saved = one.state_dict(), ours_.state_dict()
            one = our_optimizer()
            ours_ = build_plateau(ours, one, options)
            one.load_state_dict(saved[0])
            ours_.load_state_dict(saved[1])
        ours_.step(metric)
        theirs_.step(metric)
        assert np.abs(np.subtract(ours_.get_last_lr(), theirs_.get_last_lr())).max() < 1e-12
        assert ours_.best == theirs_.best
        assert ours_.num_bad_epochs == theirs_.num_bad_epochs
        assert ours_.cooldown_counter == theirs_.cooldown_counter
        assert ours_.last_epoch == theirs_.last_epoch
    assert one.param_groups[0]["lr"] < RATES[0]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("metric", [-1.0, 0.0, 1.0])
def test_a_metric_that_stands_still_lowers_the_rate_whatever_its_sign(mode, threshold_mode, metric):
    schedule = ours.ReduceLROnPlateau(
        our_optimizer(), mode, patience=2, threshold_mode=threshold_mode
    )
    for _ in range(4):
        schedule.step(metric)
    assert np.allclose(schedule.get_last_lr(), [0.03, 0.007])


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "first", "bound"),
    [
        ("min", "rel", 2.0, 1.0),
        ("min", "abs", 2.0, 1.5),
        ("max", "rel", 2.0, 3.0),
        ("max", "abs", 2.0, 2.5),
        ("min", "rel", -2.0, -3.0),
        ("min", "abs", -2.0, -2.5),
        ("max", "rel", -2.0, -1.0),
        ("max", "abs", -2.0, -1.5),
    ],
)
def test_what_improves_on_2_by_a_threshold_of_a_half(mode, threshold_mode, first, bound):
    outwards = 0.01 if mode == "max" else -0.01
    for metric, improves in [(bound + outwards, True), (bound, False), (bound - outwards, False)]:
        schedule = ours.ReduceLROnPlateau(
            our_optimizer(), mode, threshold=0.5, threshold_mode=threshold_mode
        )
        schedule.step(first)
        schedule.step(metric)
        expected = (metric, 0) if improves else (first, 1)
        assert (schedule.best, schedule.num_bad_epochs) == expected


def test_plateau_at_the_threshold_is_no_improvement():
    optimizer = our_optimizer()
    schedule = ours.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=0, threshold=0.5, threshold_mode="abs"
    )
    schedule.step(2.0)
    schedule.step(1.5)
    assert (schedule.best, schedule.get_last_lr()) == (2.0, [0.15, 0.035])


def test_plateau_makes_no_change_as_small_as_eps():
    optimizer = SGD([Parameter(np.zeros(1))], lr=1.0)
    schedule = ours.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, eps=0.5)
    schedule.step(1.0)
    schedule.step(1.0)
    assert schedule.get_last_lr() == [1.0]


@pytest.mark.parametrize("metric", [math.nan, math.inf])
def test_plateau_refuses_a_metric_that_is_not_finite(metric):
    schedule = ours.ReduceLROnPlateau(our_optimizer())
    with pytest.raises(ValueError, match="metrics must be finite, got"):
        schedule.step(metric)
    counters = {"last_epoch": 0, "num_bad_epochs": 0, "cooldown_counter": 0}
    assert schedule.state_dict() == {"best": math.inf, **counters}


def test_plateau_refuses_the_state_of_another_schedule():
    optimizer = our_optimizer()
    with pytest.raises(ValueError, match=r"state must have \['best', 'cooldown_counter', 'last_"):
        ours.ReduceLROnPlateau(optimizer).load_state_dict(ours.StepLR(optimizer, 1).state_dict())


def wsd(optimizer, total_steps=9, warmup_steps=2, decay_steps=3, **options):
    return ours.WarmupStableDecay(
        optimizer, total_steps, warmup_steps=warmup_steps, decay_steps=decay_steps, **options
    )


BAD = [
    (lambda o: ours.StepLR(3, 1), TypeError, "optimizer must be an Optimizer or None, got 3"),
    (lambda o: ours.LambdaLR(o, 0.5), TypeError, "lr_lambda must be a function of the step, got 0"),
    (lambda o: ours.LambdaLR(o, [abs, 1]), TypeError, "lr_lambda must be a function .* got 1"),
    (lambda o: ours.LambdaLR(o, print), TypeError, r"lr_lambda\(0\) must be a number, got None"),
    (lambda o: ours.LambdaLR(o, [abs, str]), TypeError, r"lr_lambda\(0\) must be a .*, got '0'"),
    (lambda o: ours.LambdaLR(o, bin).rate(3), TypeError, r"lr_lambda\(0\) must be .*, got '0b0'"),
    (lambda o: ours.LambdaLR(None, bin).rate(3), TypeError, r"lr_lambda\(3\) must .*, got '0b11'"),
    (lambda o: ours.LambdaLR(o, [abs]), ValueError, "lr_lambda must be one value or a list of 2"),
    (lambda o: ours.ConstantLR(o, 1.1), ValueError, "factor must be .* ≤ 1, got 1.1"),
    (lambda o: ours.ConstantLR(o, -0.1), ValueError, "factor must be .* ≥ 0"),
    (lambda o: ours.ConstantLR(o, 0.5, -1), ValueError, "total_iters must be .* ≥ 0, got -1"),
    (lambda o: ours.StepLR(o, 0), ValueError, "step_size must be .* ≥ 1, got 0"),
    (lambda o: ours.StepLR(o, 1.5), TypeError, "step_size must be an integer, got 1.5"),
    (lambda o: ours.StepLR(o, 1, 0.0), ValueError, "gamma must be .* > 0"),
    (lambda o: ours.MultiStepLR(o, [3, 2]), ValueError, r"milestones must be in ascending order"),
    (lambda o: ours.MultiStepLR(o, [3, 0]), ValueError, r"milestones\[1\] must be .* ≥ 1, got 0"),
    (lambda o: ours.MultiStepLR(o, [3], 0), ValueError, "gamma must be .* > 0"),
    (lambda o: ours.ExponentialLR(o, 0), ValueError, "gamma must be .* > 0"),
    (lambda o: ours.CosineAnnealingLR(o, 0), ValueError, "T_max must be .* ≥ 1"),
    (lambda o: ours.CosineAnnealingLR(o, 1, -1), ValueError, "eta_min must be .* ≥ 0"),
    (lambda o: ours.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be .* ≥ 1, got 0"),
    (lambda o: ours.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "T_mult must be .* ≥ 1"),
    (lambda o: ours.CosineAnnealingWarmRestarts(o, 1, 1.5), TypeError, "T_mult must be an int"),
    (lambda o: ours.CosineAnnealingWarmRestarts(o, 1, 1, -1), ValueError, "eta_min must be .* ≥ 0"),
    (lambda o: ours.PolynomialLR(o, 0), ValueError, "total_iters must be .* ≥ 1, got 0"),
    (lambda o: ours.PolynomialLR(o, 1, -1), ValueError, "power must be .* ≥ 0, got -1"),
    (lambda o: ours.OneCycleLR(o, 1.0), TypeError, "epochs, in place of total_steps, must be an i"),
    (lambda o: ours.OneCycleLR(o, 1.0, epochs=3), TypeError, "steps_per_epoch must be an integer"),
    (lambda o: ours.OneCycleLR(o, 1.0, None, 0, 3), ValueError, "epochs, .* must be .* ≥ 1, got 0"),
    (lambda o: ours.OneCycleLR(o, 1.0, None, 3, 0), ValueError, "steps_per_epoch must be .* ≥ 1"),
    (lambda o: ours.LinearLR(o, 0.0), ValueError, "start_factor must be .* > 0 and ≤ 1"),
    (lambda o: ours.LinearLR(o, 1.1), ValueError, "start_factor must be .* > 0 and ≤ 1"),
    (lambda o: ours.LinearLR(o, 1.0, -0.1), ValueError, "end_factor must be .* ≥ 0 and ≤ 1"),
    (lambda o: ours.LinearLR(o, 1.0, 1.1), ValueError, "end_factor must be .* ≥ 0 and ≤ 1"),
    (lambda o: ours.LinearLR(o, total_iters=0), ValueError, "total_iters must be .* ≥ 1"),
    (lambda o: wsd(o, 0), ValueError, "total_steps must be .* ≥ 1"),
    (lambda o: wsd(o, warmup_steps=-1), ValueError, "warmup_steps must be .* ≥ 0"),
    (lambda o: wsd(o, decay_steps=-1), ValueError, "decay_steps must be .* ≥ 0"),
    (lambda o: wsd(o, 4), ValueError, r"at most total_steps, got 2 \+ 3 > 4"),
    (lambda o: wsd(o, decay="step"), ValueError, "decay must be one of 'linear', 'sqrt', 'cosine'"),
    (lambda o: wsd(o, end_factor=1.5), ValueError, "end_factor must be .* ≥ 0 and ≤ 1"),
    (lambda o: wsd(o, end_factor=-0.5), ValueError, "end_factor must be .* ≥ 0 and ≤ 1"),
    (lambda o: ours.OneCycleLR(o, 0.0, 9), ValueError, "max_lr must be .* > 0"),
    (lambda o: ours.OneCycleLR(o, [1.0, -1.0], 9), ValueError, "max_lr must be .* > 0, got -1"),
    (lambda o: ours.OneCycleLR(o, [1.0], 9), ValueError, "max_lr must be one value or .* got 1"),
    (lambda o: ours.OneCycleLR(o, 1.0, 0), ValueError, "total_steps must be .* ≥ 1"),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, pct_start=-0.1), ValueError, "pct_start .* ≥ 0 and ≤ 1"),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, pct_start=1.1), ValueError, "pct_start .* ≥ 0 and ≤ 1,"),
    (
        lambda o: ours.OneCycleLR(o, 1.0, 9, pct_start=0.6, three_phase=True),
        ValueError,
        "pct_start must be .* ≤ 0.5, got 0.6",
    ),
    (
        lambda o: ours.OneCycleLR(o, 1.0, 4, pct_start=0.25),
        ValueError,
        "pct_start · total_steps, the steps of the rise, must be > 1, got 0.25 · 4",
    ),
    (
        lambda o: ours.OneCycleLR(o, 1.0, 9, anneal_strategy="exp"),
        ValueError,
        "anneal_strategy must be one of 'cos', 'linear', got 'exp'",
    ),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, base_momentum=-1), ValueError, "base_momentum must be"),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, base_momentum=1), ValueError, "base_momentum must be"),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, max_momentum=-1), ValueError, "max_momentum must be"),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, max_momentum=1), ValueError, "max_momentum must be"),
    (lambda o: ours.OneCycleLR(o, 1.0, 9, div_factor=0), ValueError, "div_factor must be .* > 0"),
    (
        lambda o: ours.OneCycleLR(o, 1.0, 9, final_div_factor=0),
        ValueError,
        "final_div_factor must be .* > 0",
    ),
    (
        lambda o: ours.OneCycleLR(Adagrad([Parameter(np.zeros(1))]), 1.0, 9),
        ValueError,
        "cycle_momentum needs an optimizer with momentum or betas, but group 0 has only",
    ),
    (
        lambda o: ours.SequentialLR(o, [ours.ReduceLROnPlateau(o)], []),
        TypeError,
        r"schedulers\[0\] must be an LRScheduler, got",
    ),
    (
        lambda o: ours.SequentialLR(o, [ours.StepLR(None, 1)], []),
        ValueError,
        r"schedulers\[0\] was made for another optimizer",
    ),
    (
        lambda o: ours.SequentialLR(o, [ours.StepLR(o, 1)], [3]),
        ValueError,
        "milestones must be one fewer than schedulers, got 1 for 1",
    ),
    (
        lambda o: ours.SequentialLR(o, [ours.StepLR(o, 1)] * 3, [3, 2]),
        ValueError,
        "milestones must be in ascending order, got",
    ),
    (lambda o: ours.ReduceLROnPlateau(None), ValueError, "optimizer is None"),
    (lambda o: ours.ReduceLROnPlateau(o, "low"), ValueError, "mode must be one of 'min', 'max'"),
    (lambda o: ours.ReduceLROnPlateau(o, factor=1), ValueError, "factor must be .* < 1"),
    (lambda o: ours.ReduceLROnPlateau(o, factor=0), ValueError, "factor must be .* > 0"),
    (lambda o: ours.ReduceLROnPlateau(o, patience=-1), ValueError, "patience must be .* ≥ 0"),
    (lambda o: ours.ReduceLROnPlateau(o, threshold=-1), ValueError, "threshold must be .* ≥ 0"),
    (lambda o: ours.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode must be"),
    (lambda o: ours.ReduceLROnPlateau(o, cooldown=-1), ValueError, "cooldown must be .* ≥ 0"),
    (lambda o: ours.ReduceLROnPlateau(o, min_lr=-1), ValueError, "min_lr must be .* ≥ 0"),
    (lambda o: ours.ReduceLROnPlateau(o, min_lr=[0]), ValueError, "min_lr must be one value or"),
    (lambda o: ours.ReduceLROnPlateau(o, eps=-1), ValueError, "eps must be .* ≥ 0"),
]


@pytest.mark.parametrize(("build", "error", "message"), BAD)
def test_bad_options(build, error, message):
    with pytest.raises(error, match=message):
        build(our_optimizer())


def test_zero_thresholds_and_waits_are_allowed():
    schedule = ours.ReduceLROnPlateau(our_optimizer(), threshold=0, patience=0, cooldown=0, eps=0)
    schedule.step(1.0)
    schedule.step(1.0)
    assert np.allclose(schedule.get_last_lr(), [0.03, 0.007])


def test_a_schedule_keeps_float32():
    w = Parameter(np.ones(1, np.float32))
    optimizer = Adam([w])
    schedule = ours.OneCycleLR(optimizer, 1.0, 10)
    w.grad[...] = 1
    optimizer.step()
    schedule.step()
    assert type(optimizer.param_groups[0]["lr"]) is float
    assert type(optimizer.param_groups[0]["betas"][0]) is float
    assert w.data.dtype == np.float32
