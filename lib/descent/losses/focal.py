"""Focal loss, which turns down the examples that are already right.

Each raises ValueError for shapes that do not fit, a label or an option out of its range, nan or
inf, and TypeError for logits that are not floats and class indices that are not integers.
"""

import numpy as np

from descent.checks import finite_result, float_array, number
from descent.losses._inputs import weighed_classes, zeros_and_ones
from descent.losses._reduce import reduce
from descent.losses.binary import both_outcomes
from descent.losses.softmax import log_softmax


def focal(logits, target, *, alpha=0.25, gamma=2.0, reduction="mean"):
    r"""Binary focal loss: cross-entropy times a power of the probability of being wrong.

    .. math::
        \ell(z, y) = -\alpha_t\, q^\gamma \log p, \qquad p = \sigma(t z), \quad q = 1 - p,
        \quad t = 2y - 1

    with :math:`\alpha_t = \alpha` for y = 1 and :math:`1 - \alpha` for y = 0, and

    .. math::
        \frac{\partial \ell}{\partial z} = -t\, \alpha_t\, q^\gamma\,(q - \gamma\, p \log p).

    Parameters
    ----------
    logits : float array
        Scores before the sigmoid. An output whose bias starts at ``logit(0.01)`` starts with few
        false alarms, as the paper recommends.
    target : array of 0 and 1, the same shape
    alpha : float in [0, 1], or None
        :math:`\alpha`; None leaves the factor out.
    gamma : float ≥ 0
        :math:`\gamma`; 0 gives the cross-entropy.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries. The paper divides the sum by the number of
        positives; torchvision, whose names and defaults these are, reduces with "none" by default.

    Returns
    -------
    value : float, or an array of ``logits``'s shape for "none"
        In nats.
    gradient : float array, ``logits``'s shape
        With respect to the logits.

    References
    ----------
    Lin et al. (2017), "Focal Loss for Dense Object Detection", ICCV, equation 5.

    Examples
    --------
    >>> value, gradient = focal(np.zeros(1), np.ones(1))
    >>> float(value.round(4)), gradient.round(4)
    (0.0433, array([-0.0746]))
    """
    logits = float_array("logits", logits)
    y = zeros_and_ones(target, logits.shape, logits.dtype)
    gamma = float(number("gamma", gamma, at_least=0))
    alpha_t = 1.0
    if alpha is not None:
        alpha = float(number("alpha", alpha, at_least=0, at_most=1))
        alpha_t = alpha * y + (1 - alpha) * (1 - y)
        if alpha in (0, 1):
            logits = np.where(alpha_t > 0, logits, 0)  # what has no weight may hold anything
    t = 2 * y - 1
    p, q, minus_log_p, _ = both_outcomes(t * logits)
    weight = alpha_t * q**gamma
    loss = weight * minus_log_p
    finite_result(loss, logits=logits)
    return reduce(loss, -t * weight * (q + gamma * p * minus_log_p), reduction)


def softmax_focal(logits, target, *, gamma=2.0, weight=None, reduction="mean"):
    r"""Focal loss for several classes, on the softmax of logits.

    .. math::
        \ell(z, y) = -w_y\,(1 - p_y)^\gamma \log p_y, \qquad p = \operatorname{softmax}(z),

    .. math::
        \frac{\partial \ell}{\partial z_k} = c\,(p_k - [k = y]), \qquad
        c = w_y\,(1 - p_y)^\gamma \Bigl(1 - \gamma\, p_y \frac{\log p_y}{1 - p_y}\Bigr)

    At :math:`\gamma = 0` the gradient is that of the cross-entropy.

    Parameters
    ----------
    logits : float array, (N, K)
    target : int array, (N,)
        Class indices in 0 … K−1.
    gamma : float ≥ 0
        :math:`\gamma`
    weight : float array, (K,), optional
        :math:`w`, one factor for each class.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N, whatever the weights.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In nats.
    gradient : float array, (N, K)
        With respect to the logits.

    References
    ----------
    Lin et al. (2017), "Focal Loss for Dense Object Detection", ICCV, whose footnote leaves
    several classes to the reader.

    Examples
    --------
    >>> value, gradient = softmax_focal(np.zeros((1, 2)), np.array([0]))
    >>> float(value.round(4)), gradient.round(4)
    (0.1733, array([[-0.2983,  0.2983]]))
    """
    logits, y, w_y = weighed_classes("logits", logits, target, weight)
    gamma = float(number("gamma", gamma, at_least=0))
    rows = np.arange(len(y))
    log_p = log_softmax(logits)
    gradient = np.exp(log_p)
    p_y, log_p_y = gradient[rows, y], log_p[rows, y]
    gradient[rows, y] = 0
    q_y = gradient.sum(axis=1)  # 1 − p_y without cancellation
    ratio = np.divide(-log_p_y, q_y, out=np.ones_like(q_y), where=q_y > 0)  # 1 at p_y = 1
    loss = w_y * q_y**gamma * -log_p_y
    finite_result(loss, logits=logits)
    gradient[rows, y] = -q_y
    gradient *= (w_y * q_y**gamma * (1 + gamma * p_y * ratio))[:, None]
    return reduce(loss, gradient, reduction)
