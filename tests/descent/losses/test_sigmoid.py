import math

import numpy as np
import pytest
import torch

from descent.gradient_check import relative_error
from descent.losses import logit, sigmoid, softmax, softplus

LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3


def test_sigmoid():
    z = np.array([-800.0, -40.0, -math.log(3), 0.0, math.log(3), 40.0, 800.0])
    expected = [0.0, math.exp(-40), 0.25, 0.5, 0.75, 1.0, 1.0]
    assert sigmoid(z) == pytest.approx(expected, rel=1e-14, abs=1e-300)
    assert sigmoid(z.astype(np.float32)).dtype == np.float32
    assert relative_error(sigmoid(LOGITS), torch.tensor(LOGITS).sigmoid().numpy()) < 1e-15


def test_logit_is_the_inverse():
    assert float(logit(0.5)) == 0
    assert float(logit(0.01)) == pytest.approx(-math.log(99), rel=1e-14)
    assert relative_error(logit(sigmoid(LOGITS)), LOGITS) < 1e-12
    assert logit(np.array([0.1], np.float32)).dtype == np.float32


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, 1.1, np.nan])
def test_logit_refuses(probability):
    with pytest.raises(ValueError, match="probability must lie strictly between 0 and 1, got"):
        logit(np.array([0.5, probability]))


def test_softplus():
    z = np.array([-800.0, -40.0, 0.0, math.log(3), 40.0, 800.0])
    expected = [0.0, math.exp(-40), math.log(2), math.log(4), 40.0, 800.0]
    assert softplus(z) == pytest.approx(expected, rel=1e-14, abs=1e-300)
    assert softplus(z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("function", "name"), [(sigmoid, "logits"), (softplus, "z"), (logit, "probability")]
)
def test_refuses_integers(function, name):
    with pytest.raises(TypeError, match=f"^{name} must be float32 or float64, got int64"):
        function(np.array([1]))


def test_two_class_softmax_is_a_sigmoid():
    pair = LOGITS[:, :2]
    assert np.abs(softmax(pair)[:, 1] - sigmoid(pair[:, 1] - pair[:, 0])).max() < 3e-16
