"""Problems on which optimizers are compared."""

import numpy as np
import pytest
import torch

from descent.layers import Parameter, flatten


def _small_cnn():
    """A network of 28 weights in four arrays, its batch, and a closure for its gradients."""
    generator = torch.Generator().manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    ).double()
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64) / 2
    x = torch.randn(6, 1, 4, 4, generator=generator, dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 0, 1, 2])

    def gradients():
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()

    return list(model.parameters()), gradients


FACTORS = (1.0, 0.2, 2.5, 0.5)


def _change_rates(optimizer, rates, t, steps):
    """The rates of the groups times a factor that changes in each quarter of the steps."""
    for group, lr in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = lr * FACTORS[4 * t // steps]


def _trajectory_of_theirs(make, steps, choose, change):
    weights, gradients = _small_cnn()
    optimizer = make(choose(weights))
    rates = [group["lr"] for group in optimizer.param_groups]
    trajectory = []
    for t in range(steps):
        gradients()
        change(optimizer, rates, t, steps)
        optimizer.step()
        trajectory.append(np.concatenate([p.detach().numpy().ravel() for p in weights]))
    return np.array(trajectory)


def _trajectory_of_ours(make, steps, choose, change):
    weights, gradients = _small_cnn()
    parameters = [Parameter(p.detach().numpy().copy()) for p in weights]
    flatten(parameters)
    for p, ours in zip(weights, parameters, strict=True):
        p.data = torch.from_numpy(ours.data)  # the network computes with our weights
    optimizer = make(choose(parameters))
    rates = [group["lr"] for group in optimizer.param_groups]
    trajectory = []
    for t in range(steps):
        gradients()
        for p, ours in zip(weights, parameters, strict=True):
            ours.grad[...] = p.grad.numpy()
        change(optimizer, rates, t, steps)
        optimizer.step()
        trajectory.append(np.concatenate([p.data.ravel() for p in parameters]))
    return np.array(trajectory)


@pytest.fixture
def trajectories():
    """A function that trains the small CNN with both optimizers, each on its own weights.

    The rate changes on the way, in both; so may other options, by `change`.
    """

    def train(
        make_ours,
        make_theirs,
        *,
        steps=100,
        choose=lambda weights: weights,
        change=_change_rates,
    ):
        return (
            _trajectory_of_ours(make_ours, steps, choose, change),
            _trajectory_of_theirs(make_theirs, steps, choose, change),
        )

    return train


class Problem:
    """Two arrays of weights, and gradients that depend on the weights and on the time."""

    def __init__(self, dtype=np.float64):
        rng = np.random.default_rng(0)
        self.parameters = [
            Parameter(rng.normal(size=shape).astype(dtype)) for shape in ((3, 4), (2, 3))
        ]
        self.scale = [rng.uniform(0.1, 10, p.data.shape).astype(dtype) for p in self.parameters]
        flatten(self.parameters)

    @staticmethod
    def gradient(w, scale, t):
        return (scale * w + np.cos(3 * t + 5 * scale)).astype(w.dtype)

    def set_gradients(self, t):
        for p, scale in zip(self.parameters, self.scale, strict=True):
            p.grad[...] = self.gradient(p.data, scale, t)

    def run(self, optimizer, steps, start=0):
        """Steps start+1 … start+steps; the weights after each, as an array (steps, 18)."""
        trajectory = []
        for t in range(start + 1, start + steps + 1):
            self.set_gradients(t)
            optimizer.step()
            trajectory.append(self.vector())
        return np.array(trajectory)

    def vector(self):
        return np.concatenate([p.data.ravel() for p in self.parameters])

    def follow(self, rule, steps):
        """The same with a rule from a paper: ``rule(w, gradient)`` yields w after each step.

        `gradient(w, t)` may be called anywhere, at t = 1, 2, …
        """
        runs = []
        for p, scale in zip(self.parameters, self.scale, strict=True):
            rule_steps = rule(p.data.copy(), lambda w, t, scale=scale: self.gradient(w, scale, t))
            runs.append(np.array([next(rule_steps).ravel() for _ in range(steps)]))
        return np.concatenate(runs, axis=1)


@pytest.fixture
def problem():
    """A function that makes a fresh copy of the same problem."""
    return Problem


@pytest.fixture
def one_weight():
    """A function that makes one weight, with a gradient that stays."""

    def make(value=0.0, gradient=1.0, dtype=np.float64):
        return Parameter(np.array([value], dtype), np.array([gradient], dtype))

    return make
