import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from descent.evaluation import (
    expected_calibration_error,
    null_calibration_errors,
    reliability_curve,
    temperature_scaling,
)

P = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.45, 0.55]])
LABELS = np.array([0, 1, 1, 0])


def ece_by_the_definition(p, y, bins):
    """Sample by sample, bin by bin, as Guo et al. define it."""
    total = 0.0
    for m in range(1, bins + 1):
        inside = [i for i in range(len(y)) if np.float64((m - 1) / bins) < p[i].max() <= m / bins]
        if inside:
            right = sum(p[i].argmax() == y[i] for i in inside) / len(inside)
            sure = sum(p[i].max() for i in inside) / len(inside)
            total += len(inside) / len(y) * abs(right - sure)
    return total


def test_curve_by_hand():
    curve = reliability_curve(P, LABELS, bins=5)
    assert np.allclose(curve.edges, [0, 0.2, 0.4, 0.6, 0.8, 1])
    assert curve.count.tolist() == [0, 0, 2, 1, 1]
    assert np.allclose(curve.confidence, [np.nan, np.nan, 0.575, 0.7, 0.9], equal_nan=True)
    assert np.allclose(curve.accuracy, [np.nan, np.nan, 0, 1, 1], equal_nan=True)


def test_error_by_hand():
    # (2·|0 − .575| + |1 − .7| + |1 − .9|) / 4
    assert np.isclose(expected_calibration_error(P, LABELS, bins=5), 0.3875)


def test_bins_contain_their_upper_end_and_not_their_lower():
    p = np.array([[0.5, 0.25, 0.25], [0.75, 0.25, 0.0], [1.0, 0.0, 0.0]])
    assert reliability_curve(p, np.zeros(3, int), bins=4).count.tolist() == [0, 1, 1, 1]


@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 99),
    n=st.integers(1, 60),
    classes=st.integers(2, 5),
    bins=st.integers(1, 20),
)
def test_agrees_with_the_definition(seed, n, classes, bins):
    rng = np.random.default_rng(seed)
    p, y = rng.dirichlet(np.ones(classes), size=n), rng.integers(classes, size=n)
    measured = expected_calibration_error(p, y, bins=bins)
    assert np.isclose(measured, ece_by_the_definition(p, y, bins), atol=1e-14)
    assert type(measured) is float
    assert reliability_curve(p, y, bins=bins).count.sum() == n


def test_certain_and_right_is_perfectly_calibrated():
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0
    assert expected_calibration_error(np.eye(3), np.array([1, 2, 0])) == 1


@pytest.mark.parametrize("function", [reliability_curve, expected_calibration_error])
def test_fifteen_bins_by_default(function):
    assert inspect.signature(function).parameters["bins"].default == 15


def test_float32():
    p = np.array([[0.75, 0.25]], np.float32)
    assert reliability_curve(p, np.array([0]), bins=4).count.tolist() == [0, 0, 1, 0]
    assert expected_calibration_error(p, np.array([0])) == 0.25


@pytest.mark.parametrize("function", [reliability_curve, expected_calibration_error])
@pytest.mark.parametrize(
    ("p", "labels", "bins", "error", "message"),
    [
        (np.eye(2) * 3, [0, 1], 5, ValueError, "probabilities must hold a distribution in each"),
        (np.eye(2), [0, 2], 5, ValueError, "labels must lie in 0 … 1, got 2 at index 1"),
        (np.eye(2), [0], 5, ValueError, r"labels must have shape \(2,\)"),
        (np.eye(2), [0.0, 1.0], 5, TypeError, "labels must be integer"),
        (np.eye(2), [0, 1], 0, ValueError, "bins must be finite and ≥ 1, got 0"),
        (np.eye(2, dtype=int), [0, 1], 5, TypeError, "probabilities must be float32 or float64"),
        (np.ones(2), [0, 1], 5, ValueError, r"probabilities must have shape \(N, K\), got \(2,\)"),
    ],
)
def test_bad_input(function, p, labels, bins, error, message):
    with pytest.raises(error, match=message):
        function(p, np.array(labels), bins=bins)


