"""Softmax and its logarithm.

Each raises TypeError for an array that is not of floats, and ValueError for an empty one, for nan
or inf, and where all entries along the axis are −inf.
"""

import numpy as np

from descent.checks import finite_result, float_array


def logsumexp(logits, dim=-1, *, keepdim=False):
    r"""Logarithm of a sum of exponentials: a smooth maximum.

    .. math:: \log \sum_k e^{z_k} = m + \log \sum_k e^{z_k - m}, \qquad m = \max_k z_k

    The second form cannot overflow: its largest term is 1. The gradient is the `softmax`.

    Parameters
    ----------
    logits : float array
        −inf counts as a term 0, as long as not all entries along ``dim`` are −inf.
    dim : int
        The axis to sum over.
    keepdim : bool
        Whether that axis stays, with length 1.

    Returns
    -------
    result : float array, ``logits``'s shape without ``dim``

    Examples
    --------
    >>> float(logsumexp(np.array([1000.0, 0.0, -1000.0])))
    1000.0
    """
    shifted, largest = _less_maximum(logits, dim)
    result = largest + np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return result if keepdim else result.squeeze(axis=dim)


def softmax(logits, dim=-1):
    r"""Probabilities in proportion to the exponentials of logits.

    .. math::
        p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}, \qquad
        \frac{\partial p_k}{\partial z_j} = p_k\,([k = j] - p_j)

    A common shift of the logits changes nothing, so the largest is subtracted first.

    Parameters
    ----------
    logits : float array
        −inf gives probability 0, as long as not all entries along ``dim`` are −inf.
    dim : int
        The axis along which the probabilities sum to 1.

    Returns
    -------
    probabilities : float array, the same shape

    References
    ----------
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs".

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0, -1000.0]))
    array([0.5, 0.5, 0. ])
    """
    shifted, _ = _less_maximum(logits, dim)
    exponential = np.exp(shifted)
    return exponential / exponential.sum(axis=dim, keepdims=True)


def log_softmax(logits, dim=-1):
    r"""Logarithm of the softmax, without ever forming a probability that rounds to 0.

    .. math:: \log p_k = z_k - \log \sum_j e^{z_j}

    Parameters
    ----------
    logits : float array
        −inf gives −inf, as long as not all entries along ``dim`` are −inf.
    dim : int
        The axis along which the probabilities sum to 1.

    Returns
    -------
    log_probabilities : float array, the same shape
        In nats, never above 0.

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted, _ = _less_maximum(logits, dim)
    return shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))


def _less_maximum(logits, dim):
    logits = float_array("logits", logits)
    largest = logits.max(axis=dim, keepdims=True)
    finite_result(largest, logits=logits)
    return logits - largest, largest
