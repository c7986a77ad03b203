"""Ridge regression."""

import numpy as np

from descent.checks import floating


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
    with np.errstate(over="ignore", invalid="ignore"):  # it is reported below
        gram, moment = x.T @ x, x.T @ y  # (D, D), (D,)
    for names, products in (("x", gram), ("x or y", moment)):
        if not np.isfinite(products).all():
            raise ValueError(
                f"{names} must be finite and small enough to be squared in {x.dtype}, "
                f"got entries as large as {max(np.abs(x).max(), np.abs(y).max()):g}"
            )
    gram[np.diag_indices_from(gram)] += strength
    return np.linalg.solve(gram, moment)
