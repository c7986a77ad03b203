"""Methods that use curvature: Newton's, and L-BFGS, which guesses it from gradients."""

from dataclasses import dataclass

import numpy as np

from descent.checks import finite_result, float_array, integer, ndim, number
from descent.optimizers._convergence import ConvergenceError


@dataclass(frozen=True)
class Minimum:
    """Where a method arrived, and how.

    Attributes
    ----------
    x : float array, (n,)
    value : float
    gradient : float array, (n,)
    trajectory : float array, (iterations + 1, n)
        From the start to ``x``.
    gradient_norms : float array, (iterations + 1,)
        The largest absolute entry of the gradient at each point of the trajectory.
    evaluations : int
        How often the function, which gives value and gradient, was called.
    """

    x: np.ndarray
    value: float
    gradient: np.ndarray
    trajectory: np.ndarray
    gradient_norms: np.ndarray
    evaluations: int

    @property
    def iterations(self):
        """The number of steps."""
        return len(self.trajectory) - 1


def newton(function, hessian, x0, *, tolerance=1e-8, max_iter=100, line_search=True):
    r"""Newton's method, damped: go to the minimum of the local parabola, or part of the way.

    .. math:: (H(x_k) + \tau I)\, p_k = -g(x_k), \qquad x_{k+1} = x_k + t_k\, p_k

    :math:`\tau` is 0 where the Hessian is positive definite. Where it is not, the plain step may
    lead uphill; the first :math:`\tau` in a row of tenfold increases is taken that makes the
    matrix positive definite (by a Cholesky factorization), so that :math:`p_k` leads downhill.
    The line search tries :math:`t_k = 1` first, see `wolfe_step`. Near a minimum with a positive
    definite Hessian both :math:`\tau = 0` and :math:`t_k = 1`, and the number of correct digits
    doubles at each step.

    Parameters
    ----------
    function : callable
        From an array (n,) to the value and the gradient, (n,).
    hessian : callable
        From an array (n,) to the symmetric Hessian, (n, n).
    x0 : float array, (n,)
    tolerance : float > 0
        It stops when no entry of the gradient is larger in absolute value.
    max_iter : int ≥ 0
    line_search : bool
        Without, :math:`\tau = 0` and :math:`t_k = 1` always: the plain method, which may diverge
        or climb to a maximum.

    Returns
    -------
    minimum : Minimum

    Raises
    ------
    ConvergenceError
        The tolerance was not reached within `max_iter` steps, or the line search failed.
    ValueError
        Shapes that do not fit, options out of their ranges, values that are not finite where
        the method starts.
    numpy.linalg.LinAlgError
        Without line search, a singular Hessian.

    References
    ----------
    Nocedal and Wright (2006), "Numerical Optimization", 2nd edition, sections 3.3 and 3.4.

    Examples
    --------
    One step is enough for a parabola:

    >>> A = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> bowl = lambda x: (0.5 * x @ A @ x, A @ x)
    >>> minimum = newton(bowl, lambda x: A, np.array([5.0, -4.0]))
    >>> minimum.iterations, minimum.evaluations, float(abs(minimum.x).max()) < 1e-12
    (1, 2, True)
    """

    walk = _Walk(function, x0, tolerance, max_iter)
    while walk.goes_on():
        H = np.asarray(hessian(walk.x))
        if H.shape != (walk.x.size, walk.x.size):
            raise ValueError(f"hessian must return shape {2 * walk.x.shape}, got {H.shape}")
        finite_result(H, hessian=H)
        if line_search:
            H = _positive_definite(H)
        walk.step(-np.linalg.solve(H, walk.gradient), line_search)
    return walk.minimum()


