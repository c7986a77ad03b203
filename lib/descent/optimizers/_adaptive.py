"""What the rules share that divide by the root of squared gradients."""

import math

import numpy as np

from descent.checks import NotFiniteError
from descent.optimizers._optimizer import Optimizer, descent_gradient, described


class Adaptive(Optimizer):
    """A rule that keeps squares of the gradient.

    The square of a float32 number beyond 1.8e19 is infinite. It would stay so in every average,
    and the weight would never move again; PyTorch lets that happen. Here such a gradient is
    refused like one that is not finite.
    """

    def refuse_gradients(self, parameters):
        super().refuse_gradients(parameters)
        for p in parameters:
            index = np.unravel_index(np.abs(p.grad).argmax(), p.grad.shape)
            largest = p.grad[index].item()
            if abs(largest) > math.sqrt(np.finfo(p.grad.dtype).max):
                raise NotFiniteError(
                    f"the square of the gradient must be finite in {p.grad.dtype}, got "
                    f"{largest:.3g} at index {tuple(map(int, index))} of "
                    f"{described(p)}; nothing was changed"
                )


def averages(w, state):
    """Count the step; return its number t and the running averages m and v, zero at first."""
    if not state:
        state.update(t=0, m=np.zeros_like(w), v=np.zeros_like(w))
    state["t"] += 1
    return state["t"], state["m"], state["v"]


def decay(w, g, lr, weight_decay, decoupled, maximize):
    """Shrink the weights themselves, or through the gradient; returns the gradient to go down."""
    if decoupled:
        w *= 1 - lr * weight_decay
        weight_decay = 0
    return descent_gradient(g, w, weight_decay=weight_decay, maximize=maximize)
