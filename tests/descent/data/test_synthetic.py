import numpy as np
import pytest

from descent.data import (
    beale,
    blobs,
    bowl,
    contaminate,
    double_well,
    himmelblau,
    linear_data,
    quadratic,
    reddi_gradients,
    rosenbrock,
    rosenbrock_hessian,
    spirals,
)
from descent.gradient_check import check_gradient, numerical_gradient, relative_error


def new():
    return np.random.default_rng(0)


HESSIAN = bowl(50, rng=np.random.default_rng(1))
PLANES = {
    "quadratic": lambda x: quadratic(x, HESSIAN.astype(x.dtype)),
    "rosenbrock": rosenbrock,
    "rosenbrock, other valley": lambda x: rosenbrock(x, a=-0.5, b=3.0),
    "himmelblau": himmelblau,
    "beale": beale,
}
every_plane = pytest.mark.parametrize("surface", PLANES.values(), ids=PLANES.keys())


@every_plane
def test_central_differences(surface):
    for point in np.random.default_rng(2).uniform(-2, 2, (5, 2)):
        check_gradient(surface, point)


@every_plane
def test_arrays_of_points_and_float32(surface):
    points = np.random.default_rng(3).uniform(-2, 2, (3, 4, 2))
    values, gradients = surface(points)
    assert values.shape == (3, 4)
    assert gradients.shape == (3, 4, 2)
    value, gradient = surface(points[1, 2])
    assert np.isclose(value, values[1, 2], rtol=1e-14)
    assert np.allclose(gradient, gradients[1, 2], rtol=1e-14)
    for shape in (points, points[1, 2]):
        assert {a.dtype for a in surface(shape.astype(np.float32))} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("surface", "point", "value", "gradient"),
    [
        (rosenbrock, [1.0, 1.0], 0, [0, 0]),
        (rosenbrock, [-1.0, 2.0], 104, [396, 200]),
        (lambda x: rosenbrock(x, a=2.0, b=1.0), [1.0, 3.0], 5, [-10, 4]),
        (himmelblau, [0.0, 0.0], 170, [-14, -22]),
        (himmelblau, [3.0, 2.0], 0, [0, 0]),
        (beale, [3.0, 0.5], 0, [0, 0]),
        (beale, [1.0, 1.0], 14.203125, [0, 27.75]),
        (lambda x: quadratic(x, np.array([[2.0, 1.0], [1.0, 3.0]])), [1.0, -2.0], 5, [0, -5]),
    ],
)
def test_surfaces_by_hand(surface, point, value, gradient):
    came = surface(np.array(point))
    assert came[0] == value
    assert came[1].tolist() == gradient


@pytest.mark.parametrize("options", [{}, {"a": 2.0, "b": 5.0}])
def test_rosenbrock_hessian(options):
    point = np.array([-1.2, 0.7])
    hessian = rosenbrock_hessian(point, **options)
    for row in range(2):
        expected = numerical_gradient(lambda x, r=row: rosenbrock(x, **options)[1][r], point)
        assert relative_error(hessian[row], expected) < 1e-8
    assert rosenbrock_hessian(point.astype(np.float32), **options).dtype == np.float32


def test_double_well():
    value, gradient = double_well(np.array([2.0, -1.0]))
    assert np.allclose(value, [9.6, -0.3], rtol=1e-15)
    assert np.allclose(gradient, [24.3, 0.3], rtol=1e-15)
    assert double_well(np.array([1.0, -1.0]), tilt=0.0)[0].tolist() == [0.0, 0.0]
    check_gradient(
        lambda x: (double_well(x, tilt=0.7)[0].sum(), double_well(x, tilt=0.7)[1]),
        np.array([-1.3, 0.2, 0.9]),
    )
    bottoms = np.array([-1.0355787, 0.0754292, 0.9601495])
    assert np.abs(double_well(bottoms)[1]).max() < 1e-5
    assert double_well(bottoms.astype(np.float32))[0].dtype == np.float32


@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)])
def test_bowl_has_its_condition(rng):
    hessian = bowl(1000, dimension=4, rng=rng)
    assert np.array_equal(hessian, hessian.T)
    assert np.allclose(np.linalg.eigvalsh(hessian), [1, 10, 100, 1000], rtol=1e-10)
    assert (np.count_nonzero(hessian) == 4) == (rng is None)
    assert bowl(9).tolist() == [[1, 0], [0, 9]]
    assert bowl(1).tolist() == [[1, 0], [0, 1]]


