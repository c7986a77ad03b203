"""Whether a classifier's probabilities are as often right as they say."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from descent.checks import class_labels, float_array, integer, ndim
from descent.losses import cross_entropy
from descent.losses.classification import distributions


class ReliabilityCurve(NamedTuple):
    """Samples sorted into bins by their confidence; see `reliability_curve`.

    Attributes
    ----------
    confidence, accuracy : float64 arrays, (M,)
        Means within each bin; nan where it is empty.
    count : int array, (M,)
    edges : float64 array, (M + 1,)
        The bins' limits.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    edges: np.ndarray


def reliability_curve(probabilities, labels, *, bins=15):
    r"""Accuracy against confidence, in bins of equal width.

    .. math::
        B_m = \Bigl\{ n : \tfrac{m-1}{M} < \max_c p_{nc} \le \tfrac{m}{M} \Bigr\}, \qquad
        \operatorname{acc}(B_m) = \frac1{|B_m|} \sum_{n \in B_m} [\arg\max_c p_{nc} = y_n], \qquad
        \operatorname{conf}(B_m) = \frac1{|B_m|} \sum_{n \in B_m} \max_c p_{nc}

    Parameters
    ----------
    probabilities : float array, (N, K)
        A distribution in each row; not logits.
    labels : int array, (N,)
        In 0 … K−1.
    bins : int ≥ 1
        M

    Returns
    -------
    curve : ReliabilityCurve
        (confidence, accuracy, count, edges)

    Raises
    ------
    ValueError
        Rows that are no distributions, a label out of range, fewer than one bin.
    TypeError
        Probabilities that are not floats, labels that are not integers.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks", ICML,
    section 2.

    Examples
    --------
    >>> from descent.evaluation import reliability_curve
    >>> p = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    >>> curve = reliability_curve(p, np.array([0, 1, 1]), bins=2)
    >>> curve.count, curve.confidence[1].round(4), curve.accuracy[1].round(4)
    (array([0, 3]), np.float64(0.7333), np.float64(0.6667))
    """
    probabilities = float_array("probabilities", probabilities)
    ndim("probabilities", probabilities, 2, "(N, K)")
    distributions("probabilities", probabilities, probabilities)
    n, classes = probabilities.shape
    labels = class_labels("labels", labels, samples=n, classes=classes)
    edges = np.linspace(0, 1, integer("bins", bins, at_least=1) + 1)
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.digitize(confidence, edges[1:-1], right=True)  # (N,) in 0 … M−1
    count = np.bincount(bin_of, minlength=bins)

    def mean(values):
        total = np.bincount(bin_of, weights=values, minlength=bins)
        return np.divide(total, count, out=np.full(bins, np.nan), where=count > 0)

    return ReliabilityCurve(mean(confidence), mean(right), count, edges)


def expected_calibration_error(probabilities, labels, *, bins=15):
    r"""Expected calibration error: the mean gap between accuracy and confidence.

    .. math::
        \sum_m \frac{|B_m|}{N}\, \bigl|\operatorname{acc}(B_m) - \operatorname{conf}(B_m)\bigr|

    over the bins of `reliability_curve` that are not empty. It is biased upwards for few samples:
    a perfectly calibrated classifier does not measure 0.

    Parameters
    ----------
    probabilities : float array, (N, K)
        A distribution in each row; not logits.
    labels : int array, (N,)
        In 0 … K−1.
    bins : int ≥ 1

    Returns
    -------
    error : float in [0, 1]

    Raises
    ------
    ValueError, TypeError
        As `reliability_curve`.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks", ICML,
    equation 3; Naeini, Cooper and Hauskrecht (2015), "Obtaining Well Calibrated Probabilities
    Using Bayesian Binning", AAAI.

    Examples
    --------
    >>> from descent.evaluation import expected_calibration_error
    >>> p = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    >>> round(expected_calibration_error(p, np.array([0, 1, 1]), bins=2), 4)
    0.0667
    """
    confidence, right, count, _ = reliability_curve(probabilities, labels, bins=bins)
    return float(np.nansum(count / count.sum() * np.abs(right - confidence)))


def temperature_scaling(logits, labels):
    r"""The temperature that makes the logits of validation data most likely.

    .. math:: T^* = \arg\min_{T > 0}\; -\frac1N \sum_n \log \operatorname{softmax}(z_n / T)_{y_n}

    Dividing all logits by one number changes no decision, only the confidence: less of it for
    T > 1. The mean is convex in 1/T, so it has one minimum, found along log T.

    Parameters
    ----------
    logits : float array, (N, K)
        Of data that the network was not trained on, nor is to be tested on.
    labels : int array, (N,)
        In 0 … K−1.

    Returns
    -------
    temperature : float
        T*, to within a relative error of about 1e-7.

    Raises
    ------
    ValueError
        Shapes that do not fit, a label out of range, logits that are not finite; logits with
        which the minimum lies at 0 (each label has its row's largest logit) or at infinity (the
        labels' logits are not above average).
    TypeError
        Logits that are not floats, labels that are not integers.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural Networks", ICML,
    section 4.2.

    Examples
    --------
    >>> from descent.evaluation import temperature_scaling
    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]])  # 98% sure
    >>> T = temperature_scaling(logits, np.array([0, 0, 0, 1]))  # of what is right in 75%
    >>> round(T, 4), round(4 / np.log(3), 4)
    (3.641, np.float64(3.641))
    """
    logits = float_array("logits", logits).astype(np.float64)
    ndim("logits", logits, 2, "(N, K)")
    n, classes = logits.shape
    labels = class_labels("labels", labels, samples=n, classes=classes)
    if not np.isfinite(logits).all():
        raise ValueError("logits must be finite, got nan or inf")
    chosen = logits[np.arange(n), labels]
    if (chosen == logits.max(axis=1)).all():
        raise ValueError(
            "logits: each label has the largest logit of its row, so the likelihood grows as the "
            "temperature goes to 0; use data on which the network errs"
        )
    if chosen.mean() <= logits.mean():
        raise ValueError(
            "logits: the labels' logits are not above average, so the likelihood grows as the "
            "temperature goes to infinity; do the labels belong to these logits?"
        )
    scale = np.abs(logits - logits.mean(axis=1, keepdims=True)).max()
    unit = logits / scale
    result = minimize_scalar(
        lambda log_t: cross_entropy(unit / np.exp(log_t), labels)[0],
        bounds=(-15, 15),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(scale * np.exp(result.x))
