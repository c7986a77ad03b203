"""L-BFGS: Newton's method with curvature guessed from gradients."""

from descent.checks import integer
from descent.norms import vector_norm
from descent.optimizers._walk import Walk


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
    history = integer("history", history, at_least=1)
    walk = Walk(function, x0, tolerance, max_iter)
    pairs = []
    while walk.goes_on():
        x, g = walk.x, walk.gradient
        walk.step(-two_loop(g, pairs) if pairs else -(g / vector_norm([g])))
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
    length = vector_norm([y])
    r = (s @ y) / length / length * q  # y @ y may overflow
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = (y @ r) / (y @ s)
        r = r + (alpha - beta) * s
    return r
