import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from descent.losses import huber, mae, mse, smooth_l1

PREDICTION = np.array([[0.5, 2.0, -3.0], [1.0, -1.0, 0.0]])
TARGET = np.zeros((2, 3))  # errors inside, outside, on the kinks, and 0


@pytest.mark.parametrize(
    ("loss", "options", "values", "slopes"),
    [
        (mse, {}, [0.25, 4, 9, 1, 1, 0], [1, 4, -6, 2, -2, 0]),
        (mae, {}, [0.5, 2, 3, 1, 1, 0], [1, 1, -1, 1, -1, 0]),
        (huber, {}, [0.125, 1.5, 2.5, 0.5, 0.5, 0], [0.5, 1, -1, 1, -1, 0]),
        (huber, {"delta": 2}, [0.125, 2, 4, 0.5, 0.5, 0], [0.5, 2, -2, 1, -1, 0]),
        (smooth_l1, {}, [0.125, 1.5, 2.5, 0.5, 0.5, 0], [0.5, 1, -1, 1, -1, 0]),
        (smooth_l1, {"beta": 2}, [0.0625, 1, 2, 0.25, 0.25, 0], [0.25, 1, -1, 0.5, -0.5, 0]),
        (smooth_l1, {"beta": 0}, [0.5, 2, 3, 1, 1, 0], [1, 1, -1, 1, -1, 0]),
    ],
)
def test_by_hand(loss, options, values, slopes):
    value, gradient = loss(PREDICTION, TARGET, **options, reduction="none")
    assert value.ravel().tolist() == values
    assert gradient.ravel().tolist() == slopes
    # The loss depends on the difference only.
    shifted, _ = loss(PREDICTION + 1, TARGET + 1, **options, reduction="none")
    assert shifted.ravel().tolist() == values


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    ("loss", "theirs", "options"),
    [
        (mse, F.mse_loss, {}),
        (mae, F.l1_loss, {}),
        (huber, F.huber_loss, {}),
        (huber, F.huber_loss, {"delta": 0.3}),
        (smooth_l1, F.smooth_l1_loss, {}),
        (smooth_l1, F.smooth_l1_loss, {"beta": 0.3}),
        (smooth_l1, F.smooth_l1_loss, {"beta": 0.0}),
    ],
)
@settings(max_examples=15, derandomize=True, deadline=None)
@given(
    prediction=arrays.arrays(
        np.float64,
        arrays.array_shapes(max_dims=3, max_side=4),
        elements={"min_value": -1e4, "max_value": 1e4},
    )
)
def test_agrees_with_pytorch(loss, theirs, options, reduction, prediction):
    import torch

    target = np.linspace(-1, 1, prediction.size).reshape(prediction.shape)
    value, gradient = loss(prediction, target, **options, reduction=reduction)
    x = torch.tensor(prediction, requires_grad=True)
    expected = theirs(x, torch.tensor(target), **options, reduction=reduction)
    expected.sum().backward()
    assert np.allclose(value, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    assert np.allclose(gradient, x.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_huber_pays_little_for_outliers():
    value, gradient = huber(np.array([1e200]), np.zeros(1), delta=1e-3)
    assert value == pytest.approx(1e197)
    assert gradient == 1e-3


def test_smooth_l1_of_a_tiny_beta_is_the_absolute_error():
    errors = np.array([1e10, -1e10, 0.0], np.float32)
    value, gradient = smooth_l1(errors, np.zeros_like(errors), beta=1e-30, reduction="none")
    assert value.tolist() == np.abs(errors).tolist()
    assert gradient.tolist() == [1, -1, 0]
