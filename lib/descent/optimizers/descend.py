"""Gradient descent on a plain function, for its trajectory."""

import numpy as np

from descent.checks import float_array, integer, number


def gradient_descent(gradient, x0, lr, steps, *, momentum=0.0, nesterov=False):
    r"""Follow the negative gradient, and keep every point.

    .. math::
        v_{k+1} &= \mu v_k + g(x_k), \qquad v_0 = 0 \\
        x_{k+1} &= x_k - \eta\, v_{k+1}
            \qquad\text{or, with Nesterov,}\qquad
            x_{k+1} = x_k - \eta\,\bigl(g(x_k) + \mu v_{k+1}\bigr)

    Step by step the same as `SGD`, for functions that are not networks.

    Parameters
    ----------
    gradient : callable
        :math:`g`, from an array of ``x0``'s shape to one of the same shape.
    x0 : float array
        Where to start; it is not changed.
    lr : float ≥ 0
        :math:`\eta`
    steps : int ≥ 0
    momentum : float ≥ 0
        :math:`\mu`
    nesterov : bool
        Needs momentum > 0.

    Returns
    -------
    trajectory : float array, (steps + 1, \*x0.shape)
        From ``x0`` on, in ``x0``'s dtype. It runs to the end even where it diverges.

    Raises
    ------
    ValueError
        A negative rate, momentum or number of steps; Nesterov without momentum; a gradient
        whose shape is not ``x0``'s.

    Examples
    --------
    On :math:`x^2` a quarter of the gradient halves the distance:

    >>> gradient_descent(lambda x: 2 * x, np.array([8.0]), lr=0.25, steps=3).ravel()
    array([8., 4., 2., 1.])
    """
    x0 = float_array("x0", x0)
    lr = number("lr", lr, at_least=0)
    steps = integer("steps", steps, at_least=0)
    momentum = number("momentum", momentum, at_least=0)
    if nesterov and momentum == 0:
        raise ValueError(f"nesterov needs momentum > 0, got momentum {momentum}")
    trajectory = np.empty((steps + 1, *x0.shape), x0.dtype)
    trajectory[0] = x0
    v = np.zeros_like(x0)
    for k in range(steps):
        x = trajectory[k]
        g = np.asarray(gradient(x))
        if g.shape != x0.shape:
            raise ValueError(f"gradient must return shape {x0.shape} like x0, got {g.shape}")
        v = momentum * v + g
        trajectory[k + 1] = x - lr * (g + momentum * v if nesterov else v)
    return trajectory
