"""Negative log-likelihoods of measurements and of counts.

Each raises ValueError for shapes that do not fit, an argument or an option out of its range, nan
or inf, and TypeError for arrays that are not floats, or of two dtypes.
"""

import numpy as np

from descent.checks import finite_result, floating, matching, number
from descent.losses._inputs import where_it_counts
from descent.losses._reduce import reduce


def gaussian_nll(prediction, target, var, *, full=False, eps=1e-6, reduction="mean"):
    r"""Negative log-likelihood of Gaussian noise whose variance is predicted too.

    .. math::
        \ell(\hat y, v, y) = \tfrac12 \Bigl(\log v + \frac{(\hat y - y)^2}{v}\Bigr), \qquad
        \frac{\partial \ell}{\partial \hat y} = \frac{\hat y - y}{v}, \qquad
        \frac{\partial \ell}{\partial v}
        = \tfrac12 \Bigl(\frac1v - \frac{(\hat y - y)^2}{v^2}\Bigr)

    The slope in :math:`v` is 0 where the variance equals the squared error. At a constant
    variance of 1 this is half of `mse`, up to a constant.

    Parameters
    ----------
    prediction, target : float array, same shape
    var : float array or number ≥ 0
        :math:`v`, in squared units of the target: of ``prediction``'s shape, or with axes of
        length 1, or without the last axis; one number then serves several entries.
    full : bool
        Whether to add the constant :math:`\tfrac12 \log 2\pi`.
    eps : float > 0
        A smaller variance counts as eps, in the slopes as well. They are not set to 0 there, as
        in PyTorch: a variance that is too small can still grow.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries.

    Returns
    -------
    value : float, or an array of ``prediction``'s shape for "none"
        In nats; it may be negative, since a density may exceed 1.
    gradients : two float arrays
        With respect to ``prediction`` and ``var``, each of that argument's shape. Where one
        variance serves several entries its gradient is the sum of theirs, also for "none".

    References
    ----------
    Nix and Weigend (1994), "Estimating the mean and variance of the target probability
    distribution", IEEE International Conference on Neural Networks.

    Examples
    --------
    >>> prediction, target, var = np.array([1.0, 4.0]), np.array([2.0, 1.0]), np.array([1.0, 9.0])
    >>> value, (d_prediction, d_var) = gaussian_nll(prediction, target, var)
    >>> float(value.round(4)), d_prediction.round(4), d_var.round(4)
    (1.0493, array([-0.5   ,  0.1667]), array([0., 0.]))
    """
    prediction, target = matching(prediction=prediction, target=target)
    eps = float(number("eps", eps, above=0))
    var, shape = _variance(var, prediction)
    v = np.maximum(var, eps)
    error = prediction - target
    loss = (np.log(v) + error**2 / v) / 2
    if full:
        loss = loss + np.log(2 * np.pi).astype(loss.dtype) / 2
    d_var = (1 / v - (error / v) ** 2) / 2
    for result in (loss, d_var):
        finite_result(result, prediction=prediction, target=target, var=var)
    _, d_var = reduce(loss, d_var, reduction)
    value, d_prediction = reduce(loss, error / v, reduction)
    shared = tuple(i for i in range(d_var.ndim) if var.ndim == 0 or var.shape[i] == 1)
    return value, (d_prediction, d_var.sum(axis=shared).reshape(shape))


def poisson_nll(prediction, target, *, log_input=True, full=False, eps=1e-8, reduction="mean"):
    r"""Negative log-likelihood of counts, whose mean is predicted, or its logarithm.

    .. math::
        \ell(x, y) = e^x - y x, \qquad \frac{\partial \ell}{\partial x} = e^x - y
        \qquad \text{for } x = \log \lambda,

    .. math::
        \ell(\lambda, y) = \lambda - y \log(\lambda + \epsilon), \qquad
        \frac{\partial \ell}{\partial \lambda} = 1 - \frac{y}{\lambda + \epsilon}
        \qquad \text{if not } \texttt{log\_input}.

    The first has the slope "prediction minus truth". Left out is :math:`\log y!`, which does not
    depend on the prediction.

    Parameters
    ----------
    prediction : float array
        :math:`x = \log \lambda`, or :math:`\lambda \ge 0`, the expected count.
    target : float array ≥ 0, the same shape
        Counts, as floats.
    log_input : bool
        Which of the two ``prediction`` is.
    full : bool
        Whether to add Stirling's :math:`y \log y - y + \tfrac12 \log 2\pi y` for
        :math:`\log y!` where y > 1, as PyTorch does.
    eps : float > 0
        :math:`\epsilon`, against the logarithm of 0.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of entries.

    Returns
    -------
    value : float, or an array of ``prediction``'s shape for "none"
        In nats.
    gradient : float array, ``prediction``'s shape
        With respect to ``prediction``.

    References
    ----------
    Nelder and Wedderburn (1972), "Generalized Linear Models", Journal of the Royal Statistical
    Society A 135.

    Examples
    --------
    >>> value, gradient = poisson_nll(np.log(np.array([2.0, 3.0])), np.array([2.0, 5.0]))
    >>> float(value.round(4)), gradient.round(4)
    (-0.9397, array([ 0., -1.]))
    """
    prediction, target = matching(prediction=prediction, target=target)
    eps = float(number("eps", eps, above=0))
    _not_negative("target", target)
    if log_input:
        rate = np.exp(prediction)
        loss, gradient = rate - where_it_counts(target, prediction), rate - target
    else:
        _not_negative("prediction", prediction, " unless log_input")
        loss = prediction - target * np.log(prediction + eps)
        gradient = 1 - target / (prediction + eps)
    if full:
        y = np.maximum(target, 1)
        stirling = y * np.log(y) - y + np.log(2 * np.pi * y) / 2
        loss = loss + np.where(target > 1, stirling, 0)
    finite_result(loss, prediction=prediction, target=target)
    return reduce(loss, gradient, reduction)


def _variance(var, prediction):
    """Return variances that broadcast to the prediction's shape, and the shape they came in."""
    if np.ndim(var) == 0:
        var = np.asarray(float(number("var", var)), dtype=prediction.dtype)
    var, _ = floating(var=var, prediction=prediction)
    _not_negative("var", var)
    came, shape = var.shape, prediction.shape
    if came == shape[:-1]:
        var = var[..., None]
    fits = var.ndim == len(shape) and all(
        n in (1, m) for n, m in zip(var.shape, shape, strict=True)
    )
    if not fits and came != ():
        raise ValueError(
            f"var must be a number or have shape {shape}, with 1 for some axes or without the "
            f"last, got {came}"
        )
    return var, came


def _not_negative(name, array, condition=""):
    smallest = array.min()
    finite_result(smallest, **{name: array})
    if smallest < 0:
        index = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise ValueError(f"{name} must be ≥ 0{condition}, got {array[index]} at index {index}")