def test_reddi():
    assert reddi_gradients(7).tolist() == [3, -1, -1, 3, -1, -1, 3]
    assert reddi_gradients(3, C=10).tolist() == [10, -1, -1]
    assert reddi_gradients(300).sum() == 100


def test_blobs():
    points, labels = blobs((4000, 200), [[0, 0, 1], [5, 0, -1]], spread=0.5, rng=new())
    assert points.shape == (4200, 3)
    assert np.array_equal(labels, [0] * 4000 + [1] * 200)
    for k, center in enumerate([[0, 0, 1], [5, 0, -1]]):
        cloud = points[labels == k]
        assert np.abs(cloud.mean(axis=0) - center).max() < 4 * 0.5 / np.sqrt(len(cloud))
        assert np.abs(cloud.std(axis=0) - 0.5).max() < 4 * 0.5 / np.sqrt(2 * len(cloud))
    wide, _ = blobs((5,), [[0.0]], rng=np.random.default_rng(0))
    narrow, _ = blobs((5,), [[0.0]], spread=0.1, rng=np.random.default_rng(0))
    assert np.allclose(wide, 10 * narrow)


def test_spirals():
    clean, labels = spirals(50, classes=3, turns=1.5, noise=0, rng=new())
    assert np.array_equal(labels, np.repeat([0, 1, 2], 50))
    z = clean @ [1, 1j]
    assert np.allclose(np.abs(z), np.tile(np.arange(1, 51) / 50, 3))
    assert np.allclose(z[50:100] / z[:50], np.exp(2j * np.pi / 3))
    assert np.allclose(z[:50], np.abs(z[:50]) * np.exp(3j * np.pi * np.abs(z[:50])))
    default, labels = spirals(2000, rng=np.random.default_rng(0))
    assert set(labels) == {0, 1}
    clean, _ = spirals(2000, classes=2, turns=1.0, noise=0, rng=np.random.default_rng(0))
    assert abs((default - clean).std() - 0.05) < 0.002


def test_linear_data():
    x, y = linear_data(5000, [2.0, -1.0, 0.0], bias=3.0, noise=0.5, rng=np.random.default_rng(0))
    assert x.shape == (5000, 3)
    assert np.abs(x.mean(axis=0)).max() < 4 / np.sqrt(5000)
    assert np.abs(x.std(axis=0) - 1).max() < 4 / np.sqrt(10000)
    residual = y - 2 * x[:, 0] + x[:, 1] - 3
    assert abs(residual.mean()) < 4 * 0.5 / np.sqrt(5000)
    assert abs(residual.std() - 0.5) < 4 * 0.5 / np.sqrt(10000)
    x, y = linear_data(5000, [1.0], rng=np.random.default_rng(0))
    assert abs((y - x[:, 0]).std() - 1) < 4 / np.sqrt(10000)
    assert abs((y - x[:, 0]).mean()) < 4 / np.sqrt(5000)


def test_contaminate():
    values = np.arange(40.0)
    dirty, replaced = contaminate(values, rng=np.random.default_rng(0))
    assert replaced.sum() == 4
    assert (dirty[replaced] == 50).all()
    assert np.array_equal(dirty[~replaced], values[~replaced])
    assert np.array_equal(values, np.arange(40.0))
    assert not replaced[:4].all()
    dirty, replaced = contaminate(values, share=0.55, outlier=-7, rng=np.random.default_rng(0))
    assert (dirty == -7).sum() == replaced.sum() == 22
    assert contaminate(values, share=0, rng=new())[1].sum() == 0
    assert contaminate(values, share=1, rng=new())[1].sum() == 40
    assert contaminate(values.astype(np.float32), rng=new())[0].dtype == np.float32


