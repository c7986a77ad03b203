import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import relative_error
from descent.layers import Parameter
from descent.optimizers import Muon, newton_schulz


def polynomial(s, steps, a=3.4445, b=-4.775, c=2.0315):
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return s


def test_five_steps_on_single_values():
    s = newton_schulz_of_single_values(np.geomspace(0.003, 1, 300))
    assert s.min() == pytest.approx(0.682, abs=5e-4)
    assert s.max() == pytest.approx(1.202, abs=5e-4)


def newton_schulz_of_single_values(values):
    """Beside a singular value s that stands for it, the other one makes the norm 1."""
    matrices = [np.diag([s, np.sqrt(1 - s**2)]) for s in values]
    return np.array([newton_schulz(matrix)[0, 0] for matrix in matrices])


@settings(max_examples=20, derandomize=True, deadline=None)
@given(rows=st.integers(1, 6), columns=st.integers(1, 6), steps=st.integers(0, 6))
def test_acts_on_the_singular_values(rows, columns, steps):
    matrix = np.random.default_rng(rows).normal(size=(rows, columns))
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    expected = u @ np.diag(polynomial(s / np.sqrt((s**2).sum()), steps)) @ vt
    assert relative_error(newton_schulz(matrix, steps=steps), expected) < 1e-10


def test_the_default_is_five_steps():
    matrix = np.random.default_rng(0).normal(size=(3, 4))
    assert (newton_schulz(matrix) == newton_schulz(matrix, steps=5)).all()


def test_other_coefficients_converge_to_the_orthogonal_factor():
    matrix = np.random.default_rng(0).normal(size=(5, 3))
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    orthogonal = newton_schulz(matrix, steps=30, coefficients=(1.875, -1.25, 0.375))
    assert relative_error(orthogonal, u @ vt) < 1e-12


def test_small_singular_values_of_square_matrices_stay_small():
    rng = np.random.default_rng(0)
    smallest = [
        np.linalg.svd(newton_schulz(rng.normal(size=(20, 20))), compute_uv=False).min()
        for _ in range(20)
    ]
    assert min(smallest) < 0.3


def test_a_matrix_of_zeros_stays_zero():
    assert newton_schulz(np.zeros((2, 3))).tolist() == [[0.0] * 3] * 2


def test_eps_is_the_smallest_norm():
    assert newton_schulz(np.array([[1e-7, 0.0]]), steps=0).tolist() == [[1.0, 0.0]]
    assert newton_schulz(np.array([[0.5]]), steps=0, eps=2.0).tolist() == [[0.25]]
    assert newton_schulz(np.array([[4.0]]), steps=0, eps=2.0).tolist() == [[1.0]]
    assert newton_schulz(np.array([[1e-8]]), steps=0)[0, 0] == pytest.approx(0.1)


def test_keeps_float32_and_the_input():
    matrix = np.ones((3, 2), np.float32)
    assert newton_schulz(matrix).dtype == np.float32
    assert (matrix == 1).all()


@pytest.mark.parametrize(
    ("matrix", "options", "error", "message"),
    [
        (np.ones(3), {}, ValueError, r"matrix must have shape \(rows, columns\), got \(3,\)"),
        (np.ones((2, 2), int), {}, TypeError, "matrix must be float32 or float64, got int64"),
        (np.eye(2), {"steps": -1}, ValueError, "steps must be finite and ≥ 0, got -1"),
        (np.eye(2), {"steps": 2.5}, TypeError, r"steps must be an integer, got 2\.5"),
        (np.eye(2), {"coefficients": (1, 2)}, ValueError, "^coefficients must be three numbers"),
        (np.eye(2), {"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
    ],
)
def test_bad_input(matrix, options, error, message):
    with pytest.raises(error, match=message):
        newton_schulz(matrix, **options)


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


def test_biases_are_refused():
    message = r"params must have two or more axes, got Parameter\(shape=\(3,\).*, such as AdamW$"
    with pytest.raises(ValueError, match=message):
        Muon([Parameter(np.zeros((2, 2))), Parameter(np.zeros(3))])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"momentum": 1}, ValueError, "momentum must be finite and ≥ 0 and < 1, got 1"),
        ({"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
        ({"ns_steps": 2.5}, TypeError, r"ns_steps must be an integer, got 2\.5"),
        ({"ns_coefficients": 1.0}, ValueError, "ns_coefficients must be three numbers, got 1.0"),
        ({"adjust_lr_fn": "rms"}, ValueError, "adjust_lr_fn must be one of None, 'original', 'm"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        Muon([Parameter(np.zeros((2, 2)))], **options)
