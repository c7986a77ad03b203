"""RMSprop: gradients divided by their root mean square."""

import numpy as np

from descent.checks import number
from descent.optimizers._adaptive import Adaptive
from descent.optimizers._optimizer import descent_gradient, nonnegative
from descent.optimizers._quotient import quotient


class RMSprop(Adaptive):
    r"""Divide by the root of a running average of the squared gradient.

    .. math::
        g &\leftarrow g + \lambda w \\
        v &\leftarrow \alpha v + (1 - \alpha)\, g^2 \\
        b &\leftarrow \mu b + g \,/\, (\sqrt v + \varepsilon) \\
        w &\leftarrow w - \eta\, b

    If centered, the variance :math:`v - \bar g^2` takes the place of :math:`v`, with
    :math:`\bar g \leftarrow \alpha \bar g + (1 - \alpha)\, g`.

    The average :math:`v` starts at zero and is not corrected for it, so the first steps are
    :math:`1/\sqrt{1-\alpha}` times too long: tenfold by default. Here, as in PyTorch,
    :math:`\varepsilon` stands outside the root; other libraries put it inside, or start
    :math:`v` at 1.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`
    alpha : float in [0, 1]
        :math:`\alpha`. PyTorch allows more than 1, which lets the average grow without bound.
    eps : float ≥ 0
        :math:`\varepsilon`. At 0, a weight that never had a gradient stays.
    weight_decay : float ≥ 0
        :math:`\lambda`
    momentum : float ≥ 0
        :math:`\mu`
    centered : bool
    maximize : bool
        Go up instead of down.

    Raises
    ------
    ValueError
        A negative rate, eps, decay or momentum; alpha outside [0, 1]. From ``step()``, a gradient
        whose square overflows.

    References
    ----------
    Tieleman and Hinton (2012), lecture 6.5 of "Neural Networks for Machine Learning", Coursera;
    Graves (2013), "Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850,
    equations 38-41, for the centered form.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> optimizer = RMSprop([w], lr=0.01)
    >>> w.grad[...] = [5.0, -0.2]
    >>> optimizer.step()
    >>> w.data.round(6)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0.0,
        momentum=0.0,
        centered=False,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def check(self, *, lr, alpha, eps, weight_decay, momentum, **switches):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay, momentum=momentum)
        number("alpha", alpha, at_least=0, at_most=1)

    def update(self, w, g, state, *, lr, alpha, eps, weight_decay, momentum, centered, maximize):
        if not state:
            state["v"] = np.zeros_like(w)
        v = state["v"]
        g = descent_gradient(g, w, weight_decay=weight_decay, maximize=maximize)

        v *= alpha
        v += (1 - alpha) * g**2
        if centered:
            mean = state.setdefault("mean", np.zeros_like(w))
            mean *= alpha
            mean += (1 - alpha) * g
            # Rounding can leave a variance just below zero, whose root would be nan.
            v = np.maximum(v - mean**2, 0)
        step = quotient(g, np.sqrt(v) + eps)
        if momentum:
            b = state.setdefault("b", np.zeros_like(w))
            b *= momentum
            b += step
            step = b
        w -= lr * step
