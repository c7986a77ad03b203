import importlib
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from sklearn.datasets import load_digits

from descent.gradient_check import check_gradient, relative_error
from descent.losses import cross_entropy
from descent.optimizers import ConvergenceError, lbfgs, newton, two_loop, wolfe_step

X, Y = load_digits(return_X_y=True)
X = X[:400] / 16
Y = Y[:400]


def rosenbrock(x):
    return optimize.rosen(x), optimize.rosen_der(x)


def start(n):
    return np.tile([-1.2, 1.0], n // 2)


def logistic(w, decay=1e-2):
    """L2-regularized logistic regression on digits, the weights as a vector."""
    value, slope = cross_entropy(X @ w.reshape(64, 10), Y)
    return value + decay / 2 * (w @ w), (X.T @ slope).ravel() + decay * w


def scipy_lbfgs(function, x0, tolerance):
    options = {"gtol": tolerance, "ftol": 0, "maxcor": 10}
    return optimize.minimize(function, x0, jac=True, method="L-BFGS-B", options=options)


BOWL = np.array([[2.0, 1.0], [1.0, 3.0]])


def bowl(x):
    return 0.5 * x @ BOWL @ x, BOWL @ x


def pairs(n=6, count=4):
    """Steps and changes of gradient of a bowl, and its Hessian."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n, n))
    hessian = root @ root.T + np.eye(n)
    steps = rng.normal(size=(count, n))
    return [(s, hessian @ s) for s in steps], hessian


def bfgs_matrix(pairs):
    """The inverse Hessian by the update formula, with full matrices."""
    s, y = pairs[-1]
    B = s @ y / (y @ y) * np.eye(len(s))
    for s, y in pairs:
        rho = 1 / (y @ s)
        V = np.eye(len(s)) - rho * np.outer(y, s)
        B = V.T @ B @ V + rho * np.outer(s, s)
    return B


@pytest.mark.parametrize("count", [1, 2, 5])
def test_two_loop_is_the_matrix_formula(count):
    known, _ = pairs(count=count)
    g = np.arange(6.0)
    kept = g.copy()
    assert relative_error(two_loop(g, known), bfgs_matrix(known) @ g) < 1e-12
    assert np.array_equal(g, kept)


def test_two_loop_knows_the_last_curvature():
    known, _ = pairs()
    s, y = known[-1]
    assert relative_error(two_loop(y, known), s) < 1e-12


@pytest.mark.parametrize(
    ("function", "x0", "tolerance", "slack"),
    [
        (logistic, np.zeros(640), 1e-6, 1.25),
        (rosenbrock, start(2), 1e-8, 1.25),
        (rosenbrock, start(20), 1e-8, 1.25),
    ],
    ids=["logistic", "rosenbrock 2", "rosenbrock 20"],
)
def test_lbfgs_arrives_where_scipy_does_with_about_as_many_evaluations(
    function, x0, tolerance, slack
):
    kept = x0.copy()
    calls = []

    def counted(x):
        calls.append(x)
        return function(x)

    ours = lbfgs(counted, x0, tolerance=tolerance)
    theirs = scipy_lbfgs(function, x0, tolerance)
    assert np.array_equal(x0, kept)
    assert ours.value == pytest.approx(theirs.fun, rel=1e-8, abs=1e-14)
    assert np.abs(ours.x - theirs.x).max() < 1e-4
    assert ours.evaluations == len(calls) <= slack * theirs.nfev
    assert len(ours.trajectory) == len(ours.gradient_norms) == ours.iterations + 1
    assert np.array_equal(ours.trajectory[0], x0)
    assert np.array_equal(ours.trajectory[-1], ours.x)
    assert ours.gradient_norms[-1] <= tolerance < ours.gradient_norms[:-1].min()
    value, gradient = function(ours.x)
    assert ours.value == value
    assert type(ours.value) is float
    assert np.array_equal(ours.gradient, gradient)
    for x, norm in zip(ours.trajectory, ours.gradient_norms, strict=True):
        assert norm == np.abs(function(x)[1]).max()


def test_the_objective_of_the_comparison():
    check_gradient(logistic, np.random.default_rng(0).normal(size=640) / 10)


def test_lbfgs_takes_a_first_step_of_length_one():
    minimum = lbfgs(lambda x: (0.5 * x @ x, x), np.array([3.0, 4.0]))
    assert np.allclose(minimum.trajectory[1], [2.4, 3.2])


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_lbfgs_where_squares_of_gradients_overflow(dtype, scale):
    def steep(x):
        slope = (BOWL @ x).astype(dtype)
        return dtype(scale) * (slope @ x / 2), dtype(scale) * slope

    minimum = lbfgs(steep, np.array([5.0, -4.0], dtype), tolerance=scale * 1e-5)
    plain = lbfgs(bowl, np.array([5.0, -4.0]), tolerance=1e-5)
    assert np.abs(minimum.x).max() < 1e-5
    assert minimum.iterations <= plain.iterations + 2


def test_history_is_a_number_of_pairs(monkeypatch):
    lengths = []

    def spy(gradient, pairs):
        lengths.append(len(pairs))
        return two_loop(gradient, pairs)

    monkeypatch.setattr(importlib.import_module("descent.optimizers.lbfgs"), "two_loop", spy)
    lbfgs(rosenbrock, start(2), history=3)
    assert lengths[:5] == [1, 2, 3, 3, 3]
    lengths.clear()
    lbfgs(rosenbrock, start(20))
    assert max(lengths) == 10


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(1, 8), st.integers(0, 99))
def test_both_find_the_bottom_of_a_bowl(n, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    H, b = root @ root.T + np.eye(n), rng.normal(size=n)
    expected = np.linalg.solve(H, b)

    def function(x):
        return 0.5 * x @ H @ x - b @ x, H @ x - b

    one = newton(function, lambda x: H, rng.normal(size=n))
    assert (one.iterations, one.evaluations) == (1, 2)
    assert np.allclose(one.x, expected, atol=1e-8)
    assert np.allclose(lbfgs(function, rng.normal(size=n)).x, expected, atol=1e-5)


def test_newton_converges_quadratically():
    minimum = newton(rosenbrock, optimize.rosen_hess, start(2), tolerance=1e-12)
    errors = np.abs(minimum.trajectory - 1).max(axis=1)
    assert errors[-1] < 1e-12
    late = errors[-4:-1]
    assert (late[1:] < 30 * late[:-1] ** 2).all()
    assert minimum.evaluations < 40


def test_newton_on_logistic_regression_needs_few_steps():
    x, labels = X[:, 20:24], Y % 2

    def function(w):
        z = x @ w
        p = 1 / (1 + np.exp(-z))
        value = np.logaddexp(0, z).sum() - labels @ z + 0.5 * w @ w
        return value, x.T @ (p - labels) + w

    def hessian(w):
        p = 1 / (1 + np.exp(-x @ w))
        return (x.T * (p * (1 - p))) @ x + np.eye(4)

    minimum = newton(function, hessian, np.zeros(4))
    assert minimum.iterations <= 6
    assert np.allclose(minimum.x, scipy_lbfgs(function, np.zeros(4), 1e-8).x, atol=1e-6)


def flat_bowl(x):
    """Its Hessian falls off so fast that the plain method diverges from |x| > 1."""
    return float(np.sqrt(1 + x**2).sum()), x / np.sqrt(1 + x**2)


def flat_hessian(x):
    return np.diag((1 + x**2) ** -1.5)


def test_plain_newton_diverges_where_the_damped_one_does_not():
    x0 = np.array([1.1])
    assert abs(newton(flat_bowl, flat_hessian, x0).x[0]) < 1e-8
    with pytest.raises(ConvergenceError, match="after 3 steps the largest entry of the gradient"):
        newton(flat_bowl, flat_hessian, x0, max_iter=3, line_search=False)
    plain = newton(flat_bowl, flat_hessian, np.array([0.5]), line_search=False)
    assert plain.trajectory[1, 0] == pytest.approx(-(0.5**3))  # x − x(1 + x²) = −x³
    assert plain.evaluations == plain.iterations + 1


def test_plain_newton_climbs_a_hill_and_the_damped_one_goes_down():
    def function(x):
        return float(np.cos(x).sum()), -np.sin(x)

    def hessian(x):
        return np.diag(-np.cos(x))

    x0 = np.array([0.3])
    assert abs(newton(function, hessian, x0, line_search=False).x[0]) < 1e-8
    assert newton(function, hessian, x0).value == pytest.approx(-1)


def test_damping_is_the_first_that_makes_the_hessian_positive_definite():
    # At this saddle τ = .2 and 2 leave −3 + τ < 0; with 20 the step is −g / (H + 20).
    def function(x):
        value = 100 * x[0] ** 2 - 1.5 * x[1] ** 2 + x[1] ** 4
        return value, np.array([200 * x[0], -3 * x[1] + 4 * x[1] ** 3])

    def hessian(x):
        return np.diag([200.0, -3 + 12 * x[1] ** 2])

    minimum = newton(function, hessian, np.array([1.0, 0.01]))
    step = minimum.trajectory[1] - minimum.trajectory[0]
    assert np.allclose(step, [-200 / 220, (0.03 - 4e-6) / (17 + 12e-4)], rtol=1e-12)
    assert minimum.x[1] == pytest.approx(np.sqrt(0.75))


def test_damping_where_the_hessian_is_zero():
    def function(x):
        return float((x**4).sum()), 4 * x**3

    def hessian(x):
        return np.diag(12 * x**2) if np.abs(x).max() < 1e-3 else np.zeros((1, 1))

    minimum = newton(function, hessian, np.array([0.01]), tolerance=1e-9)
    assert minimum.trajectory[1, 0] == pytest.approx(0.01 - 4e-6 / 1e-3)


def test_arriving_at_once():
    minimum = lbfgs(bowl, np.zeros(2), max_iter=0)
    assert (minimum.iterations, minimum.evaluations, minimum.value) == (0, 1, 0)
    assert minimum.trajectory.shape == (1, 2)


def test_the_last_step_allowed_may_arrive():
    needed = lbfgs(rosenbrock, start(2)).iterations
    assert lbfgs(rosenbrock, start(2), max_iter=needed).iterations == needed
    with pytest.raises(
        ConvergenceError, match=f"after {needed - 1} steps .*expected at most 1e-06"
    ):
        lbfgs(rosenbrock, start(2), max_iter=needed - 1)


def test_a_function_may_reuse_the_memory_of_its_gradient():
    memory = np.empty(2)

    def function(x):
        memory[...] = BOWL @ x
        return 0.5 * x @ memory, memory

    assert np.allclose(lbfgs(function, np.array([3.0, -1.0])).x, 0, atol=1e-6)


def test_keeps_float32():
    scale = np.array([1, 4], np.float32)
    x0 = np.array([1, 1], np.float32)
    one = lbfgs(lambda x: (0.5 * x @ (scale * x), scale * x), x0, tolerance=1e-4)
    two = newton(lambda x: (0.5 * x @ (scale * x), scale * x), lambda x: np.diag(scale), x0)
    for minimum in (one, two):
        assert minimum.x.dtype == minimum.trajectory.dtype == minimum.gradient.dtype == np.float32


def test_a_gradient_as_large_as_the_tolerance_is_small_enough():
    assert lbfgs(lambda x: (x @ x / 2, x), np.array([0.5]), tolerance=0.5).iterations == 0


def test_defaults():
    assert inspect.signature(lbfgs).parameters["max_iter"].default == 1000
    assert lbfgs(rosenbrock, start(2)).gradient_norms[-1] <= 1e-6
    assert newton(rosenbrock, optimize.rosen_hess, start(2)).gradient_norms[-1] <= 1e-8
    with pytest.raises(ConvergenceError, match="after 100 steps"):
        newton(lambda x: (x[0], np.ones(1)), lambda x: np.eye(1), np.zeros(1), line_search=False)


def parabola(minimum):
    return lambda t: ((t - minimum) ** 2, 2 * (t - minimum))


@pytest.mark.parametrize(
    ("minimum", "tried"),
    [(1.0, [1]), (0.1, [1, 0.5, 0.25, 0.125]), (30.0, [1, 2, 4]), (0.6, [1])],
)
def test_wolfe_by_hand(minimum, tried):
    steps = []

    def along(t):
        steps.append(t)
        return parabola(minimum)(t)

    assert wolfe_step(along, minimum**2, -2 * minimum) == tried[-1]
    assert steps == tried


def test_wolfe_halves_between_too_short_and_too_long():
    # φ′ = −1 up to 2.2, then a steep wall: 1 and 2 are too short, 4 and 3 too long.
    def along(t):
        return (-t, -1.0) if t < 2.2 else (-2.2 + 9 * (t - 2.2), 0.0)

    assert wolfe_step(along, 0.0, -1.0, c1=0.5) == 2.25


def test_wolfe_conditions_at_their_limits():
    assert wolfe_step(lambda t: (-0.25 * t, -0.5), 0.0, -1.0, c1=0.25, c2=0.5) == 1
    assert wolfe_step(lambda t: (-1e-4 * t, -0.9), 0.0, -1.0) == 1
    assert wolfe_step(lambda t: (-1.01e-4 * min(t, 1), -0.9 if t == 1 else 0), 0.0, -1.0) == 1
    too_high = wolfe_step(lambda t: (-0.99e-4 * t if t == 1 else -t, 0.0), 0.0, -1.0)
    too_steep = wolfe_step(lambda t: (-t, -0.91 if t == 1 else 0.0), 0.0, -1.0)
    assert (too_high, too_steep) == (0.5, 2.0)


@pytest.mark.parametrize(("dtype", "eps"), [(np.float64, 2.0**-52), (np.float32, 2.0**-23)])
def test_wolfe_bears_the_rounding_of_the_values(dtype, eps):
    value = dtype(100)

    def raised(by):
        return lambda t: ((100 + by if t == 1 else 0.0), 0.0)

    assert wolfe_step(raised(900 * eps), value, -1e-30) == 1
    assert wolfe_step(raised(1100 * eps), value, -1e-30) == 0.5


def test_wolfe_takes_nan_for_too_long():
    assert wolfe_step(lambda t: (np.nan if t > 0.3 else -t, 0.0), 0.0, -1.0) == 0.25


def test_line_search_fails_with_the_wrong_gradient():
    calls = []

    def uphill(x):
        calls.append(x)
        return x[0] ** 2, -2 * x

    with pytest.raises(
        ConvergenceError, match=r"no step within 50 evaluations.*does the gradient belong"
    ):
        lbfgs(uphill, np.ones(1))
    assert len(calls) == 51
    with pytest.raises(ConvergenceError, match="no step within 3 evaluations"):
        wolfe_step(lambda t: (-t, -1.0), 0.0, -1.0, max_evaluations=3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lbfgs(bowl, [1, 2]), TypeError, "x0 must be float32 or float64, got int64"),
        (lambda: lbfgs(bowl, np.ones((2, 1))), ValueError, r"x0 must have shape \(n,\)"),
        (lambda: lbfgs(bowl, np.ones(2), history=0), ValueError, "history must be .* ≥ 1"),
        (lambda: lbfgs(bowl, np.ones(2), tolerance=0), ValueError, "tolerance must be .* > 0"),
        (lambda: lbfgs(bowl, np.ones(2), max_iter=-1), ValueError, "max_iter must be .* ≥ 0"),
        (lambda: lbfgs(bowl, np.array([1, np.nan])), ValueError, "x0 must be finite, got nan"),
        (
            lambda: lbfgs(lambda x: (np.nan, x), np.ones(2)),
            ValueError,
            "the loss overflowed: it is nan although",
        ),
        (
            lambda: lbfgs(lambda x: (1.0, x * np.nan), np.ones(2)),
            ValueError,
            "gradient must be finite, got nan",
        ),
        (
            lambda: lbfgs(lambda x: (1.0, x[:1]), np.ones(2)),
            ValueError,
            r"function must return a gradient of shape \(2,\), got \(1,\)",
        ),
        (
            lambda: newton(bowl, lambda x: np.eye(3), np.ones(2)),
            ValueError,
            r"hessian must return shape \(2, 2\), got \(3, 3\)",
        ),
        (
            lambda: newton(bowl, lambda x: np.zeros((2, 2)), np.ones(2), line_search=False),
            np.linalg.LinAlgError,
            "Singular",
        ),
        (
            lambda: newton(bowl, lambda x: np.eye(2) * np.nan, np.ones(2)),
            ValueError,
            "hessian must be finite, got nan",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
