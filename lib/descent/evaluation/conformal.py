"""Sets of classes that hold the true one as often as was promised."""

from fractions import Fraction
from math import floor

import numpy as np

from descent.checks import float_array, ndim, number


def conformal_quantile(scores, alpha):
    r"""The limit that a new score stays below with probability at least 1 − α.

    .. math:: \hat q = s_{(k)}, \qquad k = \lceil (n + 1)(1 - \alpha) \rceil

    with :math:`s_{(k)}` the k-th smallest of n scores, and infinity for k > n. If the n scores
    and the new one are exchangeable (independent samples are), the new one is as likely to take
    any of the n + 1 ranks, so it is at most :math:`\hat q` with probability at least
    :math:`1 - \alpha`, whatever the network and the data: the sets
    :math:`\{c : s(x, c) \le \hat q\}` hold the true class that often.

    Parameters
    ----------
    scores : float array, (n,)
        How badly the true class of each calibration sample fits, such as
        :math:`1 - p_{n y_n}`. Of data that the network was not trained on.
    alpha : float in (0, 1)
        :math:`\alpha`, the share of errors allowed; taken as the decimal number that it prints.

    Returns
    -------
    quantile : float
        Infinite if there are fewer than :math:`1/\alpha - 1` scores: then every class belongs
        to the set.

    Raises
    ------
    ValueError
        Another shape, no scores, nan, an alpha outside (0, 1).
    TypeError
        Scores that are not floats.

    References
    ----------
    Vovk, Gammerman and Shafer (2005), "Algorithmic Learning in a Random World", section 4.2;
    Angelopoulos and Bates (2023), "Conformal Prediction: A Gentle Introduction", Foundations and
    Trends in Machine Learning 16, section 1.

    Examples
    --------
    >>> from descent.evaluation import conformal_quantile
    >>> scores = np.arange(1.0, 20.0)  # 1 … 19
    >>> conformal_quantile(scores, 0.1), conformal_quantile(scores, 0.05)
    (18.0, 19.0)
    >>> conformal_quantile(scores, 0.04)
    inf
    """
    scores = float_array("scores", scores)
    ndim("scores", scores, 1, "(n,)")
    if np.isnan(scores).any():
        raise ValueError(f"scores must not be nan, got {np.isnan(scores).sum()} entries nan")
    alpha = number("alpha", alpha, above=0, below=1)
    n = len(scores)
    k = n + 1 - floor((n + 1) * Fraction(str(alpha)))
    return float(np.sort(scores)[k - 1]) if k <= n else float("inf")