def overconfident(temperature, n=400, classes=4, seed=0):
    """Logits that are `temperature` times too large, with labels drawn from what is right."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 2
    labels = np.array([rng.choice(classes, p=softmax(row)) for row in logits])
    return logits * temperature, labels


def temperature_by_pytorch(logits, labels):
    z, y = torch.tensor(logits), torch.tensor(labels)
    beta = torch.ones((), dtype=torch.float64, requires_grad=True)
    options = {
        "max_iter": 500,
        "tolerance_grad": 0,
        "tolerance_change": 0,
        "line_search_fn": "strong_wolfe",
    }
    optimizer = torch.optim.LBFGS([beta], **options)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(z * beta, y)
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    return 1 / beta.item()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_temperature_agrees_with_pytorch(temperature):
    logits, labels = overconfident(temperature)
    expected = temperature_by_pytorch(logits, labels)
    measured = temperature_scaling(logits, labels)
    assert np.isclose(measured, expected, rtol=1e-6)
    assert abs(measured / temperature - 1) < 0.2
    assert type(measured) is float


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_temperature_scales_with_the_logits(factor):
    logits, labels = overconfident(1.0)
    expected = factor * temperature_scaling(logits, labels)
    assert np.isclose(temperature_scaling(factor * logits, labels), expected, rtol=1e-6)


def test_at_the_optimum_the_mean_logits_agree():
    # The derivative of the likelihood with respect to 1/T vanishes: E_p[z] = z_y on average.
    logits, labels = overconfident(3.0, seed=1)
    p = softmax(logits / temperature_scaling(logits, labels), axis=1)
    gap = (p * logits).sum(axis=1).mean() - logits[np.arange(len(labels)), labels].mean()
    assert abs(gap) < 1e-6


def test_a_shift_of_all_logits_of_a_sample_changes_nothing():
    logits, labels = overconfident(2.0)
    shifted = logits + np.arange(len(logits))[:, None]
    expected = temperature_scaling(logits, labels)
    assert np.isclose(temperature_scaling(shifted, labels), expected, rtol=1e-6)


def test_temperature_leaves_its_arguments_alone_and_takes_float32():
    logits, labels = overconfident(2.0)
    single = logits.astype(np.float32)
    kept = single.copy()
    expected = temperature_scaling(logits, labels)
    assert np.isclose(temperature_scaling(single, labels), expected, rtol=1e-5)
    assert np.array_equal(single, kept)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_temperature_may_be_as_small_or_as_large_as_it_has_to_be(gap):
    # One class is hopeless, and the other two are a hair apart: three of four are right.
    close = np.array([[gap, 0.0, -1.0]] * 4)
    assert temperature_scaling(close, np.array([0, 0, 0, 1])) == pytest.approx(gap / np.log(3))
    # Right by 1 + gap, and wrong by 1: (1 + gap) σ(−β (1 + gap)) = σ(β), so β ≈ gap.
    even = np.array([[1.0 + gap, 0.0], [1.0, 0.0]])
    measured = temperature_scaling(even, np.array([0, 1]))
    assert measured == pytest.approx(1 / gap, rel=max(2 * gap, 1e-15 / gap))


def test_a_lead_too_small_for_floats_is_none():
    with pytest.raises(ValueError, match="temperature goes to 0"):
        temperature_scaling(np.array([[1e-310, 0.0, -1.0]] * 4), np.array([0, 0, 0, 1]))


class TestNullCalibrationErrors:
    def test_are_those_of_labels_drawn_from_the_probabilities(self):
        rng = np.random.default_rng(0)
        p = rng.dirichlet([0.3, 0.5, 0.9], size=60)
        errors = null_calibration_errors(p, rng=rng, bins=7, draws=4000)
        assert errors.shape == (4000,)
        drawn = (rng.random((4000, 60, 1)) > p.cumsum(axis=1)[:, :2]).sum(axis=2)
        expected = [expected_calibration_error(p, labels, bins=7) for labels in drawn]
        assert errors.mean() == pytest.approx(np.mean(expected), rel=0.02)
        for q in (0.05, 0.5, 0.95):
            assert np.quantile(errors, q) == pytest.approx(np.quantile(expected, q), rel=0.05)

    def test_shrink_with_the_root_of_the_samples(self):
        rng = np.random.default_rng(0)
        few, many = (
            null_calibration_errors(np.full((n, 2), 0.5), rng=rng).mean() for n in (100, 10000)
        )
        assert few / many == pytest.approx(10, rel=0.15)

    def test_of_certainty_are_zero(self):
        errors = null_calibration_errors(np.eye(3), rng=np.random.default_rng(0), draws=5)
        assert errors.tolist() == [0.0] * 5

    def test_defaults_and_the_generator(self):
        p = np.array([[0.9, 0.1], [0.35, 0.65]] * 10)
        first = null_calibration_errors(p, rng=np.random.default_rng(0))
        again = null_calibration_errors(p, rng=np.random.default_rng(0), bins=15, draws=1000)
        assert np.array_equal(first, again)

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"probabilities": np.eye(2) * 3}, ValueError, "must hold a distribution in each"),
            ({"probabilities": np.ones(2)}, ValueError, r"must have shape \(N, K\)"),
            ({"bins": 0}, ValueError, "bins must be finite and ≥ 1, got 0"),
            ({"draws": 0}, ValueError, "draws must be finite and ≥ 1, got 0"),
            ({"rng": 0}, TypeError, r"rng must be a numpy\.random\.Generator"),
        ],
    )
    def test_bad_input(self, change, error, message):
        arguments = {"probabilities": np.eye(2), "rng": np.random.default_rng(0)} | change
        with pytest.raises(error, match=message):
            null_calibration_errors(arguments.pop("probabilities"), **arguments)


ALL_RIGHT = (
    "^logits: each label has the largest logit of its row, so the likelihood grows as the "
    "temperature goes to 0; use data on which the network errs$"
)
NO_BETTER = (
    "^logits: the labels' logits are not above average, so the likelihood grows as the "
    r"temperature goes to infinity; do the labels belong to these logits\?$"
)


@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (np.eye(2), [0, 1], ValueError, ALL_RIGHT),
        (np.ones((2, 2)), [0, 1], ValueError, "temperature goes to 0"),
        (np.eye(2), [1, 0], ValueError, NO_BETTER),
        (np.array([[1.0, 0.0], [1.0, 0.0]]), [0, 1], ValueError, "temperature goes to infinity"),
        (np.eye(2), [0, 2], ValueError, "labels must lie in 0 … 1, got 2 at index 1"),
        (np.eye(2), [0, 1, 1], ValueError, r"labels must have shape \(2,\)"),
        (np.eye(2), [0.0, 1.0], TypeError, "labels must be integer"),
        (np.ones(2), [0, 1], ValueError, r"logits must have shape \(N, K\), got \(2,\)"),
        (np.array([[np.inf, 0.0]]), [0], ValueError, "^logits must be finite, got nan or inf$"),
        (np.eye(2, dtype=int), [0, 1], TypeError, "logits must be float32 or float64"),
    ],
)
def test_temperature_bad_input(logits, labels, error, message):
    with pytest.raises(error, match=message):
        temperature_scaling(logits, np.array(labels))
