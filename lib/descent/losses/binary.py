"""The loss for two classes, on logits."""

import numpy as np

from descent.checks import finite_result, matching
from descent.losses._inputs import probabilities, rescaling, where_it_counts
from descent.losses._reduce import reduce


def bce_with_logits(logits, target, *, weight=None, pos_weight=None, reduction="mean"):
    r"""Binary cross-entropy between the sigmoid of logits and target probabilities.

    .. math::
        \ell(z, y) = -w\,\bigl[\rho\, y \log \sigma(z) + (1 - y) \log(1 - \sigma(z))\bigr],
        \qquad
        \frac{\partial \ell}{\partial z} = w\,\bigl[(1 - y)\,\sigma(z) - \rho\, y\, \sigma(-z)\bigr]

    Without weights the gradient is :math:`\sigma(z) - y`. The logarithms are computed as
    :math:`-\log \sigma(z) = \max(-z, 0) + \log(1 + e^{-|z|})` and
    :math:`1 - \sigma(z) = \sigma(-z)`, which never overflow.

    Parameters
    ----------
    logits : float array
        Scores before the sigmoid. Probabilities cannot be told from small logits here: give the
        score itself.
    target : float array, the same shape
        :math:`y` in [0, 1].
    weight : float or float array, optional
        :math:`w \ge 0`: a number, or of a shape that broadcasts to that of the logits.
    pos_weight : float or float array, optional
        :math:`\rho \ge 0`, a factor for the positive part; likewise. For logits of shape
        (N, C, H, W) one of each class has the shape (C, 1, 1); shape (C,) means the last axis.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries, whatever the weights, as PyTorch does.

    Returns
    -------
    value : float, or an array of ``logits``'s shape for "none"
        In nats. An outcome that the target, or a weight of 0, rules out costs nothing, also where
        the logit is infinite; PyTorch computes 0 · ∞ = nan there.
    gradient : float array, ``logits``'s shape
        With respect to the logits.

    Raises
    ------
    ValueError
        Shapes that differ, a target outside [0, 1], a weight that is negative or does not
        broadcast, nan or inf.
    TypeError
        Arrays that are not floats, or of two dtypes.

    References
    ----------
    Cox (1958), "The Regression Analysis of Binary Sequences", Journal of the Royal Statistical
    Society B 20.

    Examples
    --------
    >>> value, gradient = bce_with_logits(np.array([0.0, 1000.0]), np.array([1.0, 0.0]))
    >>> float(value.round(4)), gradient
    (500.3466, array([-0.25,  0.5 ]))
    """
    logits, target = matching(logits=logits, target=target)
    probabilities(target=target)
    weight = rescaling("weight", weight, logits)
    positive = rescaling("pos_weight", pos_weight, logits) * target
    negative = 1 - target
    if not weight.all():
        logits = np.where(weight > 0, logits, 0)  # what has no weight may hold anything
    p, q, minus_log_p, minus_log_q = both_outcomes(logits)
    cost = where_it_counts(positive, minus_log_p) + where_it_counts(negative, minus_log_q)
    loss = weight * cost
    finite_result(loss, logits=logits)
    gradient = weight * (negative * p - positive * q)
    return reduce(loss, gradient, reduction)


def both_outcomes(z):
    """Return p = σ(z), q = σ(−z) = 1 − p, −log p and −log q, all from one exponential."""
    small = np.exp(-np.abs(z))
    likely, tail = 1 / (1 + small), np.log1p(small)
    unlikely = small * likely
    positive = z >= 0
    p, q = np.where(positive, likely, unlikely), np.where(positive, unlikely, likely)
    return p, q, np.maximum(-z, 0) + tail, np.maximum(z, 0) + tail
