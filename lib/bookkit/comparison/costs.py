"""What a step costs: seconds as ratios, measured side by side."""

from time import process_time

import numpy as np

from bookkit.comparison.runs import BATCH_SIZE, METHODS, TASKS
from descent.losses import cross_entropy


def step_costs(rounds=20, steps=10):
    """The processor time of a step on the clean task, as a multiple of plain SGD's.

    All methods take turns, so that what slows the machine down slows all of them. Returns the
    median over the rounds for each method.
    """
    data, make_net = TASKS["clean"].data()[0], TASKS["clean"].net
    x, y = data.images[:BATCH_SIZE], data.labels[:BATCH_SIZE]
    steppers = {}
    for name, method in METHODS.items():
        net = make_net(np.random.default_rng(0))
        steppers[name] = _stepper(net, method.make(net.parameters(), method.default), x, y)
    seconds = {name: [] for name in METHODS}
    for _ in range(rounds):
        for name, step in steppers.items():
            start = process_time()
            for _ in range(steps):
                step()
            seconds[name].append(process_time() - start)
    ratios = {name: np.array(each) / seconds["SGD"] for name, each in seconds.items()}
    return {name: round(float(np.median(each)), 2) for name, each in ratios.items()}


def _stepper(net, optimizer, x, y):
    def closure():
        optimizer.zero_grad()
        value, gradient = cross_entropy(net.forward(x), y)
        net.backward(gradient)
        return value

    return lambda: optimizer.step(closure)
