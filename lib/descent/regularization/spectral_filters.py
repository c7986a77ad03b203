"""What ridge regression and early stopping leave of each singular direction."""

import math

import numpy as np

from descent.checks import float_array, integer, number


def ridge_filter(singular_values, strength):
    r"""What `ridge` leaves of each singular direction of the least-squares solution.

    .. math::
        \varphi_i = \frac{s_i^2}{s_i^2 + \lambda}
        = \Bigl(\frac{s_i}{\sqrt{s_i^2 + \lambda}}\Bigr)^2

    Parameters
    ----------
    singular_values : float array
        :math:`s_i ≥ 0`, of X.
    strength : float > 0
        :math:`\lambda`

    Returns
    -------
    filter : float array, in [0, 1]

    Raises
    ------
    ValueError, TypeError
        A strength that is not positive, negative singular values, integers.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009), "The Elements of Statistical Learning", section 3.4.

    Examples
    --------
    >>> from descent.regularization import ridge_filter
    >>> ridge_filter(np.array([2.0, 1.0, 0.0]), 1.0)
    array([0.8, 0.5, 0. ])
    """
    s = _singular_values(singular_values)
    strength = float(number("strength", strength, above=0))
    return np.square(s / np.hypot(s, math.sqrt(strength)))


def early_stopping_filter(singular_values, *, lr, steps):
    r"""What gradient descent has reached, after some steps, of each singular direction.

    .. math:: \varphi_i = 1 - (1 - \eta s_i^2)^T \approx 1 - e^{-\eta T s_i^2}

    Gradient descent on :math:`\frac12\|Xw-y\|^2` from w = 0. It resembles `ridge_filter` of
    strength :math:`1/(\eta T)`, and is not equal to it.

    Parameters
    ----------
    singular_values : float array
        :math:`s_i ≥ 0`, of X.
    lr : float > 0
        :math:`\eta`; gradient descent converges if :math:`\eta s_i^2 < 2`.
    steps : int ≥ 0
        :math:`T`

    Returns
    -------
    filter : float array

    Raises
    ------
    ValueError, TypeError
        A rate at which gradient descent diverges, negative steps or singular values, integers.

    References
    ----------
    Yao, Rosasco and Caponnetto (2007), "On Early Stopping in Gradient Descent Learning",
    Constructive Approximation 26.

    Examples
    --------
    >>> from descent.regularization import early_stopping_filter
    >>> early_stopping_filter(np.array([2.0, 1.0, 0.0]), lr=0.125, steps=2)
    array([0.75    , 0.234375, 0.      ])
    """
    s = _singular_values(singular_values)
    lr = float(number("lr", lr, above=0))
    largest = float(s.max())
    if lr * largest * largest >= 2:
        raise ValueError(f"lr must be < 2 / s² = {2 / largest / largest:.6g} to converge, got {lr}")
    steps = integer("steps", steps, at_least=0)
    return 1 - (1 - lr * s * s) ** steps


def _singular_values(s):
    s = float_array("singular_values", s)
    good = (s >= 0) & np.isfinite(s)
    if not good.all():
        raise ValueError(f"singular_values must be finite and ≥ 0, got {s[~good][0]}")
    return s
