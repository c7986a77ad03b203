"""Penalties on the size of weights: functions that return a value and its gradient."""

import numpy as np

from descent.checks import finite_result, float_array, number


def l1(w, strength):
    r"""The L1 penalty, which pulls every weight towards zero with the same force.

    .. math::
        \Omega(w) = \lambda \sum_i |w_i|,\qquad
        \frac{\partial \Omega}{\partial w_i} = \lambda \operatorname{sign}(w_i)

    Parameters
    ----------
    w : float array, any shape
    strength : float ≥ 0
        :math:`\lambda`

    Returns
    -------
    value : float
    gradient : float array, `w`'s shape
        At 0 every slope in ±λ is a subgradient; this returns 0. Steps along it hardly ever
        make a weight exactly 0; `soft_threshold` does.

    Raises
    ------
    ValueError, TypeError
        A negative strength, integers, nan in w.

    References
    ----------
    Tibshirani (1996), "Regression Shrinkage and Selection via the Lasso", Journal of the Royal
    Statistical Society B 58.

    Examples
    --------
    >>> from descent.regularization import l1
    >>> value, gradient = l1(np.array([3.0, 0.0, -1.0]), 0.5)
    >>> float(value), gradient
    (2.0, array([ 0.5,  0. , -0.5]))
    """
    w, strength = _checked(w, strength)
    value = strength * np.abs(w).sum()
    finite_result(value, w=w)
    return value, strength * np.sign(w)


def l2(w, strength):
    r"""The squared L2 penalty, which pulls every weight in proportion to its size.

    .. math::
        \Omega(w) = \frac{\lambda}{2} \sum_i w_i^2,\qquad
        \frac{\partial \Omega}{\partial w_i} = \lambda w_i

    Its gradient is what PyTorch's ``weight_decay`` adds in SGD and Adam (not in AdamW, see
    `decay_weights`).

    Parameters
    ----------
    w : float array, any shape
    strength : float ≥ 0
        :math:`\lambda`

    Returns
    -------
    value : float
    gradient : float array, `w`'s shape

    Raises
    ------
    ValueError, TypeError
        A negative strength, integers, nan in w.

    References
    ----------
    Krogh and Hertz (1991), "A Simple Weight Decay Can Improve Generalization", NIPS.

    Examples
    --------
    >>> from descent.regularization import l2
    >>> value, gradient = l2(np.array([3.0, 0.0, -1.0]), 0.5)
    >>> float(value), gradient
    (2.5, array([ 1.5,  0. , -0.5]))
    """
    w, strength = _checked(w, strength)
    with np.errstate(over="ignore"):  # it is reported below
        value = strength / 2 * np.square(w).sum()
    finite_result(value, w=w)
    return value, strength * w


def elastic_net(w, strength, *, l1_ratio=0.5):
    r"""A mixture of the L1 and the squared L2 penalty.

    .. math::
        \Omega(w) = \lambda \sum_i \Big(\rho\,|w_i| + \frac{1-\rho}{2}\, w_i^2\Big),\qquad
        \frac{\partial \Omega}{\partial w_i}
            = \lambda\,\big(\rho \operatorname{sign}(w_i) + (1-\rho)\, w_i\big)

    Parameters
    ----------
    w : float array, any shape
    strength : float ≥ 0
        :math:`\lambda`; scikit-learn's ``alpha``.
    l1_ratio : float in [0, 1]
        :math:`\rho`: 1 is `l1`, 0 is `l2`.

    Returns
    -------
    value : float
    gradient : float array, `w`'s shape

    Raises
    ------
    ValueError, TypeError
        A negative strength, a ratio outside [0, 1], integers, nan in w.

    References
    ----------
    Zou and Hastie (2005), "Regularization and variable selection via the elastic net", Journal
    of the Royal Statistical Society B 67.

    Examples
    --------
    >>> from descent.regularization import elastic_net
    >>> value, gradient = elastic_net(np.array([3.0, 0.0, -1.0]), 1.0, l1_ratio=0.5)
    >>> float(value), gradient
    (4.5, array([ 2.,  0., -1.]))
    """
    l1_ratio = number("l1_ratio", l1_ratio, at_least=0, at_most=1)
    if l1_ratio == 1:  # then the squares count for nothing, even if they overflow
        return l1(w, strength)
    absolute, sign = l1(w, strength * l1_ratio)
    squared, along = l2(w, strength * (1 - l1_ratio))
    return absolute + squared, sign + along


def _checked(w, strength):
    return float_array("w", w), float(number("strength", strength, at_least=0))
