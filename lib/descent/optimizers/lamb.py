"""LAMB: Adam's direction, each layer's step in proportion to its weights."""

import numpy as np

from descent.norms import vector_norm
from descent.optimizers._adaptive import Adaptive, averages
from descent.optimizers._optimizer import check_betas, nonnegative
from descent.optimizers._quotient import quotient


class LAMB(Adaptive):
    r"""Adam's direction, scaled so that each layer moves by a fixed share of its own length.

    .. math::
        r &= \frac{\hat m}{\sqrt{\hat v} + \varepsilon} + \lambda w \\
        w &\leftarrow w - \eta\, \frac{\lVert w \rVert}{\lVert r \rVert}\, r

    with :math:`\hat m` and :math:`\hat v` as in `Adam`. The norms are Euclidean, over one
    Parameter at a time: a weight array or a bias vector. Where one of them is zero, the factor
    is 1. The paper lets a function clip the norm of the weights; this is its identity.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`, the share of its length by which a layer moves.
    betas : two floats in [0, 1)
        :math:`\beta_1, \beta_2`
    eps : float ≥ 0
        :math:`\varepsilon`, as in `Adam`.
    weight_decay : float ≥ 0
        :math:`\lambda`

    Raises
    ------
    ValueError
        A negative rate, eps or decay; betas outside [0, 1). From ``step()``, a gradient
        whose square overflows.

    References
    ----------
    You et al. (2020), "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
    ICLR, algorithm 2.

    Examples
    --------
    A layer of length 5 takes a step of length 0.5:

    >>> w = Parameter(np.array([3.0, 4.0]))
    >>> optimizer = LAMB([w], lr=0.1, weight_decay=0.0)
    >>> w.grad[...] = [7.0, 7.0]
    >>> optimizer.step()
    >>> w.data.round(4)
    array([2.6464, 3.6464])
    """

    entrywise = False

    def __init__(self, params, lr=1e-3, *, betas=(0.9, 0.999), eps=1e-6, weight_decay=1e-2):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def check(self, *, lr, betas, eps, weight_decay):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)

    def update(self, w, g, state, *, lr, betas, eps, weight_decay):
        t, m, v = averages(w, state)
        beta1, beta2 = betas
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        r = quotient(m_hat, np.sqrt(v_hat) + eps) + weight_decay * w
        layer, step = vector_norm([w]), vector_norm([r])
        w -= lr * (layer / step if layer > 0 and step > 0 else 1.0) * r