def lbfgs(function, x0, *, history=10, tolerance=1e-6, max_iter=1000):
    r"""L-BFGS: Newton's method with a Hessian guessed from the last few steps.

    .. math::
        x_{k+1} = x_k - t_k\, B_k\, g_k, \qquad
        s_k = x_{k+1} - x_k, \quad y_k = g_{k+1} - g_k

    :math:`B_k` approximates the inverse Hessian: it starts from a multiple of the identity and
    satisfies :math:`B y = s` for the last pair. It is never formed, see `two_loop`. The first
    step has length 1 before the line search; the later ones try :math:`t_k = 1` first, and
    `wolfe_step` sees to it that :math:`s_k^\top y_k > 0`.

    SciPy's ``minimize(method="L-BFGS-B")`` follows the same recursion with another line search.

    Parameters
    ----------
    function : callable
        From an array (n,) to the value and the gradient, (n,).
    x0 : float array, (n,)
    history : int ≥ 1
        How many pairs (s, y) are kept.
    tolerance : float > 0
        It stops when no entry of the gradient is larger in absolute value.
    max_iter : int ≥ 0

    Returns
    -------
    minimum : Minimum

    Raises
    ------
    ConvergenceError
        The tolerance was not reached within `max_iter` steps, or the line search failed.
    ValueError
        Shapes that do not fit, options out of their ranges, values that are not finite where
        the method starts.

    References
    ----------
    Nocedal (1980), "Updating quasi-Newton matrices with limited storage", Mathematics of
    Computation 35; Liu and Nocedal (1989), "On the limited memory BFGS method for large scale
    optimization", Mathematical Programming 45.

    Examples
    --------
    >>> scale = np.array([1.0, 100.0])
    >>> minimum = lbfgs(lambda x: (0.5 * x @ (scale * x), scale * x), np.array([3.0, 1.0]))
    >>> float(abs(minimum.x).max()) < 1e-6
    True
    """
    integer("history", history, at_least=1)
    walk = _Walk(function, x0, tolerance, max_iter)
    pairs = []
    while walk.goes_on():
        x, g = walk.x, walk.gradient
        walk.step(-two_loop(g, pairs) if pairs else -g / np.linalg.norm(g))
        pairs.append((walk.x - x, walk.gradient - g))
        pairs = pairs[-history:]
    return walk.minimum()


def two_loop(gradient, pairs):
    r"""The inverse Hessian that L-BFGS guesses, times the gradient.

    With :math:`\rho_i = 1 / y_i^\top s_i`, it applies from the newest pair to the oldest

    .. math::
        B_{i+1} = (I - \rho_i s_i y_i^\top)\, B_i\, (I - \rho_i y_i s_i^\top)
        + \rho_i s_i s_i^\top

    to a vector, from the right factor inward and back out to the left; innermost stands
    :math:`B_0 = \dfrac{s^\top y}{y^\top y}\, I` with the newest pair.

    Parameters
    ----------
    gradient : float array, (n,)
    pairs : list of (s, y)
        Steps and the changes of the gradient along them, oldest first; at least one.

    Returns
    -------
    product : float array, (n,)

    References
    ----------
    Nocedal and Wright (2006), "Numerical Optimization", 2nd edition, algorithm 7.4.

    Examples
    --------
    One pair along which the curvature is 4:

    >>> two_loop(np.array([8.0, 0.0]), [(np.array([1.0, 0.0]), np.array([4.0, 0.0]))])
    array([2., 0.])
    """
    q = gradient
    alphas = []
    for s, y in reversed(pairs):
        alphas.append((s @ q) / (y @ s))
        q = q - alphas[-1] * y
    s, y = pairs[-1]
    r = (s @ y) / (y @ y) * q
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = (y @ r) / (y @ s)
        r = r + (alpha - beta) * s
    return r


