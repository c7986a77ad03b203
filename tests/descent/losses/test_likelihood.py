import inspect
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent.gradient_check import relative_error
from descent.losses import gaussian_nll, mse, poisson_nll

rng = np.random.default_rng(0)
MEAN, TARGET = rng.normal(size=(2, 3, 4, 2)) * 2
VAR = rng.uniform(0.1, 3, size=(3, 4, 2))
COUNTS = rng.poisson(2, size=(3, 4, 2)).astype(float)
COUNTS[0, 0] = 1.5, 1.0  # Stirling's formula is added above 1
REDUCTIONS = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])


@REDUCTIONS
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("eps", [1e-6, 0.7])
@pytest.mark.parametrize("var", [VAR, VAR[..., :1], VAR[:, :1], VAR[..., 0]])
def test_gaussian_agrees_with_pytorch(agrees, var, eps, full, reduction):
    options = {"full": full, "eps": eps, "reduction": reduction}
    agrees(
        gaussian_nll(MEAN, TARGET, var, **options),
        lambda m, v: F.gaussian_nll_loss(m, torch.tensor(TARGET), v, **options),
        MEAN,
        var,
    )


def test_gaussian_with_one_number():
    for var in (2.5, np.float32(2.5), np.array(2.5)):
        value, (d_mean, d_var) = gaussian_nll(MEAN, TARGET, var)
        each = gaussian_nll(MEAN, TARGET, np.full(MEAN.shape, 2.5))
        assert value == each[0]
        assert np.array_equal(d_mean, each[1][0])
        assert d_var.shape == ()
        assert d_var == pytest.approx(each[1][1].sum(), rel=1e-14)
    assert value == F.gaussian_nll_loss(torch.tensor(MEAN), torch.tensor(TARGET), 2.5).item()
    value, gradients = gaussian_nll(MEAN.astype(np.float32), TARGET.astype(np.float32), 2.5)
    assert {value.dtype, *(gradient.dtype for gradient in gradients)} == {np.dtype(np.float32)}


def test_gaussian_by_hand():
    mean, target, var = np.array([3.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.5]), np.array([4.0, 1, 0])
    value, (d_mean, d_var) = gaussian_nll(mean, target, var, eps=0.5, reduction="none")
    assert value == pytest.approx([(math.log(4) + 1) / 2, 0, (math.log(0.5) + 0.5) / 2])
    assert d_mean == pytest.approx([0.5, 0, -1])
    assert d_var == pytest.approx([0, 0.5, 0.5])  # the variance is right, too large, at eps
    full, _ = gaussian_nll(mean, target, var, eps=0.5, reduction="none", full=True)
    density = math.exp(-0.5) / math.sqrt(2 * math.pi * 4)
    assert full[0] == pytest.approx(-math.log(density))


def test_gaussian_of_variance_one_is_half_the_squared_error():
    value, (d_mean, _) = gaussian_nll(MEAN, TARGET, 1)
    expected = mse(MEAN, TARGET)
    assert value == pytest.approx(expected[0] / 2, rel=1e-14)
    assert relative_error(d_mean, expected[1] / 2) < 1e-14


def test_the_best_variance_is_the_mean_squared_error():
    best = mse(MEAN, TARGET)[0]
    assert abs(gaussian_nll(MEAN, TARGET, best)[1][1]) < 1e-15
    worse = [gaussian_nll(MEAN, TARGET, best * factor)[0] for factor in (0.9, 1.1)]
    assert min(worse) > gaussian_nll(MEAN, TARGET, best)[0]


def test_default_of_eps():
    assert inspect.signature(gaussian_nll).parameters["eps"].default == 1e-6
    assert inspect.signature(poisson_nll).parameters["eps"].default == 1e-8
    nothing, one = np.zeros(1), np.ones(1)
    assert gaussian_nll(nothing, nothing, nothing)[0] == pytest.approx(math.log(1e-6) / 2)
    assert poisson_nll(nothing, one, log_input=False)[0] == pytest.approx(-math.log(1e-8))


