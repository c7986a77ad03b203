import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import relative_error
from descent.optimizers import newton_schulz, polar_express

# From the code that the authors of Polar Express published, before the division by 1.01.
PUBLISHED = [
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
    (1.875, -1.25, 0.375),
]


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
        (np.eye(2), {"coefficients": (1, 2)}, ValueError, "^coefficients must be three numbers or"),
        (np.eye(2), {"coefficients": []}, ValueError, r"list of triples, got \[\]"),
        (np.eye(2), {"coefficients": "abc"}, ValueError, "list of triples, got 'abc'"),
        (np.eye(2), {"coefficients": [(1, 2, 3), (1, 2)]}, ValueError, "list of triples, got"),
        (np.eye(2), {"coefficients": np.ones((3, 2))}, ValueError, "list of triples, got"),
        (np.eye(2), {"coefficients": np.ones((1, 2, 3))}, ValueError, "list of triples, got"),
        (np.eye(2), {"coefficients": (1, np.nan, 1)}, ValueError, "coefficients must be finite"),
        (np.eye(2), {"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
    ],
)
def test_bad_input(matrix, options, error, message):
    with pytest.raises(error, match=message):
        newton_schulz(matrix, **options)


def compose(s, coefficients):
    for a, b, c in coefficients:
        s = a * s + b * s**3 + c * s**5
    return s


def test_each_step_has_its_triple_and_the_last_serves_for_the_rest():
    matrix = np.random.default_rng(0).normal(size=(3, 5))
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    table = [(3.0, -3.0, 1.0), (2.0, -1.5, 0.5), (1.8, -1.2, 0.4)]
    for steps, used in [(0, []), (2, table[:2]), (3, table), (5, [*table, table[2], table[2]])]:
        expected = u @ np.diag(compose(s, used)) @ vt
        for form in (table, np.array(table), tuple(table)):
            got = newton_schulz(matrix, steps=steps, coefficients=form)
            assert relative_error(got, expected) < 1e-12


def test_polar_express_gives_the_published_coefficients():
    assert np.allclose(polar_express(7, safety=1), PUBLISHED[:7], rtol=0, atol=1e-9)
    published = [(a / 1.01, b / 1.01**3, c / 1.01**5) for a, b, c in PUBLISHED[:5]]
    assert np.allclose(polar_express(), published, rtol=0, atol=1e-12)
    for steps in (1, 3, 7):
        assert polar_express(steps) == polar_express(8)[:steps]
    assert np.allclose(polar_express(8)[7], PUBLISHED[7], rtol=0, atol=5e-9)
    assert np.allclose(polar_express(8)[6][0] * 1.01, PUBLISHED[6][0], rtol=0, atol=1e-9)


def test_what_polar_express_does_to_singular_values():
    s = np.geomspace(1e-3, 1, 20_001)
    five, eight = compose(s, polar_express(5)), compose(s, polar_express(8))
    assert (five.min(), five.max()) == (
        pytest.approx(0.846, abs=1e-3),
        pytest.approx(1.124, abs=1e-3),
    )
    assert np.abs(eight - 1).max() < 1e-8
    assert polynomial(s, 5).min() < 0.48  # the default coefficients


@pytest.mark.parametrize(("lower", "upper"), [(0.1, 1.0), (0.5, 1.0), (0.9, 1.0)])
def test_the_first_polynomial_is_the_best_one(lower, upper):
    """Its error is as large below 1 as above, at four points in turn, as Chebyshev asks."""
    (triple,) = polar_express(1, lower=lower, cushion=0, safety=1)
    s = np.linspace(lower, upper, 100_001)
    error = 1 - compose(s, [triple])
    size = np.abs(error).max()
    at = np.flatnonzero(np.abs(error) > size * (1 - 1e-6))
    signs = np.sign(error[at])
    assert 1 + np.count_nonzero(np.diff(signs)) == 4
    assert error[0] == pytest.approx(size, rel=1e-6)
    assert error[-1] == pytest.approx(-size, rel=1e-6)


def test_a_cushion_keeps_the_middle_near_1():
    s = np.linspace(0.05, 1, 1001)
    wide, cushioned = polar_express(1, lower=1e-3, cushion=0), polar_express(1, lower=1e-3)
    assert compose(s, cushioned).min() > 1.2 * compose(s, wide).min()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be finite and ≥ 1, got 0"),
        ({"steps": 1.5}, TypeError, "steps must be an integer"),
        ({"lower": 0}, ValueError, "lower must be finite and > 0 and < 1, got 0"),
        ({"lower": 1}, ValueError, "lower must be finite and > 0 and < 1, got 1"),
        ({"cushion": -0.1}, ValueError, "cushion must be finite and ≥ 0 and < 1"),
        ({"cushion": 1}, ValueError, "cushion must be finite and ≥ 0 and < 1"),
        ({"safety": 0.9}, ValueError, "safety must be finite and ≥ 1"),
    ],
)
def test_bad_options_of_polar_express(options, error, message):
    with pytest.raises(error, match=message):
        polar_express(**options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_scale_of_a_matrix_does_not_matter_even_where_its_squares_overflow(dtype):
    info = np.finfo(dtype)
    matrix = np.random.default_rng(0).uniform(-1, 1, size=(3, 4)).astype(dtype)
    expected = newton_schulz(matrix)
    for scale in (1e-3, float(info.max) ** 0.75, float(info.max) * 0.2):
        got = newton_schulz(matrix * dtype(scale))
        assert got.dtype == dtype
        assert relative_error(got, expected) < 100 * info.eps
    got = newton_schulz(matrix * dtype(float(info.tiny) ** 0.75), eps=float(info.tiny))
    assert relative_error(got, expected) < 100 * info.eps
