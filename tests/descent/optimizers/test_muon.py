import numpy as np
import pytest

from descent.layers import Parameter
from descent.optimizers import Muon, newton_schulz, polar_express


def test_one_step_by_hand():
    w = Parameter(np.full((1, 1), 2.0))
    optimizer = Muon([w], lr=0.5, weight_decay=0.5, ns_steps=0)
    w.grad[...] = -7.0
    optimizer.step()  # 2·0.75 + 0.5
    assert w.data[0, 0] == 2.0


@pytest.mark.parametrize(
    ("shape", "adjust_lr_fn", "length"),
    [
        ((9, 4), None, 1.5),
        ((9, 4), "original", 1.5),
        ((4, 9), "original", 1.0),
        ((9, 4), "match_rms_adamw", 0.6),
        ((4, 9), "match_rms_adamw", 0.6),
        ((9, 1, 2, 2), "original", 1.5),
        ((2, 5, 5, 1), "match_rms_adamw", 1.0),
    ],
)
def test_the_rate_fits_the_shape(shape, adjust_lr_fn, length):
    w = Parameter(np.zeros(shape))
    optimizer = Muon([w], lr=1.0, ns_steps=0, adjust_lr_fn=adjust_lr_fn)
    w.grad[...] = np.random.default_rng(0).normal(size=shape)
    optimizer.step()
    assert np.linalg.norm(w.data) == pytest.approx(length, rel=1e-12)


def test_kernels_are_matrices_of_one_row_per_channel():
    rng = np.random.default_rng(0)
    kernels, matrix = Parameter(np.ones((4, 2, 3, 3))), Parameter(np.ones((4, 18)))
    one, two = Muon([kernels], lr=0.1), Muon([matrix], lr=0.1)
    for _ in range(3):
        matrix.grad[...] = rng.normal(size=(4, 18))
        kernels.grad[...] = matrix.grad.reshape(kernels.grad.shape)
        one.step()
        two.step()
    assert (kernels.data.reshape(4, 18) == matrix.data).all()


def test_coefficients_of_every_step():
    w, table = Parameter(np.zeros((3, 4))), polar_express(4)
    optimizer = Muon([w], lr=1.0, momentum=0.0, weight_decay=0.0, ns_coefficients=table, ns_steps=4)
    w.grad[...] = np.random.default_rng(0).normal(size=(3, 4))
    optimizer.step()
    assert np.array_equal(-w.data, newton_schulz(w.grad, steps=4, coefficients=table))


def test_biases_are_refused():
    message = r"^params must have two or more axes, got Parameter\(shape=\(3,\).*; see Together$"
    with pytest.raises(ValueError, match=message):
        Muon([Parameter(np.zeros((2, 2))), Parameter(np.zeros(3))])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"momentum": 1}, ValueError, "momentum must be finite and ≥ 0 and < 1, got 1"),
        ({"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
        ({"ns_steps": 2.5}, TypeError, r"ns_steps must be an integer, got 2\.5"),
        ({"ns_coefficients": 1.0}, ValueError, "ns_coefficients must be three numbers or .* got 1"),
        ({"adjust_lr_fn": "rms"}, ValueError, "adjust_lr_fn must be one of None, 'original', 'm"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        Muon([Parameter(np.zeros((2, 2)))], **options)
