"""Penalties on the size of weights, and the steps and filters that go with them."""

import numpy as np

from descent.checks import finite_result, float_array, floating, integer, number
from descent.layers import Parameter


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
    return elastic_net(w, strength, l1_ratio=1.0)


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
    return elastic_net(w, strength, l1_ratio=0.0)


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
    w = float_array("w", w)
    number("strength", strength, at_least=0)
    number("l1_ratio", l1_ratio, at_least=0, at_most=1)
    along, squared = float(strength * l1_ratio), float(strength * (1 - l1_ratio))
    value = along * np.abs(w).sum() + squared / 2 * np.square(w).sum()
    finite_result(value, w=w)
    return value, along * np.sign(w) + squared * w


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
    number("lr", lr, at_least=0)
    number("weight_decay", weight_decay, at_least=0)
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
    number("limit", limit, above=0)
    w = _parameter("parameter", parameter).data
    if w.ndim < 2:
        raise ValueError(f"parameter must have at least two axes, got shape {w.shape}")
    inner = tuple(range(1, w.ndim))
    length = np.sqrt(np.square(w).sum(axis=inner, keepdims=True))
    w *= float(limit) / np.maximum(length, float(limit))


def ridge(x, y, strength):
    r"""Linear regression with an L2 penalty, in closed form.

    .. math::
        \hat w = \operatorname*{arg\,min}_w\ \tfrac12 \|X w - y\|^2 + \tfrac12 w^\top \Lambda w
        = (X^\top X + \Lambda)^{-1} X^\top y

    There is no intercept, and the squares are summed, not averaged.

    Parameters
    ----------
    x : float array, (N, D)
    y : float array, (N,)
    strength : float > 0, or float array, (D,)
        :math:`\lambda` for :math:`\Lambda = \lambda I`, or one strength for each feature, the
        diagonal of :math:`\Lambda`.

    Returns
    -------
    w : float array, (D,)

    Raises
    ------
    ValueError, TypeError
        Shapes that do not fit, a strength that is not positive, integers. (For a strength of 0
        use ``np.linalg.lstsq``.)

    References
    ----------
    Hoerl and Kennard (1970), "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
    Technometrics 12.

    Examples
    --------
    >>> from descent.regularization import ridge
    >>> ridge(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]), 5.0)
    array([0.5])
    """
    x, y = floating(x=x, y=y)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(
            f"x must have shape (N, D) and y (N,), but x has shape {x.shape}, y has shape {y.shape}"
        )
    strength = np.asarray(strength, dtype=x.dtype)
    if strength.shape not in ((), x.shape[1:]):
        raise ValueError(
            f"strength must be a number or have shape {x.shape[1:]}, got shape {strength.shape}"
        )
    if not ((strength > 0) & np.isfinite(strength)).all():
        raise ValueError(f"strength must be finite and > 0, got {strength}")
    gram = x.T @ x  # (D, D)
    gram[np.diag_indices_from(gram)] += strength
    return np.linalg.solve(gram, x.T @ y)


def ridge_filter(singular_values, strength):
    r"""What `ridge` leaves of each singular direction of the least-squares solution.

    .. math:: \varphi_i = \frac{s_i^2}{s_i^2 + \lambda}

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
    return s**2 / (s**2 + strength)


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
    if lr * s.max() ** 2 >= 2:
        raise ValueError(f"lr must be < 2 / s² = {2 / s.max() ** 2:.6g} to converge, got {lr}")
    integer("steps", steps, at_least=0)
    return 1 - (1 - lr * s**2) ** steps


def _singular_values(s):
    s = float_array("singular_values", s)
    if not (s >= 0).all():
        raise ValueError(f"singular_values must be ≥ 0, got {s.min()}")
    return s


def _parameter(name, value):
    if not isinstance(value, Parameter):
        raise TypeError(f"{name} must hold Parameter objects, got {value!r}")
    return value
