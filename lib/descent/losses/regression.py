"""Losses for real-valued targets.

Each raises ValueError for shapes that differ, an option out of its range, nan or inf, and
TypeError for arrays that are not floats, or of two dtypes.
"""

import numpy as np

from descent.checks import finite_result, matching, number
from descent.losses._reduce import reduce


def mse(prediction, target, *, reduction="mean"):
    r"""Mean squared error, whose minimizer is the mean of the target.

    .. math::
        \ell(\hat y, y) = (\hat y - y)^2, \qquad
        \frac{\partial \ell}{\partial \hat y} = 2\,(\hat y - y)

    The negative log-likelihood of Gaussian noise of variance 1 is half of this, plus a constant.

    Parameters
    ----------
    prediction, target : float array, same shape
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries.

    Returns
    -------
    value : float, or an array of ``prediction``'s shape for "none"
        In squared units of the target.
    gradient : float array, ``prediction``'s shape
        With respect to ``prediction``.

    References
    ----------
    Gauss (1809), "Theoria motus corporum coelestium", book II, section 3.

    Examples
    --------
    >>> value, gradient = mse(np.array([1.0, 3.0]), np.array([2.0, 1.0]))
    >>> float(value), gradient
    (2.5, array([-1.,  2.]))
    """
    prediction, target = matching(prediction=prediction, target=target)
    error = prediction - target
    loss = error**2
    finite_result(loss, prediction=prediction, target=target)
    return reduce(loss, 2 * error, reduction)


def mae(prediction, target, *, reduction="mean"):
    r"""Mean absolute error, whose minimizer is the median of the target.

    .. math::
        \ell(\hat y, y) = |\hat y - y|, \qquad
        \frac{\partial \ell}{\partial \hat y} = \operatorname{sign}(\hat y - y)

    PyTorch calls it ``l1_loss``. It is the negative log-likelihood of Laplace noise of scale 1,
    up to a constant.

    Parameters
    ----------
    prediction, target : float array, same shape
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries.

    Returns
    -------
    value : float, or an array of ``prediction``'s shape for "none"
        In units of the target.
    gradient : float array, ``prediction``'s shape
        With respect to ``prediction``. Where the error is 0 every slope between −1 and 1 is a
        subgradient; this returns 0, as PyTorch does.

    References
    ----------
    Laplace (1774), "Mémoire sur la probabilité des causes par les évènements".

    Examples
    --------
    >>> value, gradient = mae(np.array([1.0, 3.0]), np.array([2.0, 1.0]))
    >>> float(value), gradient
    (1.5, array([-0.5,  0.5]))
    """
    prediction, target = matching(prediction=prediction, target=target)
    error = prediction - target
    loss = np.abs(error)
    finite_result(loss, prediction=prediction, target=target)
    return reduce(loss, np.sign(error), reduction)


def huber(prediction, target, *, delta=1.0, reduction="mean"):
    r"""Huber's loss: squared error near 0, absolute error beyond :math:`\delta`.

    .. math::
        \ell(\hat y, y) = \begin{cases}
            \tfrac12 e^2 & |e| \le \delta \\
            \delta\,(|e| - \tfrac12 \delta) & |e| > \delta
        \end{cases}
        \qquad e = \hat y - y, \qquad
        \frac{\partial \ell}{\partial \hat y} = g = \max(-\delta, \min(e, \delta))

    Both branches are :math:`g\,(e - \tfrac12 g)`, which is what the code computes. No outlier
    pulls harder than :math:`\delta`.

    Parameters
    ----------
    prediction, target : float array, same shape
    delta : float > 0
        :math:`\delta`, in units of the target.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries.

    Returns
    -------
    value : float, or an array of ``prediction``'s shape for "none"
        In squared units of the target.
    gradient : float array, ``prediction``'s shape
        With respect to ``prediction``.

    References
    ----------
    Huber (1964), "Robust Estimation of a Location Parameter", Annals of Mathematical
    Statistics 35.

    Examples
    --------
    >>> value, gradient = huber(np.array([0.5, 5.0]), np.zeros(2), reduction="none")
    >>> value, gradient
    (array([0.125, 4.5  ]), array([0.5, 1. ]))
    """
    prediction, target = matching(prediction=prediction, target=target)
    delta = float(number("delta", delta, above=0))
    error = prediction - target
    gradient = np.clip(error, -delta, delta)
    loss = gradient * (error - gradient / 2)
    finite_result(loss, prediction=prediction, target=target)
    return reduce(loss, gradient, reduction)


def smooth_l1(prediction, target, *, beta=1.0, reduction="mean"):
    r"""Absolute error with its kink rounded off within :math:`\beta`.

    .. math::
        \ell(\hat y, y) = \begin{cases}
            \tfrac12 e^2 / \beta & |e| < \beta \\
            |e| - \tfrac12 \beta & |e| \ge \beta
        \end{cases}
        \qquad e = \hat y - y, \qquad
        \frac{\partial \ell}{\partial \hat y} = g = \max(-1, \min(e / \beta, 1))

    Both branches are :math:`g\,(e - \tfrac12 \beta g)`: Huber's loss of
    :math:`\delta = \beta`, divided by :math:`\beta`. At :math:`\beta = 0` it is `mae`.

    Parameters
    ----------
    prediction, target : float array, same shape
    beta : float ≥ 0
        :math:`\beta`, in units of the target.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries.

    Returns
    -------
    value : float, or an array of ``prediction``'s shape for "none"
        In units of the target.
    gradient : float array, ``prediction``'s shape
        With respect to ``prediction``.

    References
    ----------
    Girshick (2015), "Fast R-CNN", ICCV, equation 3, for :math:`\beta = 1`.

    Examples
    --------
    >>> value, gradient = smooth_l1(np.array([0.5, 5.0]), np.zeros(2), beta=2, reduction="none")
    >>> value, gradient
    (array([0.0625, 4.    ]), array([0.25, 1.  ]))
    """
    beta = float(number("beta", beta, at_least=0))
    if beta == 0:
        return mae(prediction, target, reduction=reduction)
    prediction, target = matching(prediction=prediction, target=target)
    error = prediction - target
    gradient = np.clip(error, -beta, beta) / beta
    loss = gradient * (error - beta / 2 * gradient)
    finite_result(loss, prediction=prediction, target=target)
    return reduce(loss, gradient, reduction)
