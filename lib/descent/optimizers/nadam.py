"""NAdam: Adam with Nesterov's look-ahead."""

import math

import numpy as np

from descent.optimizers._adaptive import Adaptive, averages, decay
from descent.optimizers._optimizer import check_betas, nonnegative
from descent.optimizers._quotient import quotient


class NAdam(Adaptive):
    r"""Adam with Nesterov's look-ahead: the step uses the momentum that the next one would have.

    .. math::
        \mu_t &= \beta_1 (1 - \tfrac12\, 0.96^{\,t \psi}), \qquad \Pi_t = \mu_1 \cdots \mu_t \\
        w &\leftarrow w - \frac{\eta}{\sqrt{\hat v} + \varepsilon}
            \left( \frac{\mu_{t+1}}{1 - \Pi_{t+1}}\, m + \frac{1 - \mu_t}{1 - \Pi_t}\, g \right)

    with :math:`g, m, v` and :math:`\hat v` as in `Adam`. The paper blends :math:`m` itself with
    :math:`\mu_t`; PyTorch, and this, with :math:`\beta_1`.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`
    betas, eps, weight_decay, decoupled_weight_decay, maximize
        As in `Adam`.
    momentum_decay : float ≥ 0
        :math:`\psi`, how fast :math:`\mu_t` warms up from about :math:`\beta_1/2` to
        :math:`\beta_1`.

    Raises
    ------
    ValueError
        A negative rate, eps or decay; betas outside [0, 1). From ``step()``, as `Adam`.

    References
    ----------
    Dozat (2016), "Incorporating Nesterov Momentum into Adam", ICLR workshop.

    Examples
    --------
    >>> w = Parameter(np.array([1.0]))
    >>> optimizer = NAdam([w], lr=0.1)
    >>> w.grad[...] = 5.0
    >>> optimizer.step()
    >>> w.data.round(4)
    array([0.8944])
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def check(self, *, lr, betas, eps, weight_decay, momentum_decay, **switches):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_betas(betas)

    def update(
        self,
        w,
        g,
        state,
        *,
        lr,
        betas,
        eps,
        weight_decay,
        momentum_decay,
        decoupled_weight_decay,
        maximize,
    ):
        t, m, v = averages(w, state)
        beta1, beta2 = betas
        g = decay(w, g, lr, weight_decay, decoupled_weight_decay, maximize)

        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g**2

        mu, next_mu = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
        product = state["product"] = mu * state.get("product", 1.0)
        root = np.sqrt(v) / math.sqrt(1 - beta2**t) + eps
        ahead = next_mu / (1 - product * next_mu) * m + (1 - mu) / (1 - product) * g
        w -= lr * quotient(ahead, root)
