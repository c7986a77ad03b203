"""Steps that change weights directly, beside the gradient's: shrinking and projecting."""

import numpy as np

from descent.checks import float_array, number
from descent.layers import Parameter


def soft_threshold(w, threshold):
    r"""Shrink towards zero by a fixed amount, and stop there: the proximal operator of L1.

    .. math::
        \operatorname{prox}_t(w) = \operatorname*{arg\,min}_u\ \tfrac12 \|u - w\|^2 + t\,\|u\|_1,
        \qquad \operatorname{prox}_t(w)_i = \operatorname{sign}(w_i) \max(|w_i| - t,\ 0)
            = w_i - \min(\max(w_i, -t),\ t)

    A proximal gradient step for a loss with the penalty :math:`\lambda\|w\|_1` is
    :math:`w \leftarrow \operatorname{prox}_{\eta\lambda}(w - \eta\,\nabla L)`.

    Parameters
    ----------
    w : float array, any shape
    threshold : float ≥ 0
        :math:`t`, in a step the rate times the penalty's strength.

    Returns
    -------
    shrunk : float array, `w`'s shape

    Raises
    ------
    ValueError, TypeError
        A negative threshold, integers.

    References
    ----------
    Donoho (1995), "De-noising by soft-thresholding", IEEE Transactions on Information Theory 41.

    Examples
    --------
    >>> from descent.regularization import soft_threshold
    >>> soft_threshold(np.array([3.0, 0.5, -2.0]), 1.0)
    array([ 2.,  0., -1.])
    """
    w = float_array("w", w)
    threshold = float(number("threshold", threshold, at_least=0))
    return w - np.clip(w, -threshold, threshold)


def decay_weights(params, *, lr, weight_decay):
    r"""Decoupled weight decay: shrink parameters in place, whatever their gradients are.

    .. math:: w \leftarrow (1 - \eta\lambda)\, w

    AdamW does this before its step. It equals the `l2` penalty for plain SGD only.

    Parameters
    ----------
    params : list of Parameter
    lr : float ≥ 0
        :math:`\eta`
    weight_decay : float ≥ 0
        :math:`\lambda`

    Raises
    ------
    ValueError
        A negative rate or decay, or a product above 1, which would turn the weights around.
    TypeError
        Anything but parameters.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", ICLR.

    Examples
    --------
    >>> from descent.regularization import decay_weights
    >>> w = Parameter(np.array([10.0, -20.0]))
    >>> decay_weights([w], lr=0.1, weight_decay=1.0)
    >>> w.data
    array([  9., -18.])
    """
    lr = number("lr", lr, at_least=0)
    weight_decay = number("weight_decay", weight_decay, at_least=0)
    number("lr · weight_decay", lr * weight_decay, at_most=1)
    params = list(params)
    for p in params:
        _parameter("params", p)
    for p in params:
        p.data *= 1 - lr * weight_decay


def max_norm(parameter, limit):
    r"""Project a parameter in place: no unit's weights may be longer than a limit.

    .. math:: w_i \leftarrow w_i\, \min\!\Big(1,\ \frac{c}{\|w_i\|_2}\Big)

    Here :math:`w_i` is everything behind index i of the first axis: the weights that lead into
    one unit of `Linear`, or one filter of a convolution.

    Parameters
    ----------
    parameter : Parameter, at least two axes
    limit : float > 0
        :math:`c`

    Raises
    ------
    ValueError
        A limit that is not positive, a parameter of one axis such as a bias.
    TypeError
        Anything but a parameter.

    References
    ----------
    Srebro and Shraibman (2005), "Rank, Trace-Norm and Max-Norm", COLT; Srivastava et al. (2014),
    "Dropout", JMLR 15, section 5.1, for networks.

    Examples
    --------
    >>> from descent.regularization import max_norm
    >>> w = Parameter(np.array([[3.0, 4.0], [0.3, 0.4]]))
    >>> max_norm(w, 1.0)
    >>> w.data
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """
    limit = number("limit", limit, above=0)
    w = _parameter("parameter", parameter).data
    if w.ndim < 2:
        raise ValueError(f"parameter must have at least two axes, got shape {w.shape}")
    inner, limit = tuple(range(1, w.ndim)), float(limit)
    largest = np.abs(w).max(axis=inner, keepdims=True)
    scale = np.maximum(largest, limit)  # the squares of w / scale cannot overflow
    length = np.sqrt(np.square(w / scale).sum(axis=inner, keepdims=True))  # in units of scale
    w *= (limit / scale) / np.maximum(length, limit / scale)


def _parameter(name, value):
    if not isinstance(value, Parameter):
        raise TypeError(f"{name} must hold Parameter objects, got {value!r}")
    return value
