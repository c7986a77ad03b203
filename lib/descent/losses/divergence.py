"""Entropy, and the divergence of one distribution from another.

Each raises ValueError for shapes that differ, for entries that are no probabilities, or no
logarithms of some, and for nan or inf, and TypeError for arrays that are not floats, or of two
dtypes.
"""

import numpy as np

from descent.checks import finite_result, float_array, matching, one_of
from descent.losses._inputs import log_probabilities, probabilities, where_it_counts
from descent.losses._reduce import REDUCTIONS, reduce


def entropy(p, dim=-1):
    r"""Entropy of distributions: the least cross-entropy that any prediction can reach.

    .. math:: H(p) = -\sum_k p_k \log p_k, \qquad 0 \log 0 = 0

    Parameters
    ----------
    p : float array
        Probabilities.
    dim : int
        The axis to sum over.

    Returns
    -------
    value : float array, ``p``'s shape without ``dim``
        In nats.

    References
    ----------
    Shannon (1948), "A Mathematical Theory of Communication", section 6.

    Examples
    --------
    >>> entropy(np.array([[0.5, 0.5], [0.25, 0.75]])).round(4)
    array([0.6931, 0.5623])
    """
    p = float_array("p", p)
    probabilities(p=p)
    return -(p * _log(p)).sum(axis=dim)


def kl_div(log_probability, target, *, reduction="mean", log_target=False):
    r"""Kullback–Leibler divergence of predicted log-probabilities from target distributions.

    .. math::
        \ell(\log q, p) = p\,(\log p - \log q), \qquad
        \frac{\partial \ell}{\partial \log q} = -p, \qquad
        \mathrm{KL}(p \,\|\, q) = \sum_k \ell(\log q_k, p_k)

    The *second* argument :math:`p` is the distribution that the expectation is over, and the
    first is a logarithm: both are PyTorch's convention.

    Parameters
    ----------
    log_probability : float array
        :math:`\log q`, for example from `log_softmax`. The first axis is the batch.
    target : float array, the same shape
        :math:`p`, or :math:`\log p` if ``log_target``.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides by the length of the first axis: the mean divergence of (N, K).
        "mean", PyTorch's default, divides by the number of entries, so that it is K times
        smaller and no divergence.
    log_target : bool

    Returns
    -------
    value : float, or an array of ``log_probability``'s shape for "none"
        In nats. An outcome of probability 0 costs nothing, also where :math:`\log q` is −inf;
        PyTorch computes 0 · ∞ = nan there.
    gradient : float array, ``log_probability``'s shape
        With respect to ``log_probability``.

    References
    ----------
    Kullback and Leibler (1951), "On Information and Sufficiency", Annals of Mathematical
    Statistics 22.

    Examples
    --------
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    >>> value, gradient = kl_div(np.log(q), p, reduction="batchmean")
    >>> float(value.round(4)), gradient
    (0.1438, array([[-0.5, -0.5]]))
    """
    log_q, target = matching(log_probability=log_probability, target=target)
    one_of("reduction", reduction, (*REDUCTIONS, "batchmean"))
    log_probabilities(log_probability=log_q)
    if log_target:
        log_probabilities(target=target)
        p = np.exp(target)
        log_p = np.maximum(target, np.finfo(target.dtype).min)  # −inf, where p is 0
    else:
        probabilities(target=target)
        p, log_p = target, _log(target)
    loss = where_it_counts(p, log_p - log_q)
    finite_result(loss, log_probability=log_q)
    if reduction == "batchmean":
        return reduce(loss, -p, "mean", count=len(np.atleast_1d(loss)))
    return reduce(loss, -p, reduction)


def _log(p):
    return np.log(p, out=np.zeros_like(p), where=p > 0)  # 0 in place of −inf: it meets p = 0
