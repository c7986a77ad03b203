"""Schedule-free learning: averaging in place of a schedule for the rate."""

import math

import numpy as np

from descent.checks import entries, integer, number
from descent.optimizers._adaptive import Adaptive
from descent.optimizers._optimizer import (
    Optimizer,
    check_betas,
    descent_gradient,
    nonnegative,
)
from descent.optimizers._quotient import quotient


class ScheduleFree(Optimizer):
    r"""What the two share: three sequences of weights, of which the network holds one.

    .. math::
        z &\leftarrow z - \gamma_t\, d \\
        x &\leftarrow (1 - c_t)\, x + c_t\, z,
            \qquad c_t = \gamma_t^2 \,/\, \textstyle\sum_{i \le t} \gamma_i^2 \\
        y &= (1 - \beta)\, z + \beta x

    A subclass turns the gradient at :math:`y` into a direction :math:`d` and a rate
    :math:`\gamma_t`.

    Attributes
    ----------
    training : bool
        Whether the network holds :math:`y`, for gradients, or :math:`x`, for predictions.
    """

    training = True

    def step(self, closure=None):
        self._refuse_to_evaluate()
        return super().step(closure)

    def check_gradients(self):
        self._refuse_to_evaluate()
        super().check_gradients()

    def _refuse_to_evaluate(self):
        if not self.training:
            raise RuntimeError("step() needs the weights for training; call train() first")

    def train(self):
        """Put the weights for gradients, y, into the network; returns the optimizer."""
        for p, state in self.state.items():
            if state and p.requires_grad and not self.training:
                p.data[...] = _between(state)
        self.training = True
        return self

    def eval(self):
        """Put the weights for predictions, x, into the network; returns the optimizer."""
        for p, state in self.state.items():
            if state and p.requires_grad:
                p.data[...] = state["x"]
        self.training = False
        return self

    def state_dict(self):
        """Copies of the options and states, and which weights the network holds."""
        return super().state_dict() | {"training": self.training}

    def load_state_dict(self, saved):
        entries("saved", saved, ("groups", "shapes", "states", "training"))
        super().load_state_dict({name: saved[name] for name in saved if name != "training"})
        self.training = saved["training"]


class ScheduleFreeSGD(ScheduleFree):
    r"""Stochastic gradient descent that needs no schedule, and so no horizon.

    .. math::
        z &\leftarrow z - \gamma_t\, (\nabla L(y) + \lambda y) \\
        x &\leftarrow (1 - c_t)\, x + c_t\, z,
            \qquad c_t = \gamma_t^2 \,/\, \textstyle\sum_{i \le t} \gamma_i^2 \\
        y &\leftarrow (1 - \beta)\, z + \beta x

    The steps are taken by :math:`z`, the gradients at :math:`y`; the result is the average
    :math:`x`. The network holds :math:`y` while it trains. **Call eval() before measuring or
    saving the network, and train() before going on**; both cost nothing but a copy.
    With :math:`\beta = 0` this is SGD with Polyak's averaging.

    At a constant rate :math:`c_t = 1/t`, so :math:`x` is the mean of :math:`z` after 1 … t steps,
    as in the authors' code; the paper's equations count the starting point too.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        The rate :math:`\gamma`; larger than the one of a schedule would be.
    momentum : float in [0, 1]
        :math:`\beta`
    weight_decay : float ≥ 0
        :math:`\lambda`
    warmup_steps : int ≥ 0
        :math:`\gamma_t = \gamma \min(1, t / \text{warmup\_steps})`

    Raises
    ------
    ValueError
        A negative option, momentum above 1.
    RuntimeError
        From ``step()``, after ``eval()``.

    References
    ----------
    Defazio et al. (2024), "The Road Less Scheduled", NeurIPS, equations 3-5.

    Examples
    --------
    >>> w = Parameter(np.array([1.0]))
    >>> optimizer = ScheduleFreeSGD([w], lr=0.5)
    >>> for _ in range(2):
    ...     w.grad[...] = 1.0
    ...     optimizer.step()
    >>> w.data
    array([0.225])
    >>> _ = optimizer.eval()
    >>> w.data
    array([0.25])
    """

    def __init__(self, params, lr=1.0, *, momentum=0.9, weight_decay=0.0, warmup_steps=0):
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            warmup_steps=warmup_steps,
        )

    def check(self, *, lr, momentum, weight_decay, warmup_steps):
        nonnegative(lr=lr, weight_decay=weight_decay)
        integer("warmup_steps", warmup_steps, at_least=0)
        number("momentum", momentum, at_least=0, at_most=1)

    def update(self, w, g, state, *, lr, momentum, weight_decay, warmup_steps):
        z, x, t = _begin(w, state, beta=momentum)
        rate = lr * _warmup(t, warmup_steps)
        c = _share(rate, state)
        z -= rate * descent_gradient(g, w, weight_decay=weight_decay, maximize=False)
        x *= 1 - c
        x += c * z
        w[...] = (1 - momentum) * z + momentum * x


