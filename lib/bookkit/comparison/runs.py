"""What is compared, and what one run does."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from bookkit.stage import noise_stage
from descent.data import digits
from descent.evaluation import predict
from descent.layers import Dropout, ReLU, Sequential
from descent.losses import cross_entropy, mse, multi_margin
from descent.networks import MLP, SmallCNN
from descent.optimizers import (
    SAM,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Muon,
    PolynomialLR,
    RMSprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    Together,
)
from descent.training import train

BATCH_SIZE = 32
LOOK_EVERY = 5  # steps, for the arrival at a target
TARGETS = (0.90, 0.95, 0.97)  # validation accuracy
POINTS = 12  # of a stored learning curve
RATES = 7  # candidates for each method, half a decade apart


class Method(NamedTuple):
    """An optimizer as its library offers it, but for the rate.

    Attributes
    ----------
    default : float
        The rate that the library takes if told nothing.
    first : int
        Half-decades from the default to the smallest candidate.
    make : callable
        Takes the parameters and a rate.
    scheduled : bool
        Whether the rate falls linearly to 0.
    gradients : int
        Of a step.
    """

    default: float
    first: int
    make: Callable
    scheduled: bool = True
    gradients: int = 1


def muon_with_adamw(parameters, lr):
    """Muon for the matrices but the last, AdamW at a tenth of its rate for the rest."""
    inner = [p for p in parameters if p.data.ndim > 1][:-1]
    rest = [p for p in parameters if p not in inner]
    return Together(Muon(inner, lr=lr), AdamW(rest, lr=lr / 10))


METHODS = {
    "SGD": Method(1e-3, 0, SGD),
    "momentum": Method(1e-3, 0, partial(SGD, momentum=0.9)),
    "Nesterov": Method(1e-3, 0, partial(SGD, momentum=0.9, nesterov=True)),
    "Adagrad": Method(1e-2, -2, Adagrad),
    "RMSprop": Method(1e-2, -4, RMSprop),
    "Adam": Method(1e-3, -2, Adam),
    "AdamW": Method(1e-3, -2, AdamW),
    "Lion": Method(1e-4, -2, Lion),
    "Muon": Method(1e-3, 0, muon_with_adamw),
    "SAM": Method(1e-3, 0, lambda p, lr: SAM(SGD(p, lr=lr, momentum=0.9)), gradients=2),
    "ScheduleFreeSGD": Method(1.0, -4, ScheduleFreeSGD, scheduled=False),
    "ScheduleFreeAdamW": Method(2.5e-3, -2, ScheduleFreeAdamW, scheduled=False),
}


def mse_on_logits(logits, labels):
    """Squared error between the logits and the one-hot labels."""
    return mse(logits, np.eye(logits.shape[1])[labels])


LOSSES = {
    "cross-entropy": cross_entropy,
    "label smoothing": partial(cross_entropy, label_smoothing=0.1),
    "hinge": multi_margin,
    "squared error": mse_on_logits,
}


class Task(NamedTuple):
    """What is learned: data with validation and test parts, a network, a number of epochs."""

    data: Callable
    net: Callable
    epochs: int


@cache
def clean_digits():
    """One split for all seeds: no test image has ever helped to choose anything."""
    return digits(validation_size=300, rng=np.random.default_rng(0))


@cache
def noisy_digits():
    """The stage of Part III: 40% of the labels for training and validation are wrong."""
    stage = noise_stage(0)
    return stage.train, stage.validation, stage.test


def mlp(rng):
    return MLP([64, 256, 10], rng=rng)


def mlp_with_dropout(rng):
    return MLP([64, 256, 10], activation=lambda: Sequential(ReLU(), Dropout(0.5, rng=rng)), rng=rng)


TASKS = {
    "clean": Task(clean_digits, lambda rng: SmallCNN(rng=rng), 12),
    "noise": Task(noisy_digits, mlp, 36),
    "noise, dropout": Task(noisy_digits, mlp_with_dropout, 36),
}


def rate(method, half_decades):
    """The rate so many half-decades from a method's default, with two digits."""
    return float(f"{METHODS[method].default * 10 ** (half_decades / 2):.2g}")


def one_run(task, loss, method, lr, seed):
    """Train once, and return what is stored.

    Returns
    -------
    result : list
        For each target the step at which the validation accuracy was first seen to reach it, or
        nan; the numbers of right validation images at 12 points of the way; the validation loss
        there; then loss and right images of the training part and of the test part at the end.
    """
    (data, validation, test), make_net, epochs = TASKS[task][0](), *TASKS[task][1:]
    loss = LOSSES[loss]
    start, order = np.random.default_rng(seed).spawn(2)
    net = make_net(start)
    optimizer = METHODS[method].make(net.parameters(), lr)
    steps = epochs * -(-len(data) // BATCH_SIZE)
    arrivals, right, losses = [np.nan] * len(TARGETS), [], []

    def look(history):
        at_point = history.step % (steps // POINTS) == 0
        if not at_point and (history.step % LOOK_EVERY or np.isfinite(arrivals).all()):
            return
        optimizer.eval()
        value, count = measured(net, loss, validation)
        optimizer.train()
        for i, target in enumerate(TARGETS):
            if np.isnan(arrivals[i]) and count >= target * len(validation):
                arrivals[i] = history.step
        if at_point:
            right.append(count)
            losses.append(value)

    train(
        net,
        loss,
        optimizer,
        data,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        rng=order,
        schedule=PolynomialLR(optimizer, steps) if METHODS[method].scheduled else None,
        after_step=look,
        progress=False,
    )
    return [*arrivals, *right, *losses, *measured(net, loss, data), *measured(net, loss, test)]


def measured(net, loss, part):
    """The loss on some images, to seven digits, and how many are right."""
    outputs = predict(net, part.images)
    value = float(loss(outputs, part.labels)[0])
    return float(f"{value:.7g}"), int((outputs.argmax(axis=1) == part.labels).sum())
