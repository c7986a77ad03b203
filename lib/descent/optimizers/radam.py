"""RAdam: Adam that waits for enough gradients."""

import math

import numpy as np

from descent.optimizers._adaptive import Adaptive, averages, decay
from descent.optimizers._optimizer import check_betas, nonnegative
from descent.optimizers._quotient import quotient


class RAdam(Adaptive):
    r"""Adam that trusts the root mean square only once enough gradients stand behind it.

    .. math::
        \rho_\infty = \frac{2}{1 - \beta_2} - 1, \qquad
        \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}

    is the number of gradients that the average :math:`\hat v` is worth. While
    :math:`\rho_t \le 5` the step is momentum alone, afterwards it is rectified by :math:`r_t`:

    .. math::
        w &\leftarrow w - \eta\, \hat m \\
        w &\leftarrow w - \eta\, r_t\, \hat m\,
            \frac{\sqrt{1 - \beta_2^t}}{\sqrt v + \varepsilon}, \qquad
            r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\,\rho_\infty}
                {(\rho_\infty - 4)(\rho_\infty - 2)\,\rho_t}}

    with :math:`g, m, v` and :math:`\hat m` as in `Adam`. The paper rectifies as soon as
    :math:`\rho_t > 4`, where the variance becomes finite; PyTorch, and this, wait for
    :math:`\rho_t > 5`. At :math:`\beta_2 = 0.999` that is step 6 instead of step 5.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`
    betas, eps, weight_decay, decoupled_weight_decay, maximize
        As in `Adam`.

    Raises
    ------
    ValueError
        A negative rate, eps or decay; betas outside [0, 1). From ``step()``, as `Adam`.

    References
    ----------
    Liu et al. (2020), "On the Variance of the Adaptive Learning Rate and Beyond", ICLR,
    algorithm 2.

    Examples
    --------
    The first step is that of momentum, and has the gradient's scale:

    >>> w = Parameter(np.array([1.0]))
    >>> optimizer = RAdam([w], lr=0.1)
    >>> w.grad[...] = 5.0
    >>> optimizer.step()
    >>> w.data
    array([0.5])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
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
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def check(self, *, lr, betas, eps, weight_decay, **switches):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)

    def update(
        self, w, g, state, *, lr, betas, eps, weight_decay, decoupled_weight_decay, maximize
    ):
        t, m, v = averages(w, state)
        beta1, beta2 = betas
        g = decay(w, g, lr, weight_decay, decoupled_weight_decay, maximize)

        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g**2

        rate = lr / (1 - beta1**t)
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        if rho <= 5:
            w -= rate * m
            return
        r = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        w -= rate * r * math.sqrt(1 - beta2**t) * quotient(m, np.sqrt(v) + eps)
