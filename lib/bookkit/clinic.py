"""The clinic of chapter 18: one training loop, one illness at a time, and what is seen of it."""

import json
from typing import NamedTuple

import numpy as np

from descent.data import LabeledImages, batches, digits
from descent.evaluation import evaluate
from descent.losses import cross_entropy
from descent.networks import SmallCNN
from descent.optimizers import SGD
from descent.optimizers.schedules import LinearLR
from descent.training import gradient_norms

ILLNESSES = [
    "rate too low",
    "validation leaked",
    "network dead",
    "gradients kept",
    "labels apart",
    "schedule too short",
]  # in the order of the patients, 1 to 6
RATE, BATCH, EPOCHS, EVERY = 0.05, 32, 6, 10


class Chart(NamedTuple):
    """What is written down of a patient.

    Attributes
    ----------
    steps : int array
        Every tenth.
    training, validation : float arrays
        The mean loss of the last ten batches, and the loss on 300 other images.
    gradient, ratio : float
        Of the first layer's kernels in the middle step: the root mean square of their gradient,
        and how far they moved, relative to their size.
    shared : int
        How many of the validation images were trained on.
    """

    steps: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    gradient: float
    ratio: float
    shared: int


def descend(net, data, rng, *, illness=None, epochs, after_step):
    """The loop: momentum 0.9, a rate that falls to 0, and the illness, if there is one."""
    images, labels = data.images, data.labels
    rate = RATE * {"rate too low": 1 / 6, "network dead": 60}.get(illness, 1)
    sgd = SGD(net.parameters(), lr=rate, momentum=0.9)
    steps = epochs * -(-len(images) // BATCH)
    if illness == "schedule too short":
        steps //= 3
    schedule = LinearLR(sgd, start_factor=1, end_factor=0, total_iters=steps)
    if illness == "labels apart":
        labels = rng.permutation(labels)
    for _ in range(epochs):
        for x, y in batches(images, labels, BATCH, rng=rng):
            if illness != "gradients kept":
                sgd.zero_grad()
            value, gradient = cross_entropy(net.forward(x), y)
            net.backward(gradient, input_gradient=False)
            sgd.step()
            schedule.step()
            after_step(value)


def admit(illness=None, *, seed=0, epochs=EPOCHS):
    """Train a small CNN on 957 digits with this illness, or without one, and write its chart."""
    rng = np.random.default_rng(seed)
    data, held_out, _ = digits(validation_size=300, rng=rng)
    shared = held_out if illness == "validation leaked" else held_out[:0]
    data = LabeledImages(
        np.concatenate([data.images, shared.images]),
        np.concatenate([data.labels, shared.labels]),
    )
    net = SmallCNN(rng=rng)
    values, validation, weights, gradient = [], [], {}, {}
    middle = epochs * -(-len(data) // BATCH) // 2

    def watch(value):
        values.append(value)
        step = len(values)
        if step in (middle - 1, middle):
            weights[step], gradient[step] = net.state_dict(), gradient_norms(net)
        if step % EVERY == 0:
            outcome = evaluate(net, cross_entropy, held_out.images, held_out.labels)
            validation.append(outcome["loss"])

    descend(net, data, rng, illness=illness, epochs=epochs, after_step=watch)
    tens = len(validation)
    return Chart(
        EVERY * np.arange(1, tens + 1),
        np.reshape(values[: EVERY * tens], (tens, EVERY)).mean(axis=1),
        np.array(validation),
        gradient[middle]["0.weight"],
        moved(weights[middle], weights[middle - 1]),
        len(shared),
    )


def moved(after, before, name="0.weight"):
    """By how much of their size the kernels of the first layer have moved."""
    return np.linalg.norm(after[name] - before[name]) / np.linalg.norm(before[name])


def one_batch(illness=None, *, seed=0, steps=100):
    """The loss on one batch of 32 images after so many steps on it, with this illness."""
    rng = np.random.default_rng(seed)
    data, _ = digits(rng=rng)
    values = []
    net = SmallCNN(rng=rng)
    descend(net, data[:BATCH], rng, illness=illness, epochs=steps + 1, after_step=values.append)
    return values[-1]


def charts():
    """What the live figure knows: the healthy run first, then the patients, in three digits."""
    return [
        {
            "illness": illness or "healthy",
            "training": digits_of(chart.training),
            "validation": digits_of(chart.validation),
            "tests": digits_of([one_batch(illness), chart.gradient, chart.ratio, chart.shared]),
        }
        for illness, chart in ((illness, admit(illness)) for illness in [None, *ILLNESSES])
    ]


def digits_of(values, count=3):
    """Numbers rounded to so many digits."""
    return [float(f"{value:.{count}g}") for value in values]


if __name__ == "__main__":  # prints the constant CHARTS of book/live/clinic.js
    for chart in charts():
        print(f"  {json.dumps(chart, separators=(',', ':'))},")
