"""A line search: how far to go along a direction."""

import numpy as np

from descent.optimizers._convergence import ConvergenceError


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