def wolfe_step(along, value, slope, *, c1=1e-4, c2=0.9, max_evaluations=50):
    r"""A step length that lowers the function enough and flattens it enough.

    With :math:`\phi(t) = f(x + t p)`, the (weak) Wolfe conditions are

    .. math::
        \phi(t) \le \phi(0) + c_1 t\, \phi'(0), \qquad \phi'(t) \ge c_2\, \phi'(0).

    A step that breaks the first is too long, one that breaks the second too short. Starting at
    1, the step doubles until one was too long, and then halves the interval that remains.

    Parameters
    ----------
    along : callable
        From t to (φ(t), φ′(t)).
    value, slope : float
        φ(0) and φ′(0) < 0.
    c1, c2 : float
        0 < c1 < c2 < 1
    max_evaluations : int

    Returns
    -------
    t : float

    Raises
    ------
    ConvergenceError
        No such step within `max_evaluations`, as when the gradient does not belong to the
        function, or the function is unbounded below.

    References
    ----------
    Lewis and Overton (2013), "Nonsmooth optimization via quasi-Newton methods", Mathematical
    Programming 141.

    Examples
    --------
    On (t − 0.1)² a step of 1 is too long, and so are its halves down to 1/8:

    >>> wolfe_step(lambda t: ((t - 0.1) ** 2, 2 * (t - 0.1)), 0.01, -0.2)
    0.125
    """
    # Near a minimum the decrease drowns in the rounding of the values; the slopes still tell.
    rounding = 10 * np.finfo(np.asarray(value).dtype).eps * abs(value)
    shortest, longest = 0.0, np.inf
    t = 1.0
    for _ in range(max_evaluations):
        value_t, slope_t = along(t)
        if not value_t <= value + c1 * t * slope + rounding:
            longest = t
        elif not slope_t >= c2 * slope:
            shortest = t
        else:
            return t
        t = 2 * t if longest == np.inf else 0.5 * (shortest + longest)
    raise ConvergenceError(
        f"line search: no step within {max_evaluations} evaluations, the last was {t:.3g} "
        f"from a slope of {slope:.3g}; does the gradient belong to the function?"
    )


class _Walk:
    """The present point of a method with its value and gradient, and the way behind it."""

    def __init__(self, function, x0, tolerance, max_iter):
        x0 = float_array("x0", x0)
        ndim("x0", x0, 1, "(n,)")
        self.tolerance = number("tolerance", tolerance, above=0)
        self.max_iter = integer("max_iter", max_iter, at_least=0)
        self.function = function
        self.evaluations = 0
        self.trajectory, self.gradient_norms = [], []
        self._evaluate(x0.copy())
        finite_result(self.value, x0=x0)
        finite_result(self.gradient, gradient=self.gradient)
        self._arrive()

    def goes_on(self):
        """Whether the gradient is still too large; an error if there were too many steps."""
        norm, iterations = self.gradient_norms[-1], len(self.trajectory) - 1
        if norm <= self.tolerance:
            return False
        if iterations == self.max_iter:
            raise ConvergenceError(
                f"after {iterations} steps the largest entry of the gradient is {norm:.3g}, "
                f"expected at most {self.tolerance:.3g}"
            )
        return True

    def step(self, p, line_search=True):
        """Go along p, by the step length that the line search finds or by 1."""
        x, value, slope = self.x, self.value, self.gradient @ p

        def along(t):
            self._evaluate(x + t * p)
            return self.value, self.gradient @ p

        if line_search:
            wolfe_step(along, value, slope)
        else:
            along(1)
        self._arrive()

    def minimum(self):
        return Minimum(
            self.x,
            float(self.value),
            self.gradient,
            np.array(self.trajectory),
            np.array(self.gradient_norms),
            self.evaluations,
        )

    def _evaluate(self, x):
        self.evaluations += 1
        self.x = x
        self.value, gradient = self.function(x)
        self.gradient = np.array(gradient)  # a copy: a network gives the same memory each time
        if self.gradient.shape != x.shape:
            raise ValueError(
                f"function must return a gradient of shape {x.shape}, got {self.gradient.shape}"
            )

    def _arrive(self):
        self.trajectory.append(self.x)
        self.gradient_norms.append(np.abs(self.gradient).max())


def _positive_definite(H):
    """H, or H + τ I with the first τ that a Cholesky factorization accepts."""
    tau, smallest = 0.0, 1e-3 * (float(np.abs(H).max()) or 1.0)
    while True:
        damped = H + tau * np.eye(len(H), dtype=H.dtype)
        try:
            np.linalg.cholesky(damped)
            return damped
        except np.linalg.LinAlgError:
            tau = max(10 * tau, smallest)
