"""How sure one can be of a measured accuracy, and of a difference between two."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from descent.checks import generator, integer, number, plain_array


class Interval(NamedTuple):
    """An estimate and the limits of its confidence interval."""

    estimate: float
    low: float
    high: float


class McNemar(NamedTuple):
    """The result of `mcnemar`.

    Attributes
    ----------
    only_a, only_b : int
        Samples that only the one or only the other got right.
    pvalue : float in (0, 1]
    """

    only_a: int
    only_b: int
    pvalue: float


def standard_error(accuracy, samples):
    r"""Standard error of an accuracy that was measured on independent samples.

    .. math:: \sqrt{\frac{p\,(1 - p)}{N}}

    Parameters
    ----------
    accuracy : float in [0, 1]
        p
    samples : int ≥ 1
        N

    Returns
    -------
    error : float

    Raises
    ------
    ValueError, TypeError
        An accuracy outside [0, 1], fewer than one sample.

    Examples
    --------
    >>> from descent.evaluation import standard_error
    >>> round(standard_error(0.98, 540), 4)
    0.006
    """
    accuracy = number("accuracy", accuracy, at_least=0, at_most=1)
    samples = integer("samples", samples, at_least=1)
    return float(np.sqrt(accuracy * (1 - accuracy) / samples))


def bootstrap_interval(values, *, rng, statistic=np.mean, level=0.95, resamples=9999):
    r"""Percentile interval of a statistic, by drawing the samples anew with replacement.

    .. math:: \bigl[\,Q_{(1-\gamma)/2}(\theta^*),\; Q_{(1+\gamma)/2}(\theta^*)\,\bigr]

    with :math:`\theta^*` the statistic of N values drawn from the N values, and Q its quantiles.

    Parameters
    ----------
    values : array, (N,)
        At least two; such as whether each test image was classified correctly, or one result
        for each seed.
    rng : numpy.random.Generator
    statistic : callable
        Takes an array and ``axis``, as `numpy.mean` and `numpy.median` do.
    level : float in (0, 1)
        :math:`\gamma`
    resamples : int ≥ 1

    Returns
    -------
    interval : Interval
        (estimate, low, high)

    Raises
    ------
    ValueError
        Not one axis, fewer than two values, nan, a level outside (0, 1), no resamples.
    TypeError
        An `rng` that is no generator.

    References
    ----------
    Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.

    Examples
    --------
    >>> from descent.evaluation import bootstrap_interval
    >>> correct = np.arange(100) < 90
    >>> bootstrap_interval(correct, rng=np.random.default_rng(0))
    Interval(estimate=0.9, low=0.84, high=0.95)
    """
    values = plain_array("values", values).astype(np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must have shape (N,) with N ≥ 2, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite, got nan or inf")
    generator("rng", rng)
    level = number("level", level, above=0, below=1)
    resamples = integer("resamples", resamples, at_least=1)
    result = stats.bootstrap(
        (values,),
        statistic,
        confidence_level=level,
        n_resamples=resamples,
        batch=1000,
        method="percentile",
        rng=rng,
    )
    low, high = result.confidence_interval
    return Interval(float(statistic(values, axis=0)), float(low), float(high))


def paired_bootstrap(correct_a, correct_b, *, rng, level=0.95, resamples=9999):
    r"""Bootstrap interval of the difference between two accuracies on the same samples.

    .. math:: \frac1N \sum_n \bigl([b_n = y_n] - [a_n = y_n]\bigr)

    Samples that are hard for both cancel. B is better than A, at this level, if the interval
    lies above 0.

    Parameters
    ----------
    correct_a, correct_b : bool arrays, (N,)
        Whether each classifier was right on each sample.
    rng : numpy.random.Generator
    level : float in (0, 1)
    resamples : int ≥ 1

    Returns
    -------
    interval : Interval
        (estimate, low, high) of B's accuracy minus A's.

    Raises
    ------
    ValueError, TypeError
        Arrays that are not boolean or not of one shape (N,); and as `bootstrap_interval`.

    References
    ----------
    Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.

    Examples
    --------
    >>> from descent.evaluation import paired_bootstrap
    >>> a, b = np.arange(100) < 90, np.arange(100) < 95
    >>> paired_bootstrap(a, b, rng=np.random.default_rng(0))
    Interval(estimate=0.05, low=0.01, high=0.1)
    """
    a, b = _both_correct(correct_a, correct_b)
    difference = b.astype(np.float64) - a
    return bootstrap_interval(difference, rng=rng, level=level, resamples=resamples)


def mcnemar(correct_a, correct_b):
    r"""McNemar's exact test of whether two classifiers err equally often.

    .. math:: p = \min\Bigl\{1,\; 2 \sum_{i \le \min(b, c)} \binom{b + c}{i} 2^{-(b + c)}\Bigr\}

    with b and c the numbers of samples that only the one or only the other got right. If the two
    err equally often, each such sample falls to either side like a coin.

    Parameters
    ----------
    correct_a, correct_b : bool arrays, (N,)
        Whether each classifier was right on each sample.

    Returns
    -------
    result : McNemar
        (only_a, only_b, pvalue); p = 1 if they were right on the same samples.

    Raises
    ------
    ValueError, TypeError
        Arrays that are not boolean or not of one shape (N,).

    References
    ----------
    McNemar (1947), "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12; Dietterich (1998), "Approximate Statistical Tests for
    Comparing Supervised Classification Learning Algorithms", Neural Computation 10.

    Examples
    --------
    >>> from descent.evaluation import mcnemar
    >>> mcnemar(np.arange(100) < 90, np.arange(100) < 95)
    McNemar(only_a=0, only_b=5, pvalue=0.0625)
    """
    a, b = _both_correct(correct_a, correct_b)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return McNemar(0, 0, 1.0)
    return McNemar(only_a, only_b, float(stats.binomtest(only_a, only_a + only_b).pvalue))


def _both_correct(correct_a, correct_b):
    a, b = plain_array("correct_a", correct_a), plain_array("correct_b", correct_b)
    for name, array in (("correct_a", a), ("correct_b", b)):
        if array.dtype != bool:
            raise TypeError(
                f"{name} must be boolean, such as predicted == labels, got {array.dtype}"
            )
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise ValueError(
            "expected equal shapes (N,), but correct_a has shape "
            f"{a.shape}, correct_b has shape {b.shape}"
        )
    return a, b
