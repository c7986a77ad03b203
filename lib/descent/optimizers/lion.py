"""Lion: steps by the sign alone."""

import numpy as np

from descent.optimizers._optimizer import Optimizer, check_betas, nonnegative


class Lion(Optimizer):
    r"""Steps by the sign of the momentum: every weight moves by the rate, or not at all.

    .. math::
        w &\leftarrow w - \eta \lambda w \\
        w &\leftarrow w - \eta\, \operatorname{sign}(\beta_1 m + (1 - \beta_1)\, g) \\
        m &\leftarrow \beta_2 m + (1 - \beta_2)\, g

    The sign is the steepest descent direction when the length of a step is its largest entry
    (the norm :math:`\ell_\infty`). The step has more of the present gradient in it than the
    momentum :math:`m` that is kept.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`, exactly how far a weight moves; 3 to 10 times smaller than Adam's.
    betas : two floats in [0, 1)
        :math:`\beta_1, \beta_2`
    weight_decay : float ≥ 0
        :math:`\lambda`, decoupled; 3 to 10 times larger than AdamW's.

    Raises
    ------
    ValueError
        A negative rate or decay; betas outside [0, 1).

    References
    ----------
    Chen et al. (2023), "Symbolic Discovery of Optimization Algorithms", NeurIPS, algorithm 2.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, 1.0, 1.0]))
    >>> optimizer = Lion([w], lr=0.1)
    >>> w.grad[...] = [1000.0, -0.001, 0.0]
    >>> optimizer.step()
    >>> w.data
    array([0.9, 1.1, 1. ])
    """

    def __init__(self, params, lr=1e-4, *, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay)

    def check(self, *, lr, betas, weight_decay):
        nonnegative(lr=lr, weight_decay=weight_decay)
        check_betas(betas)

    def update(self, w, g, state, *, lr, betas, weight_decay):
        beta1, beta2 = betas
        m = state.setdefault("m", np.zeros_like(w))
        w *= 1 - lr * weight_decay
        w -= lr * np.sign(beta1 * m + (1 - beta1) * g)
        m *= beta2
        m += (1 - beta2) * g
