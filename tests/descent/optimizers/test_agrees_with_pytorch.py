"""A hundred steps of training, against the optimizers of PyTorch."""

import itertools

import pytest
import torch

from descent import optimizers
from descent.gradient_check import relative_error


@pytest.fixture(autouse=True)
def _numbers_in_float64():
    """PyTorch keeps NAdam's product of momenta in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def combinations(*names, **values):
    """All combinations of flags, and of the listed values with the default, as dicts."""
    axes = [[{}, {name: True}] for name in names]
    axes += [[{}, *({name: v} for v in vs)] for name, vs in values.items()]
    for choice in itertools.product(*axes):
        yield {name: value for options in choice for name, value in options.items()}


CASES = {
    "SGD": [
        *combinations("maximize", momentum=[0.9], weight_decay=[0.1]),
        *({"momentum": 0.9, **c} for c in combinations("maximize", dampening=[0.5])),
        *({"momentum": 0.9, "nesterov": True, **c} for c in combinations(weight_decay=[0.1])),
        {"lr": 0.3, "dampening": 0.5},
    ],
    "Adagrad": [
        *combinations("maximize", lr_decay=[0.1], weight_decay=[0.1]),
        {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 0.1},
    ],
    "Adadelta": [
        *combinations("maximize", weight_decay=[0.1]),
        {"lr": 0.5, "rho": 0.6, "eps": 1e-3},
    ],
    "RMSprop": [
        *combinations("maximize", "centered", momentum=[0.9], weight_decay=[0.1]),
        {"lr": 0.05, "alpha": 0.7, "eps": 0.01},
    ],
    "Adam": [
        *combinations("maximize", "amsgrad", "decoupled_weight_decay", weight_decay=[0.1]),
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.01},
        {"lr": 0.1, "betas": (0.5, 0.3), "amsgrad": True},
        {"betas": (0.0, 0.0)},
    ],
    "AdamW": [
        *combinations("maximize", "amsgrad", weight_decay=[0.0, 0.5]),
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.01},
    ],
    "NAdam": [
        *combinations(
            "maximize", "decoupled_weight_decay", weight_decay=[0.1], momentum_decay=[0.5]
        ),
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 0.01},
    ],
    "RAdam": [
        *combinations("maximize", "decoupled_weight_decay", weight_decay=[0.1]),
        {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.01},
        {"betas": (0.9, 0.5)},
    ],
}


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, cases in CASES.items() for options in cases]
)
def test_trajectory(trajectories, name, options):
    ours, theirs = trajectories(
        lambda weights: getattr(optimizers, name)(weights, **options),
        lambda weights: getattr(torch.optim, name)(weights, **options),
    )
    assert relative_error(theirs[0], theirs[-1]) > 1e-4  # it moved
    assert relative_error(ours, theirs) < 1e-9


def change_everything(optimizer, rates, t, steps):
    """As a cycle does: momentum down and up, the rate up and down; the decay as well."""
    s = abs(2 * t / steps - 1)
    for group, lr in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = lr * (1.5 - s)
        group["weight_decay"] = 0.1 * s
        if "betas" in group:
            group["betas"] = (0.5 + 0.4 * s, 0.999 - 0.3 * s)
        elif group.get("momentum"):
            group["momentum"] = 0.5 + 0.4 * s


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("Adagrad", {}),
        ("Adadelta", {}),
        ("RMSprop", {"momentum": 0.9, "centered": True}),
        ("Adam", {}),
        ("Adam", {"amsgrad": True}),
        ("AdamW", {}),
        ("NAdam", {}),
        ("RAdam", {}),
    ],
)
def test_all_options_may_change_on_the_way(trajectories, name, options):
    ours, theirs = trajectories(
        lambda weights: getattr(optimizers, name)(weights, **options),
        lambda weights: getattr(torch.optim, name)(weights, **options),
        change=change_everything,
    )
    assert relative_error(theirs[0], theirs[-1]) > 1e-4
    assert relative_error(ours, theirs) < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_groups_with_rates_of_their_own(trajectories, name):
    ours, theirs = trajectories(
        lambda groups: getattr(optimizers, name)(groups, lr=0.01),
        lambda groups: getattr(torch.optim, name)(groups, lr=0.01),
        steps=10,
        choose=lambda weights: [
            {"params": weights[:2]},
            {"params": weights[2:], "lr": 0.05, "weight_decay": 0.2},
        ],
    )
    assert relative_error(ours, theirs) < 1e-9


@pytest.mark.parametrize(
    "options",
    [
        *combinations(nesterov=[False], adjust_lr_fn=["original", "match_rms_adamw"]),
        {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.5, "ns_steps": 3},
        {"ns_coefficients": (2.0, -1.5, 0.5), "eps": 10.0},
    ],
)
def test_muon(trajectories, monkeypatch, options):
    # PyTorch orthogonalizes in bfloat16; here it is made to keep float64.
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
    ours, theirs = trajectories(
        lambda weights: optimizers.Muon(weights, **options),
        lambda weights: torch.optim.Muon(weights, **options),
        choose=lambda weights: weights[2:3],  # the one matrix
    )
    assert relative_error(theirs[0], theirs[-1]) > 1e-2
    assert relative_error(ours, theirs) < 1e-9
