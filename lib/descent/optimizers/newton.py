"""Newton's method: the Hessian says how far to go."""

import numpy as np

from descent.checks import finite_result
from descent.optimizers._walk import Walk


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

    walk = Walk(function, x0, tolerance, max_iter)
    while walk.goes_on():
        H = np.asarray(hessian(walk.x))
        if H.shape != (walk.x.size, walk.x.size):
            raise ValueError(f"hessian must return shape {2 * walk.x.shape}, got {H.shape}")
        finite_result(H, hessian=H)
        if line_search:
            H = _positive_definite(H)
        walk.step(-np.linalg.solve(H, walk.gradient), line_search)
    return walk.minimum()


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
