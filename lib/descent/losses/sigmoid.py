"""The logistic function, its integral and its inverse.

Each raises TypeError for an array that is not of floats, and ValueError for an empty one.
"""

import numpy as np

from descent.checks import float_array


def sigmoid(logits):
    r"""The logistic function, which turns a logit into a probability.

    .. math::
        \sigma(z) = \frac{1}{1 + e^{-z}} = \frac{e^z}{1 + e^z}
            = \frac{e^{\min(z, 0)}}{1 + e^{-|z|}}, \qquad
        \sigma'(z) = \sigma(z)\,(1 - \sigma(z))

    The third form is the first where z ≥ 0 and the second elsewhere. No exponent is positive, so
    nothing overflows, and small probabilities keep all their digits.

    Parameters
    ----------
    logits : float array

    Returns
    -------
    probabilities : float array, the same shape

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    logits = float_array("logits", logits)
    return np.exp(np.minimum(logits, 0)) / (1 + np.exp(-np.abs(logits)))


def softplus(z):
    r"""A smooth ramp, whose slope is the `sigmoid`.

    .. math:: \log(1 + e^z) = \max(z, 0) + \log(1 + e^{-|z|}) = -\log \sigma(-z)

    Parameters
    ----------
    z : float array

    Returns
    -------
    result : float array, the same shape

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    """
    z = float_array("z", z)
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def logit(probability):
    r"""The inverse of `sigmoid`: the log-odds of a probability.

    .. math:: z = \log\frac{\pi}{1 - \pi}

    As the initial bias of an output it makes an untrained network predict the frequency
    :math:`\pi` of the positive class; its cross-entropy then starts at the entropy of
    :math:`\pi` and not at :math:`\log 2`.

    Parameters
    ----------
    probability : float array or float
        In (0, 1).

    Returns
    -------
    logits : float array or float, the same shape

    References
    ----------
    Lin et al. (2017), "Focal Loss for Dense Object Detection", ICCV, section 3.3, for the bias.

    Examples
    --------
    >>> float(logit(0.01).round(3))
    -4.595
    """
    probability = float_array("probability", probability)
    if not ((probability > 0) & (probability < 1)).all():
        raise ValueError(f"probability must lie strictly between 0 and 1, got {probability}")
    return np.log(probability) - np.log1p(-probability)
