"""Stochastic gradient descent, with momentum."""

import numpy as np

from descent.checks import number
from descent.optimizers._optimizer import Optimizer, descent_gradient, nonnegative


class SGD(Optimizer):
    r"""Stochastic gradient descent, optionally with momentum, Nesterov's look-ahead and L2 decay.

    With :math:`g` the gradient and :math:`\lambda` the weight decay,

    .. math::
        g &\leftarrow g + \lambda w \\
        v &\leftarrow \mu v + (1 - \tau)\, g \qquad (v \leftarrow g \text{ at the first step}) \\
        w &\leftarrow w - \eta\, v
            \qquad\text{or, with Nesterov,}\qquad w \leftarrow w - \eta\,(g + \mu v)

    This is PyTorch's form: the rate :math:`\eta` stands outside the velocity :math:`v`.
    Sutskever et al. put it inside; the two differ as soon as the rate changes. Given the gradient
    of all the data instead of a batch, this is gradient descent.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`
    momentum : float ≥ 0
        :math:`\mu`
    dampening : float
        :math:`\tau`
    weight_decay : float ≥ 0
        :math:`\lambda`
    nesterov : bool
        Needs momentum > 0 and dampening = 0.
    maximize : bool
        Go up instead of down.

    Raises
    ------
    ValueError
        A negative rate, momentum or decay; Nesterov without momentum.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods";
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum
    in deep learning", ICML.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, -2.0]))
    >>> optimizer = SGD([w], lr=0.1)
    >>> w.grad[...] = [1.0, 1.0]
    >>> optimizer.step()
    >>> w.data
    array([ 0.9, -2.1])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0.0,
        dampening=0.0,
        weight_decay=0.0,
        nesterov=False,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def check(self, *, lr, momentum, dampening, weight_decay, nesterov, maximize):
        nonnegative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        number("dampening", dampening)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                "nesterov needs momentum > 0 and dampening = 0, "
                f"got momentum {momentum} and dampening {dampening}"
            )

    def update(self, w, g, state, *, lr, momentum, dampening, weight_decay, nesterov, maximize):
        g = descent_gradient(g, w, weight_decay=weight_decay, maximize=maximize)
        if momentum:
            if "v" in state:
                state["v"] *= momentum
                state["v"] += (1 - dampening) * g
            else:
                state["v"] = np.copy(g)
            g = g + momentum * state["v"] if nesterov else state["v"]
        w -= np.multiply(lr, g, out=self.scratch(w))