@pytest.mark.parametrize(
    ("var", "error", "message"),
    [
        (-VAR, ValueError, r"^var must be ≥ 0, got -\d.* at index \(0, 0, 0\)"),
        (-1.0, ValueError, r"^var must be ≥ 0, got -1.0 at index \(\)"),
        (np.inf, ValueError, "^var must be finite, got inf"),
        (
            VAR[:, :2],
            ValueError,
            r"^var must be a number or have shape \(3, 4, 2\), .* \(3, 2, 2\)",
        ),
        (VAR[0], ValueError, r"^var must be a number or .*, got \(4, 2\)"),
        (VAR[:1, 0, 0], ValueError, r"^var must be a number or .*, got \(1,\)"),
        (VAR[None], ValueError, r"^var must be a number or .*, got \(1, 3, 4, 2\)"),
        (VAR.astype(np.float32), TypeError, "var is float32, prediction is float64"),
        ("1", TypeError, "^var must be a number"),
    ],
)
def test_gaussian_refuses(var, error, message):
    with pytest.raises(error, match=message):
        gaussian_nll(MEAN, TARGET, var)


@pytest.mark.parametrize("at", [0, 5])
def test_slopes_that_overflow_are_refused(at):
    mean, zero, var = np.zeros(6), np.zeros(6), np.ones(6)
    mean[at], var[at] = 1e100, 1e-100
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match=r"overflowed: .* although its arguments are finite"),
    ):
        gaussian_nll(mean, zero, var, eps=1e-200, reduction="none")


@REDUCTIONS
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("log_input", "eps"), [(True, 1e-8), (False, 1e-8), (False, 0.1)])
def test_poisson_agrees_with_pytorch(agrees, log_input, eps, full, reduction):
    options = {"log_input": log_input, "full": full, "eps": eps, "reduction": reduction}
    x = MEAN if log_input else VAR
    agrees(
        poisson_nll(x, COUNTS, **options),
        lambda x: F.poisson_nll_loss(x, torch.tensor(COUNTS), **options),
        x,
    )


def test_poisson_by_hand():
    x, y = np.log(np.array([2.0, 2.0, 2.0])), np.array([0.0, 2.0, 5.0])
    value, gradient = poisson_nll(x, y, reduction="none")
    assert value == pytest.approx([2, 2 - 2 * math.log(2), 2 - 5 * math.log(2)])
    assert gradient == pytest.approx([2, 0, -3])
    of_rates, slopes = poisson_nll(np.exp(x), y, log_input=False, reduction="none", eps=1e-12)
    assert of_rates == pytest.approx(value)
    assert slopes == pytest.approx([1, 0, -1.5])
    full, _ = poisson_nll(x, y, reduction="none", full=True)
    assert full[0] == 2  # log 0! = 0
    assert full[2] == pytest.approx(-math.log(2**5 * math.exp(-2) / 120), abs=0.02)  # Stirling


def test_poisson_of_no_rate_and_no_count():
    value, gradient = poisson_nll(np.zeros(1), np.zeros(1), log_input=False)
    assert value == 0
    assert gradient == 1


@pytest.mark.parametrize("log_input", [True, False])
def test_poisson_refuses(log_input):
    counts = COUNTS.copy()
    counts[1, 2, 0] = -1
    with pytest.raises(ValueError, match=r"^target must be ≥ 0, got -1.0 at index \(1, 2, 0\)"):
        poisson_nll(VAR, counts, log_input=log_input)
    rate = VAR.copy()
    rate[1, 2, 0] = -0.5
    if log_input:
        assert np.isfinite(poisson_nll(rate, COUNTS)[0])
    else:
        message = r"^prediction must be ≥ 0 unless log_input, got -0.5 at index \(1, 2, 0\)"
        with pytest.raises(ValueError, match=message):
            poisson_nll(rate, COUNTS, log_input=False)