class ScheduleFreeAdamW(ScheduleFree, Adaptive):
    r"""AdamW that needs no schedule, and so no horizon; its averaging is the momentum.

    .. math::
        v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2,
            \qquad \gamma_t = \gamma\, \sqrt{1 - \beta_2^t} \\
        z &\leftarrow z - \gamma_t\, \bigl(g / (\sqrt v + \varepsilon) + \lambda y\bigr) \\
        x &\leftarrow (1 - c_t)\, x + c_t\, z,
            \qquad c_t = \gamma_t^2 \,/\, \textstyle\sum_{i \le t} \gamma_i^2 \\
        y &\leftarrow (1 - \beta_1)\, z + \beta_1 x

    with :math:`g` the gradient at :math:`y`. The network holds :math:`y` while it trains.
    **Call eval() before measuring or saving the network, and train() before going on.**

    This is the paper's algorithm, which corrects the bias of :math:`v` through the rate. The
    authors' later code divides :math:`v` by :math:`1 - \beta_2^t` instead, weighs with the
    uncorrected rate, and by the largest rate so far.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        The rate :math:`\gamma`; 1 to 10 times the one of AdamW with a schedule.
    betas : two floats in [0, 1)
        :math:`\beta_1, \beta_2`
    eps : float ≥ 0
        :math:`\varepsilon`, as in `Adam`.
    weight_decay : float ≥ 0
        :math:`\lambda`, at :math:`y`.
    warmup_steps : int ≥ 0
        :math:`\gamma_t` is multiplied by :math:`\min(1, t / \text{warmup\_steps})`.

    Raises
    ------
    ValueError
        A negative option, betas outside [0, 1). From ``step()``, a gradient whose square
        overflows.
    RuntimeError
        From ``step()``, after ``eval()``.

    References
    ----------
    Defazio et al. (2024), "The Road Less Scheduled", NeurIPS, algorithm 1.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> optimizer = ScheduleFreeAdamW([w], lr=0.1)
    >>> w.grad[...] = [100.0, -0.1]
    >>> optimizer.step()
    >>> w.data.round(4)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        params,
        lr=2.5e-3,
        *,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        warmup_steps=0,
    ):
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            warmup_steps=warmup_steps,
        )

    def check(self, *, lr, betas, eps, weight_decay, warmup_steps):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay)
        integer("warmup_steps", warmup_steps, at_least=0)
        check_betas(betas)

    def update(self, w, g, state, *, lr, betas, eps, weight_decay, warmup_steps):
        beta1, beta2 = betas
        z, x, t = _begin(w, state, beta=beta1)
        rate = lr * _warmup(t, warmup_steps) * math.sqrt(1 - beta2**t)
        c = _share(rate, state)
        v = state.setdefault("v", np.zeros_like(w))
        v *= beta2
        v += (1 - beta2) * g**2
        z -= rate * (quotient(g, np.sqrt(v) + eps) + weight_decay * w)
        x *= 1 - c
        x += c * z
        w[...] = (1 - beta1) * z + beta1 * x


def _begin(w, state, *, beta):
    """Count the step; return the sequences z and x, which start at w, and the step's number."""
    if not state:
        state.update(t=0, total=0.0, z=w.copy(), x=w.copy())
    state["t"] += 1
    state["beta"] = beta
    return state["z"], state["x"], state["t"]


def _share(rate, state):
    """The share c of the newest z in the average x, by the squares of the rates."""
    state["total"] += rate**2
    return rate**2 / state["total"] if state["total"] else 0.0


def _warmup(t, warmup_steps):
    return min(1.0, t / warmup_steps) if warmup_steps else 1.0


def _between(state):
    return (1 - state["beta"]) * state["z"] + state["beta"] * state["x"]
