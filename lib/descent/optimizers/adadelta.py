"""Adadelta: steps in the weights' own units."""

import numpy as np

from descent.checks import number
from descent.optimizers._adaptive import Adaptive
from descent.optimizers._optimizer import descent_gradient, nonnegative
from descent.optimizers._quotient import quotient


class Adadelta(Adaptive):
    r"""Steps in the weights' own units: scaled by the size of the recent steps.

    .. math::
        g &\leftarrow g + \lambda w \\
        v &\leftarrow \rho v + (1 - \rho)\, g^2 \\
        \Delta &= \frac{\sqrt{u + \varepsilon}}{\sqrt{v + \varepsilon}}\, g \\
        u &\leftarrow \rho u + (1 - \rho)\, \Delta^2 \\
        w &\leftarrow w - \eta\, \Delta

    Both averages start at zero, so :math:`\sqrt\varepsilon` sets the size of the first steps. The
    paper has no rate, which is the default :math:`\eta = 1`.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`
    rho : float in [0, 1]
        :math:`\rho`
    eps : float ≥ 0
        :math:`\varepsilon`, inside both roots. At 0 nothing ever moves, as in PyTorch.
    weight_decay : float ≥ 0
        :math:`\lambda`
    maximize : bool
        Go up instead of down.

    Raises
    ------
    ValueError
        A negative rate, eps or decay; rho outside [0, 1]. From ``step()``, a gradient whose
        square overflows.

    References
    ----------
    Zeiler (2012), "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, algorithm 1.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> optimizer = Adadelta([w])
    >>> w.grad[...] = [100.0, -1.0]
    >>> optimizer.step()
    >>> w.data.round(4)
    array([0.9968, 1.0032])
    """

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, *, maximize=False):
        super().__init__(
            params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def check(self, *, lr, rho, eps, weight_decay, maximize):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay)
        number("rho", rho, at_least=0, at_most=1)

    def update(self, w, g, state, *, lr, rho, eps, weight_decay, maximize):
        if not state:
            state.update(v=np.zeros_like(w), u=np.zeros_like(w))
        v, u = state["v"], state["u"]
        g = descent_gradient(g, w, weight_decay=weight_decay, maximize=maximize)

        v *= rho
        v += (1 - rho) * g**2
        delta = quotient(np.sqrt(u + eps), np.sqrt(v + eps)) * g
        u *= rho
        u += (1 - rho) * delta**2
        w -= lr * delta
