import inspect
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.evaluation import bootstrap_interval, mcnemar, paired_bootstrap, standard_error

CORRECT = np.arange(200) < 150


def rng():
    return np.random.default_rng(0)


def test_standard_error_by_hand():
    assert standard_error(0.5, 100) == 0.05
    assert standard_error(0.9, 9) == pytest.approx(0.1)
    assert standard_error(1.0, 10) == standard_error(0, 10) == 0.0


def test_standard_error_is_the_spread_of_measured_accuracies():
    measured = rng().binomial(540, 0.98, size=20_000) / 540
    assert standard_error(0.98, 540) == pytest.approx(measured.std(), rel=0.02)


@pytest.mark.parametrize(
    ("accuracy", "samples", "message"),
    [
        (1.01, 10, "accuracy must be finite and ≥ 0 and ≤ 1, got 1.01"),
        (-0.01, 10, "accuracy must be finite and ≥ 0 and ≤ 1, got -0.01"),
        (0.5, 0, "samples must be finite and ≥ 1, got 0"),
    ],
)
def test_standard_error_bad_input(accuracy, samples, message):
    with pytest.raises(ValueError, match=message):
        standard_error(accuracy, samples)


def bootstrap_by_the_definition(values, generator, statistic, level, resamples):
    """One resample after the other."""
    drawn = [
        statistic(values[generator.integers(len(values), size=len(values))])
        for _ in range(resamples)
    ]
    return np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])


@pytest.mark.parametrize("statistic", [np.mean, np.median])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_bootstrap_agrees_with_the_definition(statistic, level):
    values = rng().normal(size=50)
    options = {"statistic": statistic, "level": level}
    estimate, low, high = bootstrap_interval(values, rng=rng(), **options)
    expected = bootstrap_by_the_definition(values, rng(), statistic, level, 4000)
    assert estimate == statistic(values)
    assert np.allclose([low, high], expected, atol=0.03)


def test_bootstrap_agrees_with_the_normal_interval():
    estimate, low, high = bootstrap_interval(CORRECT, rng=rng())
    half = 1.96 * standard_error(0.75, 200)
    assert estimate == 0.75
    assert [low, high] == pytest.approx([0.75 - half, 0.75 + half], abs=0.006)


def test_bootstrap_is_repeatable_and_uses_rng():
    first = bootstrap_interval(rng().normal(size=30), rng=rng(), resamples=99)
    again = bootstrap_interval(rng().normal(size=30), rng=rng(), resamples=99)
    other = bootstrap_interval(rng().normal(size=30), rng=np.random.default_rng(1), resamples=99)
    assert first == again
    assert first != other


def test_bootstrap_defaults():
    for function in (bootstrap_interval, paired_bootstrap):
        parameters = inspect.signature(function).parameters
        assert parameters["level"].default == 0.95
        assert parameters["resamples"].default == 9999
    assert inspect.signature(bootstrap_interval).parameters["statistic"].default is np.mean


def test_resamples_are_counted():
    class Counting:
        drawn = 0

        def __call__(self, x, axis):
            self.drawn += x.size // x.shape[axis]
            return np.mean(x, axis=axis)

    statistic = Counting()
    bootstrap_interval(CORRECT, rng=rng(), statistic=statistic, resamples=70)
    assert statistic.drawn == pytest.approx(70, abs=3)  # and the estimate itself


def test_values_that_are_all_equal_leave_no_doubt():
    assert bootstrap_interval(np.ones(5), rng=rng()) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("values", "options", "error", "message"),
    [
        (np.ones((2, 2)), {}, ValueError, r"values must have shape \(N,\) with N ≥ 2, got \(2, 2"),
        (np.ones(1), {}, ValueError, r"values must have shape \(N,\) with N ≥ 2, got \(1,\)"),
        ([1.0, np.nan], {}, ValueError, "^values must be finite, got nan or inf$"),
        (np.ones(2), {"level": 0}, ValueError, "level must be finite and > 0 and < 1, got 0"),
        (np.ones(2), {"level": 1}, ValueError, "level must be finite and > 0 and < 1, got 1"),
        (np.ones(2), {"level": 95}, ValueError, "level must be finite and > 0 and < 1, got 95"),
        (np.ones(2), {"resamples": 0}, ValueError, "resamples must be finite and ≥ 1, got 0"),
        (np.ones(2), {"rng": 0}, TypeError, r"rng must be a numpy\.random\.Generator"),
    ],
)
def test_bootstrap_bad_input(values, options, error, message):
    with pytest.raises(error, match=message):
        bootstrap_interval(values, **{"rng": rng(), **options})


def test_paired_bootstrap_is_the_bootstrap_of_the_difference():
    a, b = np.arange(100) % 3 > 0, np.arange(100) % 4 > 0
    difference = b.astype(float) - a
    expected = bootstrap_interval(difference, rng=rng(), level=0.8, resamples=500)
    assert paired_bootstrap(a, b, rng=rng(), level=0.8, resamples=500) == expected
    assert expected.estimate == pytest.approx(b.mean() - a.mean())


def test_pairing_makes_a_small_difference_visible():
    a, b = np.arange(540) < 521, np.arange(540) < 530
    low = paired_bootstrap(a, b, rng=rng()).low
    assert low > 0
    assert b.mean() - a.mean() < 1.96 * np.hypot(
        standard_error(a.mean(), 540), standard_error(b.mean(), 540)
    )


def test_mcnemar_by_hand():
    a = np.array([True, True, True, False, False])
    b = np.array([True, False, False, True, False])
    assert mcnemar(a, b) == (2, 1, 1.0)
    assert mcnemar(np.zeros(5, bool), np.ones(5, bool)) == (0, 5, 2 / 32)
    assert mcnemar(np.ones(5, bool), np.zeros(5, bool)) == (5, 0, 2 / 32)
    assert mcnemar(a, a) == (0, 0, 1.0)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(only_a=st.integers(0, 30), only_b=st.integers(0, 30), both=st.integers(1, 5))
def test_mcnemar_agrees_with_the_formula(only_a, only_b, both):
    a = np.repeat([True, False, True, False], [only_a, only_b, both, both])
    b = np.repeat([False, True, True, False], [only_a, only_b, both, both])
    n = only_a + only_b
    tail = sum(comb(n, i) for i in range(min(only_a, only_b) + 1)) / 2**n
    result = mcnemar(a, b)
    assert (result.only_a, result.only_b) == (only_a, only_b)
    assert result.pvalue == pytest.approx(min(1, 2 * tail), rel=1e-10)
    assert [type(value) for value in result] == [int, int, float]


@pytest.mark.parametrize("function", [mcnemar, lambda a, b: paired_bootstrap(a, b, rng=rng())])
@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (np.ones(3), np.ones(3, bool), TypeError, "correct_a must be boolean.*got float64"),
        (np.ones(3, bool), np.ones(3, int), TypeError, "correct_b must be boolean.*got int64"),
        (np.ones(3, bool), np.ones(2, bool), ValueError, r"correct_a has shape \(3,\), correct_b"),
        (np.ones((3, 1), bool), np.ones((3, 1), bool), ValueError, r"equal shapes \(N,\)"),
        (np.ones(0, bool), np.ones(0, bool), ValueError, r"equal shapes \(N,\)"),
    ],
)
def test_paired_bad_input(function, a, b, error, message):
    with pytest.raises(error, match=message):
        function(a, b)
