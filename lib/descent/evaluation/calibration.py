"""Whether a classifier's probabilities are as often right as they say."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from descent.checks import class_labels, float_array, generator, integer, ndim
from descent.losses import softmax
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
    confidence, predicted = _predictions(probabilities)
    samples, classes = np.shape(probabilities)
    labels = class_labels("labels", labels, samples=samples, classes=classes)
    edges, bin_of, count = _bins(confidence, bins)

    def mean(values):
        total = np.bincount(bin_of, weights=values, minlength=bins)
        return np.divide(total, count, out=np.full(bins, np.nan), where=count > 0)

    return ReliabilityCurve(mean(confidence), mean(predicted == labels), count, edges)


def expected_calibration_error(probabilities, labels, *, bins=15):
    r"""Expected calibration error: the mean gap between accuracy and confidence.

    .. math::
        \sum_m \frac{|B_m|}{N}\, \bigl|\operatorname{acc}(B_m) - \operatorname{conf}(B_m)\bigr|

    over the bins of `reliability_curve` that are not empty. It is biased upwards for few samples:
    a perfectly calibrated classifier does not measure 0; see `null_calibration_errors`.

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


def null_calibration_errors(probabilities, *, rng, bins=15, draws=1000):
    r"""What a perfectly calibrated classifier would measure as its calibration error.

    .. math::
        \sum_m \frac{|B_m|}{N}\, \Bigl|\frac1{|B_m|} \sum_{n \in B_m} (r_n - c_n)\Bigr|,
        \qquad c_n = \max_c p_{nc}, \quad r_n \sim \mathrm{Bernoulli}(c_n)

    The probabilities stay, and the labels are drawn anew from them: then they are right by
    construction. A measured `expected_calibration_error` says something only if it lies above
    most of these.

    Parameters
    ----------
    probabilities : float array, (N, K)
        A distribution in each row; not logits.
    rng : numpy.random.Generator
    bins : int ≥ 1
    draws : int ≥ 1

    Returns
    -------
    errors : float64 array, (draws,)
        Their mean is the bias; their quantiles are critical values.

    Raises
    ------
    ValueError, TypeError
        As `reliability_curve`; fewer than one draw, an `rng` that is no generator.

    References
    ----------
    Bröcker and Smith (2007), "Increasing the Reliability of Reliability Diagrams", Weather and
    Forecasting 22; Vaicenavicius et al. (2019), "Evaluating model calibration in
    classification", AISTATS, section 5.

    Examples
    --------
    >>> from descent.evaluation import null_calibration_errors
    >>> p = np.full((100, 2), 0.5)  # the share of heads in 100 fair coins: off by .04 on average
    >>> errors = null_calibration_errors(p, rng=np.random.default_rng(0))
    >>> round(errors.mean(), 3), round(np.sqrt(2 / np.pi) * 0.05, 3)
    (np.float64(0.04), np.float64(0.04))
    """
    confidence, _ = _predictions(probabilities)
    generator("rng", rng)
    draws = integer("draws", draws, at_least=1)
    _, bin_of, _ = _bins(confidence, bins)
    errors = np.empty(draws)
    for i in range(draws):
        right = rng.random(len(confidence)) < confidence
        gaps = np.bincount(bin_of, weights=right - confidence, minlength=bins)
        errors[i] = np.abs(gaps).sum() / len(confidence)
    return errors


def temperature_scaling(logits, labels):
    r"""The temperature that makes the logits of validation data most likely.

    .. math:: T^* = \arg\min_{T > 0}\; -\frac1N \sum_n \log \operatorname{softmax}(z_n / T)_{y_n}

    Dividing all logits by one number changes no decision, only the confidence: less of it for
    T > 1. The mean is convex in :math:`\beta = 1/T`, so its one minimum is where the derivative

    .. math:: \frac1N \sum_n \sum_c p_{nc}\,(z_{nc} - z_{n y_n}), \qquad
        p_n = \operatorname{softmax}(\beta z_n)

    changes its sign.

    Parameters
    ----------
    logits : float array, (N, K)
        Of data that the network was not trained on, nor is to be tested on.
    labels : int array, (N,)
        In 0 … K−1.

    Returns
    -------
    temperature : float
        T*, to within a relative error of about 1e-12.

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
    ahead = logits - logits[np.arange(n), labels][:, None]  # (N, K): z_c − z_y
    scale = np.abs(ahead).max()
    if (ahead <= 1e-100 * scale).all():  # or ahead by less than floats can tell
        raise ValueError(
            "logits: each label has the largest logit of its row, so the likelihood grows as the "
            "temperature goes to 0; use data on which the network errs"
        )
    ahead /= scale

    def slope(beta):
        return (softmax(beta * ahead, dim=1) * ahead).sum(axis=1).mean()

    if slope(0.0) >= 0:
        raise ValueError(
            "logits: the labels' logits are not above average, so the likelihood grows as the "
            "temperature goes to infinity; do the labels belong to these logits?"
        )
    low = high = 1.0
    while slope(low) >= 0:
        low /= 2
    while slope(high) < 0:
        high *= 2
    return float(scale / brentq(slope, low, high, xtol=1e-300, rtol=1e-12))


def _predictions(probabilities):
    """The largest probability in each row, (N,), and its class, (N,)."""
    probabilities = float_array("probabilities", probabilities)
    ndim("probabilities", probabilities, 2, "(N, K)")
    distributions("probabilities", probabilities, probabilities)
    return probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1)


def _bins(confidence, bins):
    """The bins' edges, (M + 1,), each sample's bin, (N,) in 0 … M−1, and their counts, (M,)."""
    edges = np.linspace(0, 1, integer("bins", bins, at_least=1) + 1)
    bin_of = np.digitize(confidence, edges[1:-1], right=True)
    return edges, bin_of, np.bincount(bin_of, minlength=bins)