def test_squared_error_follows_outliers_and_absolute_error_does_not():
    clean = np.random.default_rng(0).standard_normal(10_000)
    dirty, _ = contaminate(clean, rng=np.random.default_rng(1))
    assert abs(dirty.mean() - 5) < 0.1
    assert abs(np.median(dirty) - 0.14) < 0.06


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bowl(0.5), ValueError, "condition must be finite and ≥ 1, got 0.5"),
        (lambda: bowl(2, dimension=1), ValueError, "dimension must be finite and ≥ 2, got 1"),
        (lambda: bowl(2, rng=0), TypeError, r"rng must be a numpy\.random\.Generator"),
        (
            lambda: quadratic(np.ones(3), np.eye(2)),
            ValueError,
            r"x must have shape \(…, D\) and hessian \(D, D\), but x has shape \(3,\)",
        ),
        (lambda: quadratic(np.ones(2), np.ones(2)), ValueError, r"hessian has shape \(2,\)"),
        (lambda: quadratic(np.array(1.0), np.eye(1)), ValueError, r"x has shape \(\)"),
        (
            lambda: quadratic(np.ones(2), np.array([[1.0, 2.0], [0.0, 1.0]])),
            ValueError,
            "^hessian must be symmetric; its transpose differs$",
        ),
        (lambda: quadratic(np.ones(2, int), np.eye(2)), TypeError, "x must be float32 or float64"),
        (lambda: rosenbrock(np.ones(3)), ValueError, r"x must have shape \(…, 2\), got \(3,\)"),
        (lambda: himmelblau(np.array(1.0)), ValueError, r"x must have shape \(…, 2\), got \(\)"),
        (lambda: beale(np.ones(2, int)), TypeError, "x must be float32 or float64, got int64"),
        (lambda: rosenbrock_hessian(np.ones((1, 2))), ValueError, r"\(2,\), got \(1, 2\)"),
        (lambda: double_well(np.array([1])), TypeError, "x must be float32 or float64, got int64"),
        (lambda: reddi_gradients(0), ValueError, "steps must be finite and ≥ 1, got 0"),
        (lambda: reddi_gradients(3, C=2), ValueError, "C must be finite and > 2, got 2"),
        (lambda: blobs((2, 0), np.eye(2), rng=new()), ValueError, r"counts\[1\] must .*≥ 1, got 0"),
        (
            lambda: blobs((2,), np.eye(2), rng=new()),
            ValueError,
            r"centers must .*\(1, D\).*\(2, 2\)",
        ),
        (lambda: blobs((2, 2), [1, 2], rng=new()), ValueError, r"\(2, D\), .*, got \(2,\)"),
        (lambda: blobs((2,), [[0]], spread=0, rng=new()), ValueError, "spread must .*> 0, got 0"),
        (lambda: blobs((2,), [[0]], rng=1), TypeError, r"rng must be a numpy\.random\.Generator"),
        (lambda: spirals(0, rng=new()), ValueError, "count must be finite and ≥ 1, got 0"),
        (lambda: spirals(1, classes=0, rng=new()), ValueError, "classes must .*≥ 1, got 0"),
        (lambda: spirals(1, turns=np.inf, rng=new()), ValueError, "turns must be finite, got inf"),
        (lambda: spirals(1, noise=-1, rng=new()), ValueError, "noise must .*≥ 0, got -1"),
        (lambda: spirals(1, rng=None), TypeError, r"rng must be a numpy\.random\.Generator"),
        (lambda: linear_data(0, [1.0], rng=new()), ValueError, "count must .*≥ 1, got 0"),
        (lambda: linear_data(1, 1.0, rng=new()), ValueError, r"weight must .*\(D,\), got \(\)"),
        (lambda: linear_data(1, [], rng=new()), ValueError, r"weight must .*\(D,\), got \(0,\)"),
        (lambda: linear_data(1, [1.0], bias=np.nan, rng=new()), ValueError, "bias must be finite"),
        (
            lambda: linear_data(1, [1.0], noise=-1, rng=new()),
            ValueError,
            "noise must .*≥ 0, got -1",
        ),
        (lambda: linear_data(1, [1.0], rng=0), TypeError, "rng must be a numpy"),
        (lambda: contaminate(np.ones((2, 2)), rng=new()), ValueError, r"values must .*\(2, 2\)"),
        (lambda: contaminate(np.ones(2, int), rng=new()), TypeError, "values must be float32"),
        (
            lambda: contaminate(np.ones(2), share=1.1, rng=new()),
            ValueError,
            "share must .*≤ 1, got",
        ),
        (lambda: contaminate(np.ones(2), share=-0.1, rng=new()), ValueError, "share must .*≥ 0"),
        (lambda: contaminate(np.ones(2), outlier=np.nan, rng=new()), ValueError, "outlier must be"),
        (lambda: contaminate(np.ones(2), rng=0), TypeError, "rng must be a numpy"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: blobs((3, 3), np.eye(2), rng=rng)[0],
        lambda rng: spirals(5, rng=rng)[0],
        lambda rng: np.column_stack(linear_data(5, [1.0], rng=rng)),
        lambda rng: contaminate(np.arange(100.0), rng=rng)[0],
        lambda rng: bowl(10, dimension=3, rng=rng),
    ],
)
def test_the_generator_decides(draw):
    first, again, other = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
